/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Fragments: the first has ports and is forwarded as any packet; those behind it follow it. */
#ifndef BALLAST_FRAGMENTS_H
#define BALLAST_FRAGMENTS_H

#include "forward.h"

enum { FRAGMENTED_PACKETS = 16384, FRAGMENT_KEPT = 30 /* seconds without a fragment: as long as hosts wait */ };

struct fragment_key {
	__u8 source[16];
	__u8 destination[16];
	__u32 id;
	__u32 protocol; /* IPv4; 0 in IPv6, where the first fragment alone has it */
};

struct fragment_way {
	__u32 server;    /* 0: the first was left to the kernel */
	__u32 line;      /* of its connection, or NO_LINE: it has none (ops) */
	__u32 last_used; /* seconds */
	__u16 use;       /* the line's */
	__u16 server_generation;
	__u32 to_client;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENTED_PACKETS);
	__type(key, struct fragment_key);
	__type(value, struct fragment_way);
} fragments SEC(".maps");

static __always_inline void name_fragment(struct fragment_key *key, const struct packet *p)
{
	copy_address(key->source, p->key.source);
	copy_address(key->destination, p->key.destination);
	key->id = p->fragment_id;
	key->protocol = p->is_ipv6 ? 0 : p->key.protocol;
}

/* Remembers where a first fragment goes. */
static __noinline int remember_fragment(const struct packet *p, __u32 server_index, const struct found *found, int to_client,
					__u32 now)
{
	struct server *server = server_index ? find_server(server_index) : 0;
	struct fragment_key key;
	struct fragment_way way = {};

	if (!p || !found || tracing)
		return 0;
	name_fragment(&key, p);
	way.server = server_index;
	way.line = server_index ? found->index : NO_LINE;
	way.use = CONTROL_USE(found->control);
	way.server_generation = server ? server->generation : 0;
	way.to_client = to_client;
	way.last_used = now;
	bpf_map_update_elem(&fragments, &key, &way, BPF_ANY);
	return 0;
}

static __always_inline void set_addresses(struct packet *p, const __u8 *source, const __u8 *destination)
{
	rewrite_address(p, 1, source);
	rewrite_address(p, 0, destination);
}

static __always_inline int fragment_to_server(struct packet *p, const struct server *server, __u32 index, const struct flow *flow)
{
	const struct local *local;

	if (!(server->flags & SERVER_REACHABLE))
		return drop(DROP_unreachable);
	if (server->method == METHOD_DR)
		return send_to_server(p, server);
	if (server->method == METHOD_TUN)
		return encapsulate(p, server, index) ? send_to_server(p, server) : drop(DROP_no_room);
	if (!decrement_ttl(p))
		return drop(DROP_ttl);
	if (server->method == METHOD_FNAT) {
		local = flow ? local_of(flow) : 0;
		if (!local)
			return drop(DROP_no_connection);
		set_addresses(p, local->address, server->address);
	} else {
		rewrite_address(p, 0, server->address);
	}
	return send_to_server(p, server);
}

static __always_inline int fragment_to_client(struct packet *p, const struct flow *flow, const struct hop *hop)
{
	if (!decrement_ttl(p))
		return drop(DROP_ttl);
	set_addresses(p, flow->vip, flow->client);
	return send_to_client(p, hop);
}

/* FULLNAT between the families. hop: the way to the client, or 0: it is for the server. */
static __noinline int translate_later(struct packet *p, const struct server *server, const struct found *found,
				      const struct hop *hop)
{
	struct shape *shape;
	struct way way = {};

	if (!p || !server || !found)
		return XDP_PASS;
	if (!hop && !(server->flags & SERVER_REACHABLE))
		return drop(DROP_unreachable);
	shape = shape_of(p, found, server, found->flow->server, 1);
	if (!shape || !translate_fragment(p->ctx, shape))
		return drop(DROP_fragment);
	way.ifindex = hop ? hop->ifindex : server->ifindex;
	way.source_mac = hop ? hop->source_mac : server->source_mac;
	way.destination_mac = hop ? hop->destination_mac : server->destination_mac;
	way.vlan = hop ? hop->vlan : server->vlan;
	return send_shape(p->ctx, shape, &way);
}

/* A fragment that has no ports goes the way of its first. One that is not for a VIP and of no known packet is the kernel's. */
static __noinline int follow_first(struct packet *p, int to_vip)
{
	__u32 now = seconds_now(), server_index, line;
	struct found found = {};
	struct fragment_key key;
	struct fragment_way *way;
	struct hop *hop = 0;
	struct server *server;
	int to_client;

	name_fragment(&key, p);
	way = bpf_map_lookup_elem(&fragments, &key);
	if (!way || now - way->last_used > FRAGMENT_KEPT)
		return to_vip ? drop(DROP_fragment) : XDP_PASS;
	server_index = way->server;
	line = way->line;
	to_client = way->to_client;
	server = server_index ? find_server(server_index) : 0;
	if (!server || !is_forwarding(server->role))
		return XDP_PASS;
	if (way->last_used != now && !tracing)
		way->last_used = now;
	if (line != NO_LINE) {
		found.index = line;
		found.flow = flow_at(line);
		found.control = found.flow ? READ_ONCE(found.flow->control) : 0;
		if (!found.flow || !is_live(found.control) || CONTROL_USE(found.control) != way->use)
			return drop(DROP_no_connection);
	}
	if ((__u16)server->generation != way->server_generation || !(server->flags & SERVER_USED))
		return drop(DROP_server_gone);
	if (to_client) {
		hop = found.flow ? way_to_client(p->ctx, &found, 0, now) : 0;
		if (!hop)
			return drop(DROP_no_route);
	}
	count_packet(server_index, p->length, to_client, 0);
	if (found.flow && server->method == METHOD_FNAT && is_mapped_ipv4(found.flow->client) != is_mapped_ipv4(server->address))
		return translate_later(p, server, &found, hop);
	return hop ? fragment_to_client(p, found.flow, hop) : fragment_to_server(p, server, server_index, found.flow);
}

#endif
