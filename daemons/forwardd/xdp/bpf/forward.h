/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet's way to its server, and an answer's to its client, once the connection is known. */
#ifndef BALLAST_FORWARD_H
#define BALLAST_FORWARD_H

#include "connection.h"
#include "full_nat.h"
#include "hop.h"
#include "rewrite.h"
#include "too_big.h"
#include "tunnel.h"

static __always_inline int send_to_server(struct packet *p, const struct server *server)
{
	const struct way way = {
		.ifindex = server->ifindex,
		.source_mac = server->source_mac,
		.destination_mac = server->destination_mac,
		.vlan = server->vlan,
	};

	return send_frame(p->ctx, p->tags, p->vlan, &way);
}

/* What a client may send to a server at most; 0: not known. */
static __always_inline __u32 most_for(const struct packet *p, const struct server *server)
{
	if (!server->mtu)
		return 0;
	if (server->method == METHOD_TUN)
		return server->mtu - tunnel_overhead(server);
	if (server->method == METHOD_FNAT && p->is_ipv6 && is_mapped_ipv4(server->address))
		return server->mtu + sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	return server->mtu;
}

/* line: the connection's, which FULLNAT needs; control as it was found. */
static __always_inline int towards_server(struct packet *p, __u32 index, const struct server *server, const struct found *line,
					  int is_new)
{
	if (!(server->flags & SERVER_REACHABLE))
		return drop(DROP_unreachable);
	if (p->length > most_for(p, server) && server->mtu)
		return tell_too_big(p, most_for(p, server));
	switch (server->method) {
	case METHOD_NAT:
		if (!decrement_ttl(p))
			return drop(DROP_ttl);
		NOTE(nat, index);
		rewrite(p, 0, server->address, server->port ? server->port : p->key.destination_port);
		break;
	case METHOD_FNAT:
		if (tracing && line->index == NO_LINE) { /* a new connection, which tracing does not enter */
			NOTE(full_nat, 0);
			break;
		}
		return full_nat_request(p, line, server, index, is_new);
	case METHOD_TUN:
		if (!encapsulate(p, server, index))
			return drop(DROP_no_room);
		break;
	default:
		NOTE(direct, index);
	}
	count_packet(index, p->length, 0, is_new);
	return send_to_server(p, server);
}

static __always_inline int send_to_client(struct packet *p, const struct hop *hop)
{
	const struct way way = {
		.ifindex = hop->ifindex,
		.source_mac = hop->source_mac,
		.destination_mac = hop->destination_mac,
		.vlan = hop->vlan,
	};

	return send_frame(p->ctx, p->tags, p->vlan, &way);
}

static __always_inline int towards_client(struct packet *p, struct flow *flow, const struct hop *hop)
{
	if (!decrement_ttl(p))
		return drop(DROP_ttl);
	rewrite(p, 1, flow->vip, flow->vip_port);
	count_packet(flow->server, p->length, 1, 0);
	return send_to_client(p, hop);
}

#endif
