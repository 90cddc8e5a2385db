/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Changing a packet and sending it on. Checksums are updated incrementally (RFC 1624). */
#ifndef BALLAST_REWRITE_H
#define BALLAST_REWRITE_H

#include "maps.h"
#include "parse.h"

/* The one's complement difference between two words, to be added to a checksum's complement. */
static __always_inline __u64 difference(__u32 from, __u32 to)
{
	return (__u64)(__u32)~from + to;
}

static __always_inline __u64 address_difference(const void *from, const void *to)
{
	const __u32 *old = from;
	const __u32 *new = to;

	return difference(old[0], new[0]) + difference(old[1], new[1]) + difference(old[2], new[2]) +
	       difference(old[3], new[3]);
}

static __always_inline __u64 difference16(__u16 from, __u16 to)
{
	return (__u64)(__u16)~from + to;
}

static __always_inline __u16 update_checksum(__u16 check, __u64 delta)
{
	__u64 sum = (__u16)~check + delta;

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* One hop less. 0: it has none left, and nothing was changed. */
static __always_inline int decrement_ttl(struct packet *p)
{
	void *end = (void *)(long)p->ctx->data_end;

	if (p->is_ipv6) {
		if ((void *)(p->ip6 + 1) > end || p->ip6->hop_limit <= 1)
			return 0;
		p->ip6->hop_limit--;
	} else {
		if ((void *)(p->ip4 + 1) > end || p->ip4->ttl <= 1)
			return 0;
		p->ip4->check = update_checksum(p->ip4->check, difference16(bpf_htons(1 << 8), 0));
		p->ip4->ttl--;
	}
	return 1;
}

/* Changes the source or destination in the IP header; the difference for the layer 4 checksum. The header was checked by parsing,
 * the bounds here are for the verifier. */
static __always_inline __u64 rewrite_address(struct packet *p, int is_source, const __u8 *address)
{
	const __u8 *old = is_source ? p->key.source : p->key.destination;
	void *end = (void *)(long)p->ctx->data_end;
	__u64 delta = 0;

	if (p->is_ipv6) {
		if ((void *)(p->ip6 + 1) > end)
			return 0;
		delta = address_difference(old, address);
		copy_address(is_source ? (void *)&p->ip6->saddr : (void *)&p->ip6->daddr, address);
	} else {
		if ((void *)(p->ip4 + 1) > end)
			return 0;
		delta = difference(((const __u32 *)old)[3], ((const __u32 *)address)[3]);
		p->ip4->check = update_checksum(p->ip4->check, delta);
		if (is_source)
			p->ip4->saddr = ((const __u32 *)address)[3];
		else
			p->ip4->daddr = ((const __u32 *)address)[3];
	}
	return delta;
}

/* Destination VIP:port -> server, or source server -> VIP:port; addresses in 16-byte form. */
static __always_inline void rewrite(struct packet *p, int is_source, const __u8 *address, __be16 port)
{
	__u64 delta = rewrite_address(p, is_source, address) +
		      difference16(is_source ? p->key.source_port : p->key.destination_port, port);
	void *end = (void *)(long)p->ctx->data_end;

	if (p->key.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = p->l4;

		if ((void *)(tcp + 1) > end)
			return;
		tcp->check = update_checksum(tcp->check, delta);
		if (is_source)
			tcp->source = port;
		else
			tcp->dest = port;
	} else {
		struct udphdr *udp = p->l4;

		if ((void *)(udp + 1) > end)
			return;
		if (udp->check) { /* the sender made one */
			__u16 check = update_checksum(udp->check, delta);

			udp->check = check ? check : 0xffff;
		}
		if (is_source)
			udp->source = port;
		else
			udp->dest = port;
	}
}

/* Puts a frame's VLAN tags as the way on wants them; the Ethernet header's addresses are written anew by send(). 0: no room. */
static __noinline int retag(struct xdp_md *ctx, __u32 tags, __be16 outer, __be16 inner)
{
	__u32 wanted = outer ? (inner ? 2 : 1) : 0;
	__be16 *protocol;
	void *data, *end;

	if (tags > VLAN_TAGS || bpf_xdp_adjust_head(ctx, ((int)tags - (int)wanted) * (int)sizeof(struct vlan_header)))
		return 0;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	protocol = data + 2 * ETH_ALEN;
	if (data + sizeof(struct ethhdr) + VLAN_TAGS * sizeof(struct vlan_header) > end)
		return 0;
	if (inner) {
		protocol[0] = bpf_htons(ETH_P_8021AD);
		protocol[1] = outer;
		protocol[2] = bpf_htons(ETH_P_8021Q);
		protocol[3] = inner;
	} else if (outer) {
		protocol[0] = bpf_htons(ETH_P_8021Q);
		protocol[1] = outer;
	}
	/* Above stands the IP header, whose version tells the protocol. */
	if (wanted <= VLAN_TAGS) {
		__u8 *ip = (void *)(protocol + 1 + 2 * wanted);

		if ((void *)(ip + 1) > end)
			return 0;
		protocol[2 * wanted] = *ip >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	}
	return 1;
}

enum { VLAN_ID = 0x0fff };

static __always_inline int same_tags(__u32 tags, const __be16 *had, const __be16 *wanted)
{
	return tags == (wanted[0] ? (wanted[1] ? 2 : 1) : 0) && !((had[0] ^ wanted[0]) & bpf_htons(VLAN_ID)) &&
	       !((had[1] ^ wanted[1]) & bpf_htons(VLAN_ID));
}

/* Where a frame goes: what a server's next hop and a client's have in common. */
struct way {
	__u32 ifindex;
	const __u8 *source_mac;
	const __u8 *destination_mac;
	const __be16 *vlan;
};

/* Sends the frame, which has so many VLAN tags now. */
static __always_inline int send_frame(struct xdp_md *ctx, __u32 tags, const __be16 *vlan, const struct way *way)
{
	struct ethhdr *eth;

	if (!same_tags(tags, vlan, way->vlan) && !retag(ctx, tags, way->vlan[0], way->vlan[1]))
		return drop(DROP_no_room);
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return drop(DROP_truncated);
	__builtin_memcpy(eth->h_dest, way->destination_mac, 6);
	__builtin_memcpy(eth->h_source, way->source_mac, 6);
	NOTE(send, way->ifindex);
	if (way->ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	/* Said so that the verifier knows it is no other verdict, after which the packet would be looked at again. */
	return bpf_redirect(way->ifindex, 0) == XDP_REDIRECT ? XDP_REDIRECT : XDP_ABORTED;
}

/* Said so that the verifier knows it is no other verdict, after which the packet would be looked at again. */
static __always_inline int sent_or_dropped(int verdict)
{
	if (verdict == XDP_TX)
		return XDP_TX;
	return verdict == XDP_REDIRECT ? XDP_REDIRECT : XDP_DROP;
}

static __always_inline void count_packet(__u32 server, __u32 length, int outward, int is_new)
{
	struct server_stats *stats = tracing ? 0 : bpf_map_lookup_elem(&server_stats, &server);

	if (!stats)
		return;
	stats->connections += is_new;
	if (outward) {
		stats->packets_out++;
		stats->bytes_out += length;
	} else {
		stats->packets_in++;
		stats->bytes_in += length;
	}
}

#endif
