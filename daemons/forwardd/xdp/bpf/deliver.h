/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP errors about packets of connections, both ways: found by the packet that they quote, and delivered to whom it came from. */
#ifndef BALLAST_DELIVER_H
#define BALLAST_DELIVER_H

#include "forward.h"
#include "report.h"

static __always_inline void reverse(struct tuple *to, const struct tuple *from)
{
	copy_address(to->source, from->destination);
	copy_address(to->destination, from->source);
	to->source_port = from->destination_port;
	to->destination_port = from->source_port;
	to->protocol = from->protocol;
}

/* Where a client's connection is: its line, and above it the control by which it was found; or NO_RETURN. */
__noinline __u64 find_of_client(const struct tuple *key)
{
	struct found found;

	if (!key)
		return NO_RETURN;
	for (int by_client = 0; by_client < 2; by_client++) {
		if (find_flow(&found, hash_of(key, by_client), key))
			return (__u64)found.control << 32 | found.index;
	}
	return NO_RETURN;
}

__noinline __u64 find_of_server(const struct tuple *key)
{
	struct found found;

	if (!key || !find_answered(&found, key))
		return NO_RETURN;
	return (__u64)found.control << 32 | found.index;
}

/* The server of a live connection of ours, or 0. */
static __always_inline struct server *server_in_charge(const struct flow *flow)
{
	struct server *server = flow ? find_server(flow->server) : 0;

	if (!server || !is_servers(flow, server) || !is_forwarding(server->role) || is_expired(flow, seconds_now()))
		return 0;
	return server;
}

static __always_inline void put_tuple(struct report *report, const __u8 *source, __be16 source_port, const __u8 *destination,
				      __be16 destination_port)
{
	copy_address(report->quoted.source, source);
	copy_address(report->quoted.destination, destination);
	report->quoted.source_port = source_port;
	report->quoted.destination_port = destination_port;
}

static __always_inline int send_written(struct xdp_md *ctx, const struct way *way)
{
	const __be16 untagged[VLAN_TAGS] = {};

	if (!write_report(ctx))
		return drop(DROP_no_room);
	return sent_or_dropped(send_frame(ctx, 0, untagged, way));
}

static __always_inline void describe_report(const struct report *report, const struct flow *flow, struct outer *outer,
					    int with_sum)
{
	struct tuple key = {};

	copy_address(key.source, flow->client);
	copy_address(key.destination, flow->vip);
	key.source_port = flow->client_port;
	key.destination_port = flow->vip_port;
	outer->length = report->end - report->ip;
	outer->entropy = entropy(&key);
	outer->protocol = report->is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	outer->dont_fragment = 1;
	/* Over IPv4, header and ICMP add up to nothing each. */
	outer->has_sum = with_sum && !report->is_ipv6;
	outer->inner_sum = 0xffff;
}

/* A server that has the VIP itself gets the report as it is. */
static __always_inline int pass_on(struct xdp_md *ctx, struct report *report, const struct flow *flow, const struct server *server,
				   __u32 index)
{
	const struct way way = {
		.ifindex = server->ifindex,
		.source_mac = server->source_mac,
		.destination_mac = server->destination_mac,
		.vlan = server->vlan,
	};
	struct outer outer = {};
	__u32 tags = report->tags;

	if (server->method == METHOD_TUN) {
		describe_report(report, flow, &outer, server->flags & SERVER_CHECKSUM);
		if (!put_outer(ctx, tags, server, index, &outer))
			return drop(DROP_no_room);
		report->tags = 0;
		report->vlan[0] = report->vlan[1] = 0;
	}
	return sent_or_dropped(send_frame(ctx, report->tags, report->vlan, &way));
}

enum { UNTRANSLATABLE = DROP_COUNT + 1 }; /* left to the kernel */

/* One that knows its own address only gets it with that. FULLNAT's comes from the LIP, as all that it gets. */
static __always_inline int translate_to_server(struct report *report, const struct flow *flow, const struct server *server)
{
	const struct local *local;

	if (report->ttl <= 1)
		return DROP_ttl;
	report->ttl--;
	copy_address(report->destination, server->address);
	if (server->method == METHOD_NAT) {
		put_tuple(report, server->address, port_behind(server, flow), report->quoted.destination,
			  report->quoted.destination_port);
		return DROP_COUNT;
	}
	local = local_of(flow);
	if (!local || !flow->local_port)
		return DROP_no_connection;
	if (report->is_ipv6 && is_mapped_ipv4(server->address) && !report_to_ipv4(report))
		return UNTRANSLATABLE;
	copy_address(report->source, local->address);
	put_tuple(report, server->address, port_behind(server, flow), local->address, flow->local_port);
	return DROP_COUNT;
}

/* To the server of a connection's line, about a packet that went to the client. */
__noinline int deliver_to_server(struct xdp_md *ctx, __u32 line)
{
	struct report_room *room = report_of_cpu();
	struct flow *flow = flow_at(line);
	struct server *server = server_in_charge(flow);
	int outcome;

	if (!room || !flow || !server)
		return XDP_PASS;
	if (!(server->flags & SERVER_REACHABLE))
		return drop(DROP_unreachable);
	count_event(EVENT_error_delivered);
	count_packet(flow->server, room->report.end - room->report.ip, 0, 0);
	if (server->method == METHOD_DR || server->method == METHOD_TUN)
		return pass_on(ctx, &room->report, flow, server, flow->server);
	if (!is_report_whole(ctx))
		return drop(DROP_truncated);
	outcome = translate_to_server(&room->report, flow, server);
	if (outcome == UNTRANSLATABLE)
		return XDP_PASS;
	if (outcome != DROP_COUNT)
		return drop(outcome);
	{
		const struct way way = {
			.ifindex = server->ifindex,
			.source_mac = server->source_mac,
			.destination_mac = server->destination_mac,
			.vlan = server->vlan,
		};

		return send_written(ctx, &way);
	}
}

/* What FULLNAT puts into the client's packets: a router's MTU is less by that for him. */
static __always_inline __u32 growth_on_way(const struct flow *flow, const struct server *server, __u8 flow_flags)
{
	if (server->method != METHOD_FNAT || flow->protocol != IPPROTO_TCP || (flow_flags & (FLOW_ACKNOWLEDGED | FLOW_DETAILED)))
		return 0;
	return toa_size(flow);
}

/* A way that has room for IPv6's least MTU, but not for TOA, too: from now on packets go without. The one that completed the handshake
 * had it. */
static __always_inline void give_way_to_least_mtu(const struct report *report, const struct flow *flow, __u32 line,
						  const struct server *server)
{
	__u32 control = READ_ONCE(flow->control);
	__u32 growth = growth_on_way(flow, server, CONTROL_FLAGS(control));
	__u32 mtu = told_mtu(report);

	if (!report->is_ipv6)
		mtu += sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	if (!growth || is_mapped_ipv4(flow->client) || !is_too_big(report) || mtu >= LEAST_MTU6 + growth ||
	    CONTROL_STATE(control) < STATE_ESTABLISHED)
		return;
	if (raise_flag(line, control, FLOW_ACKNOWLEDGED))
		count_event(EVENT_toa_left_out);
}

static __always_inline void tell_mtu(struct report *report, __u32 mtu)
{
	report->type = report->is_ipv6 ? ICMP6_TOO_BIG : ICMP4_UNREACHABLE;
	report->code = report->is_ipv6 ? 0 : ICMP4_TOO_BIG;
	report->rest = bpf_htonl(mtu);
}

/* Makes the report one about what the client sent. 0: there is none that says it. */
static __always_inline int translate_to_client(struct report *report, const struct flow *flow, const struct server *server)
{
	int client_is_ipv6 = !is_mapped_ipv4(flow->client);
	__u32 mtu = told_mtu(report);
	__u32 growth;

	if (server->method == METHOD_TUN) {
		growth = tunnel_overhead(server);
		report->is_ipv6 = client_is_ipv6;
		tell_mtu(report, mtu > growth ? mtu - growth : 0);
		return mtu > growth;
	}
	growth = growth_on_way(flow, server, CONTROL_FLAGS(READ_ONCE(flow->control)));
	if (is_too_big(report) && mtu > growth)
		tell_mtu(report, mtu - growth);
	return report->is_ipv6 || !client_is_ipv6 || report_to_ipv6(report);
}

/* To the client of a connection's line, about a packet of his: the report is from the VIP. */
__noinline int deliver_to_client(struct xdp_md *ctx, __u32 line)
{
	struct report_room *room = report_of_cpu();
	struct found found = {.flow = flow_at(line), .index = line};
	struct server *server = server_in_charge(found.flow);
	struct report *report;
	struct hop *hop;

	if (!room || !found.flow || !server)
		return XDP_PASS;
	if (!is_report_whole(ctx))
		return drop(DROP_truncated);
	hop = way_to_client(ctx, &found, 1, seconds_now());
	if (!hop)
		return drop(DROP_no_route);
	report = &room->report;
	if (report->ttl <= 1)
		return drop(DROP_ttl);
	report->ttl--;
	give_way_to_least_mtu(report, found.flow, line, server);
	if (!translate_to_client(report, found.flow, server))
		return XDP_PASS;
	copy_address(report->source, found.flow->vip);
	copy_address(report->destination, found.flow->client);
	put_tuple(report, found.flow->client, found.flow->client_port, found.flow->vip, found.flow->vip_port);
	count_event(EVENT_error_delivered);
	count_packet(found.flow->server, report->end - report->ip, 1, 0);
	{
		const struct way way = {
			.ifindex = hop->ifindex,
			.source_mac = hop->source_mac,
			.destination_mac = hop->destination_mac,
			.vlan = hop->vlan,
		};

		return send_written(ctx, &way);
	}
}

/* Behind the outer header of a tunnel's packet that a report quotes: where the packet inside begins; 0: nowhere. */
static __always_inline __u32 find_inside(struct xdp_md *ctx, const struct report *report)
{
	__be16 flags;

	switch (report->quoted.protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6: return report->l4;
	case IPPROTO_UDP: return report->l4 + SHIM_GUE;
	case IPPROTO_GRE:
		if (bpf_xdp_load_bytes(ctx, report->l4, &flags, sizeof(flags)) || (flags & ~bpf_htons(GRE_CHECKSUM)))
			return 0;
		return report->l4 + (flags ? SHIM_GRE_CHECKSUM : SHIM_GRE);
	default: return 0;
	}
}

static __always_inline int inside_is_ipv6(struct xdp_md *ctx, __u32 at)
{
	__u8 first;

	return at <= MOST_OFFSET && !bpf_xdp_load_bytes(ctx, at, &first, 1) && first >> 4 == 6;
}

/* A router says that an outer packet of ours is too big: the client is to be told about the one inside (RFC 2003, 5.1; RFC 2473, 8.1). Its
 * connection, as find_of_client() has it. */
__noinline __u64 find_of_tunnel(struct xdp_md *ctx)
{
	struct report_room *room = report_of_cpu();
	struct server *server;
	struct flow *flow;
	__u8 tunnel_end[16];
	__u64 found;
	__u32 at;

	if (!room)
		return NO_RETURN;
	copy_address(tunnel_end, room->report.quoted.destination);
	at = find_inside(ctx, &room->report);
	if (!at || !read_quoted(ctx, at, inside_is_ipv6(ctx, at)))
		return NO_RETURN;
	found = find_of_client(&room->report.quoted);
	flow = found == NO_RETURN ? 0 : flow_at((__u32)found);
	server = flow ? find_server(flow->server) : 0;
	if (!server || server->method != METHOD_TUN || !same_address(server->address, tunnel_end))
		return NO_RETURN;
	return found;
}

/* An error that note_report() took: to whom it belongs, or on to the kernel. */
__noinline int deliver_report(struct xdp_md *ctx)
{
	struct report_room *room = report_of_cpu();
	struct filters *filter;
	struct tuple key = {};
	__u64 found;
	__u32 zero = 0;

	filter = bpf_map_lookup_elem(&filters, &zero);
	if (!room || !filter || !read_quoted(ctx, room->report.icmp + ICMP_HEADER, room->report.is_ipv6) ||
	    !same_address(room->report.destination, room->report.quoted.source))
		return XDP_PASS;
	reverse(&key, &room->report.quoted);
	if (test_bit(filter->destination, key.destination)) {
		found = find_of_client(&key);
		if (found != NO_RETURN)
			return deliver_to_server(ctx, (__u32)found);
	}
	found = test_bit(filter->local, key.destination) ? find_return(&key) : NO_RETURN;
	if (found == NO_RETURN && test_bit(filter->source, key.source))
		found = find_of_server(&key);
	if (found == NO_RETURN && is_too_big(&room->report))
		found = find_of_tunnel(ctx);
	return found == NO_RETURN ? XDP_PASS : deliver_to_client(ctx, (__u32)found);
}

#endif
