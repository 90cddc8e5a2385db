/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FULLNAT: both addresses are rewritten, so that a server answers to a LIP of this machine and needs nothing of its own. */
#ifndef BALLAST_FULL_NAT_H
#define BALLAST_FULL_NAT_H

#include "local.h"
#include "translate.h"

/* Of a later fragment in IPv6 the fragment header is the last before the data. */
static __always_inline __be16 fragment_field_of(const struct packet *p)
{
	void *end = (void *)(long)p->ctx->data_end;
	__be16 position = 0;
	__u32 at;

	if (p->fragment == FRAGMENT_NONE)
		return 0;
	if (!p->is_ipv6)
		return (void *)(p->ip4 + 1) > end ? 0 : p->ip4->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_OFFSET_MASK);
	if (p->fragment == FRAGMENT_FIRST)
		return bpf_htons(IP_MORE_FRAGMENTS);
	at = offset_of(p, p->l4);
	if (at < FRAGMENT_HEADER || bpf_xdp_load_bytes(p->ctx, at - FRAGMENT_HEADER + 2, &position, sizeof(position)))
		return 0;
	return bpf_htons(bpf_ntohs(position) >> 3 | (bpf_ntohs(position) & 1 ? IP_MORE_FRAGMENTS : 0));
}

/* In the CPU's scratch; 0 never in fact. */
static __always_inline struct shape *shape_of(const struct packet *p, const struct found *found, const struct server *server,
					      __u32 server_index, int changes_family)
{
	struct scratch *scratch = scratch_of_cpu();
	struct shape *shape;

	if (!scratch)
		return 0;
	shape = &scratch->shape;
	shape->line = found->index;
	shape->control = found->control;
	shape->server = server_index;
	shape->ip = offset_of(p, p->ip4);
	shape->l4 = offset_of(p, p->l4);
	shape->length = p->length;
	shape->payload_length = p->payload_length;
	shape->mtu = server->mtu;
	shape->changes_family = changes_family;
	shape->is_new = 0;
	shape->is_fragment = p->fragment != FRAGMENT_NONE;
	shape->fragment_field = fragment_field_of(p);
	shape->fragment_id = p->is_ipv6 ? bpf_ntohl(p->fragment_id) : bpf_ntohs(p->fragment_id);
	shape->vlan[0] = p->vlan[0];
	shape->vlan[1] = p->vlan[1];
	shape->tags = p->tags;
	shape->is_ipv6 = p->is_ipv6;
	shape->tcp_flags = p->tcp_flags;
	shape->flow_flags = CONTROL_FLAGS(found->control);
	return shape;
}

struct rewriting {
	const __u8 *source;
	const __u8 *destination;
	__be16 source_port;
	__be16 destination_port;
};

static __always_inline int has_hops_left(struct xdp_md *ctx, const struct shape *shape)
{
	if (shape->is_ipv6) {
		struct ipv6hdr *ip = ip6_of(ctx, shape);

		return ip && ip->hop_limit > 1;
	} else {
		struct iphdr *ip = ip4_of(ctx, shape);

		return ip && ip->ttl > 1;
	}
}

/* Both addresses, one hop less; the difference for the layer 4 checksum. */
static __always_inline __u64 rewrite_addresses(struct xdp_md *ctx, const struct shape *shape, const struct rewriting *to)
{
	__u64 delta = 0;

	if (shape->is_ipv6) {
		struct ipv6hdr *ip = ip6_of(ctx, shape);

		if (!ip)
			return 0;
		delta = address_difference(&ip->saddr, to->source) + address_difference(&ip->daddr, to->destination);
		copy_address(&ip->saddr, to->source);
		copy_address(&ip->daddr, to->destination);
		ip->hop_limit--;
	} else {
		struct iphdr *ip = ip4_of(ctx, shape);
		__be32 source = ((const __u32 *)to->source)[3];
		__be32 destination = ((const __u32 *)to->destination)[3];

		if (!ip)
			return 0;
		delta = difference(ip->saddr, source) + difference(ip->daddr, destination);
		ip->check = update_checksum(ip->check, delta + difference16(bpf_htons(1 << 8), 0));
		ip->saddr = source;
		ip->daddr = destination;
		ip->ttl--;
	}
	return delta;
}

/* Ports and checksum. unsummed: a UDP packet may have no checksum, and keeps none. */
static __always_inline void rewrite_ports(struct xdp_md *ctx, const struct shape *shape, const struct rewriting *to, __u8 protocol,
					  __u64 delta, int may_be_unsummed)
{
	__be16 *ports = (void *)(long)ctx->data + (shape->l4 & MOST_OFFSET);
	void *end = (void *)(long)ctx->data_end;

	if (protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = (void *)ports;

		if ((void *)(tcp + 1) > end)
			return;
		delta += difference16(tcp->source, to->source_port) + difference16(tcp->dest, to->destination_port);
		tcp->check = update_checksum(tcp->check, delta);
	} else {
		struct udphdr *udp = (void *)ports;

		if ((void *)(udp + 1) > end)
			return;
		delta += difference16(udp->source, to->source_port) + difference16(udp->dest, to->destination_port);
		if (udp->check || !may_be_unsummed) {
			__u16 check = update_checksum(udp->check, delta);

			udp->check = check ? check : 0xffff;
		}
	}
	ports[0] = to->source_port;
	ports[1] = to->destination_port;
}

static __always_inline int send_shape(struct xdp_md *ctx, const struct shape *shape, const struct way *way)
{
	return send_frame(ctx, shape->tags, shape->vlan, way);
}

/* The PROXY header before data. -1: done, else why the packet is dropped. */
static __always_inline int put_introduction(struct xdp_md *ctx, struct shape *shape, __u32 length)
{
	const struct flow_detail *detail = detail_of(shape);

	if (!detail || write_introduction(shape->line, detail->version) != length)
		return DROP_no_connection; /* ended by another CPU in this moment */
	return introduce(ctx, shape, length);
}

/* What a client's TCP segment is changed by before its addresses are. -1: done, else why it is dropped. */
__noinline int prepare_segment(struct xdp_md *ctx, struct shape *shape)
{
	struct scratch *scratch = scratch_of_cpu();
	struct tcphdr *tcp;
	__u32 length;

	if (!shape || !scratch || !has_hops_left(ctx, shape))
		return DROP_ttl;
	tcp = tcp_of(ctx, shape);
	if (tcp && !has_plain_options(tcp, (void *)(long)ctx->data_end)) {
		__builtin_memset(&scratch->edit, 0, sizeof(scratch->edit));
		scratch->edit.strip = shape->tcp_flags & TCP_SYN ? EDIT_STRIPS | EDIT_STRIPS_FAST_OPEN : EDIT_STRIPS;
		edit_options(ctx, shape);
	}
	if (shape->flow_flags & FLOW_DETAILED) {
		length = shift_to_server(ctx, shape);
		if (length && shape->is_fragment)
			return DROP_fragment;
		return length ? put_introduction(ctx, shape, length) : -1;
	}
	if (!(shape->flow_flags & FLOW_ACKNOWLEDGED) && !(shape->tcp_flags & (TCP_SYN | TCP_RST))) {
		if (shape->is_fragment)
			count_event(EVENT_toa_left_out);
		else
			add_toa(ctx, shape);
	}
	return -1;
}

/* Most packets of a connection are told nothing of, and are as they were. */
static __always_inline int needs_preparing(const struct packet *p, const struct shape *shape)
{
	void *end = (void *)(long)p->ctx->data_end;

	return p->key.protocol == IPPROTO_TCP && (shape->flow_flags != FLOW_ACKNOWLEDGED ||
						  (void *)(p->tcp + 1) > end || !has_plain_options(p->tcp, end));
}

__noinline int full_nat_to_server(struct xdp_md *ctx, struct shape *shape)
{
	const struct server *server;
	const struct local *local;
	struct rewriting to;
	struct flow *flow;
	__u32 length;
	__u64 delta;

	if (!shape)
		return XDP_DROP;
	length = shape->length;
	server = find_server(shape->server);
	flow = flow_at(shape->line);
	local = flow ? local_of(flow) : 0;
	if (!local || !server || !flow->local_port) /* ended by another CPU in this moment */
		return drop(DROP_no_connection);
	if (!has_hops_left(ctx, shape))
		return drop(DROP_ttl);
	to.source = local->address;
	to.destination = server->address;
	to.source_port = flow->local_port;
	to.destination_port = port_behind(server, flow);
	NOTE(full_nat, flow->local);
	NOTE(local_port, bpf_ntohs(flow->local_port));
	if (!shape->changes_family)
		delta = rewrite_addresses(ctx, shape, &to);
	else if (!to_ipv4(ctx, shape, flow, ((const __u32 *)local->address)[3], ((const __u32 *)server->address)[3], &delta))
		return drop(DROP_no_room);
	rewrite_ports(ctx, shape, &to, flow->protocol, delta, !shape->is_ipv6 && !shape->changes_family);
	count_packet(shape->server, length, 0, shape->is_new);
	{
		const struct way way = {
			.ifindex = server->ifindex,
			.source_mac = server->source_mac,
			.destination_mac = server->destination_mac,
			.vlan = server->vlan,
		};

		return send_shape(ctx, shape, &way);
	}
}

/* Bytes that a client's segments may be longer than the server wants them, and its MSS is less by. */
static __always_inline __u32 growth_of(const struct shape *shape, const struct flow *flow)
{
	const struct flow_detail *detail = detail_of(shape);
	__u32 growth = shape->changes_family ? sizeof(struct ipv6hdr) - sizeof(struct iphdr) : 0;

	if (detail)
		return growth + detail->grown;
	return shape->flow_flags & FLOW_ACKNOWLEDGED ? growth : growth + toa_size(flow);
}

/* What a server's TCP segment is changed by, and what it tells: a server sends data only on a connection that one of the client's
 * packets completed, and until now all of those had TOA. */
__noinline int prepare_answer(struct xdp_md *ctx, struct shape *shape)
{
	struct scratch *scratch = scratch_of_cpu();
	struct tcphdr *tcp;
	struct flow *flow;

	if (!shape || !scratch || !has_hops_left(ctx, shape))
		return 0;
	tcp = tcp_of(ctx, shape);
	flow = flow_at(shape->line);
	if (!tcp || !flow)
		return 0;
	__builtin_memset(&scratch->edit, 0, sizeof(scratch->edit));
	if (shape->tcp_flags & TCP_SYN)
		scratch->edit.mss_cut = growth_of(shape, flow);
	else if (!(shape->flow_flags & FLOW_ACKNOWLEDGED) && !(shape->flow_flags & FLOW_DETAILED) &&
		 CONTROL_STATE(shape->control) >= STATE_ESTABLISHED && (has_data(shape, tcp) || (shape->tcp_flags & TCP_FIN)))
		raise_flag(shape->line, shape->control, FLOW_ACKNOWLEDGED);
	if (shape->flow_flags & FLOW_DETAILED)
		shift_to_client(ctx, shape);
	tcp = tcp_of(ctx, shape);
	if (tcp && (scratch->edit.mss_cut || scratch->edit.shift) && !has_plain_options(tcp, (void *)(long)ctx->data_end))
		edit_options(ctx, shape);
	return 0;
}

__noinline int full_nat_to_client(struct xdp_md *ctx, struct shape *shape, const struct hop *hop)
{
	struct rewriting to;
	struct flow *flow;
	__u32 length;
	__u64 delta;
	int unsummed = 0;

	if (!shape || !hop)
		return XDP_DROP;
	length = shape->length;
	flow = flow_at(shape->line);
	if (!flow)
		return drop(DROP_no_connection);
	if (!has_hops_left(ctx, shape))
		return drop(DROP_ttl);
	to.source = flow->vip;
	to.destination = flow->client;
	to.source_port = flow->vip_port;
	to.destination_port = flow->client_port;
	if (!shape->changes_family) {
		unsummed = !shape->is_ipv6;
		delta = rewrite_addresses(ctx, shape, &to);
	} else {
		if (shape->is_fragment && flow->protocol == IPPROTO_UDP && is_unsummed(ctx, shape))
			return drop(DROP_fragment); /* a sum would take the others' data */
		if (!to_ipv6(ctx, shape, flow, &delta))
			return drop(DROP_no_room);
		if (flow->protocol == IPPROTO_UDP && is_unsummed(ctx, shape)) {
			if (!make_udp_sum(ctx, shape))
				return drop(DROP_truncated);
			delta = 0; /* made with the new addresses */
		}
	}
	rewrite_ports(ctx, shape, &to, flow->protocol, delta, unsummed);
	count_packet(shape->server, length, 1, 0);
	{
		const struct way way = {
			.ifindex = hop->ifindex,
			.source_mac = hop->source_mac,
			.destination_mac = hop->destination_mac,
			.vlan = hop->vlan,
		};

		return send_shape(ctx, shape, &way);
	}
}

/* A later fragment between the families: headers alone. */
__noinline int translate_fragment(struct xdp_md *ctx, struct shape *shape)
{
	const struct server *server;
	const struct local *local;
	struct flow *flow;
	__u64 delta;

	if (!shape)
		return 0;
	server = find_server(shape->server);
	flow = flow_at(shape->line);
	local = flow ? local_of(flow) : 0;
	if (!server || !local || !has_hops_left(ctx, shape))
		return 0;
	if (shape->is_ipv6)
		return to_ipv4(ctx, shape, flow, ipv4_of(local->address), ipv4_of(server->address), &delta);
	return to_ipv6(ctx, shape, flow, &delta);
}

/* A client's packet to its server. */
static __always_inline int full_nat_request(struct packet *p, const struct found *found, const struct server *server, __u32 index,
					    int is_new)
{
	struct shape *shape = shape_of(p, found, server, index, p->is_ipv6 && is_mapped_ipv4(server->address));
	int reason;

	if (!shape)
		return drop(DROP_no_room);
	shape->is_new = is_new;
	if (needs_preparing(p, shape)) {
		reason = prepare_segment(p->ctx, shape);
		if (reason >= 0)
			return drop(reason);
	}
	return sent_or_dropped(full_nat_to_server(p->ctx, shape));
}

/* A server's packet to the client. */
static __always_inline int full_nat_answer(struct packet *p, const struct found *found, const struct server *server,
					   const struct hop *hop)
{
	struct shape *shape =
		shape_of(p, found, server, found->flow->server, !p->is_ipv6 && !is_mapped_ipv4(found->flow->client));

	if (!shape)
		return drop(DROP_no_room);
	if (p->key.protocol == IPPROTO_TCP && (shape->flow_flags != FLOW_ACKNOWLEDGED || (p->tcp_flags & TCP_SYN)))
		prepare_answer(p->ctx, shape);
	return sent_or_dropped(full_nat_to_client(p->ctx, shape, hop));
}

#endif
