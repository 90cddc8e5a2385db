/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FULLNAT from IPv6 clients to IPv4 servers: one IP header for the other (RFC 7915). Extension headers go (section 5.1), IPv4 options go
 * (4.1); of the type of service all is kept. */
#ifndef BALLAST_TRANSLATE_H
#define BALLAST_TRANSLATE_H

#include "shape.h"

enum {
	ALWAYS_FITS = 1260, /* an IPv4 packet up to here may be fragmented: its IPv6 sender cannot make it smaller (5.1) */
	SUM_CHUNK = 64,
	SUM_CHUNKS = 160,
};

/* Cuts the frame, or makes it longer, so that Ethernet's and an IP header of `header` bytes stand before layer 4; VLAN tags go, who
 * sends the frame puts those of the way on. 0: no room. */
static __always_inline int make_header(struct xdp_md *ctx, struct shape *shape, __u32 header, __be16 protocol)
{
	struct ethhdr *eth;

	if (bpf_xdp_adjust_head(ctx, (int)(shape->l4 & MOST_OFFSET) - (int)(sizeof(*eth) + header)))
		return 0;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	eth->h_proto = protocol;
	shape->tags = 0;
	shape->vlan[0] = shape->vlan[1] = 0;
	shape->ip = sizeof(*eth);
	shape->l4 = sizeof(*eth) + header;
	shape->length = shape->payload_length + header;
	shape->is_ipv6 = !shape->is_ipv6;
	return 1;
}

/* From an IPv6 packet to an IPv4 one, one hop further; `delta`: what that does to the layer 4 checksum. 0: no room. */
static __always_inline int to_ipv4(struct xdp_md *ctx, struct shape *shape, const struct flow *flow, __be32 source,
				   __be32 destination, __u64 *delta)
{
	struct ipv6hdr *old = ip6_of(ctx, shape);
	__u32 *word;
	struct iphdr *ip;
	__u8 traffic_class, ttl;

	if (!old)
		return 0;
	traffic_class = bpf_ntohl(*(__be32 *)old) >> 20;
	ttl = old->hop_limit - 1;
	if (!make_header(ctx, shape, sizeof(*ip), bpf_htons(ETH_P_IP)))
		return 0;
	ip = ip4_of(ctx, shape);
	if (!ip)
		return 0;
	word = (__u32 *)ip;
	word[0] = bpf_htonl(0x45000000 | (__u32)traffic_class << 16 | shape->length);
	if (shape->is_fragment)
		word[1] = bpf_htonl(shape->fragment_id << 16 | bpf_ntohs(shape->fragment_field));
	else
		word[1] = shape->length > ALWAYS_FITS ? bpf_htonl(IP_DONT_FRAGMENT) : bpf_htonl(bpf_get_prandom_u32() << 16);
	word[2] = bpf_htonl((__u32)ttl << 24 | (__u32)flow->protocol << 16);
	word[3] = source;
	word[4] = destination;
	ip->check = ~fold((__u64)word[0] + word[1] + word[2] + source + destination);
	*delta = (__u16)~fold(address_sum(flow->client)) + (__u64)(__u16)~fold(address_sum(flow->vip)) + source + destination;
	return 1;
}

static __always_inline int put_fragment_header(struct xdp_md *ctx, const struct shape *shape, __u8 protocol)
{
	__u16 field = bpf_ntohs(shape->fragment_field);
	__be32 header[2] = {
		bpf_htonl((__u32)protocol << 24 | ((__u32)(field & IP_OFFSET_MASK) << 3) | !!(field & IP_MORE_FRAGMENTS)),
		bpf_htonl(shape->fragment_id),
	};

	return !bpf_xdp_store_bytes(ctx, sizeof(struct ethhdr) + sizeof(struct ipv6hdr), header, sizeof(header));
}

/* And back. */
static __always_inline int to_ipv6(struct xdp_md *ctx, struct shape *shape, const struct flow *flow, __u64 *delta)
{
	__u32 extension = shape->is_fragment ? FRAGMENT_HEADER : 0;
	struct iphdr *old = ip4_of(ctx, shape);
	struct ipv6hdr *ip;
	__u8 traffic_class, ttl;
	__be32 source, destination;

	if (!old)
		return 0;
	traffic_class = old->tos;
	ttl = old->ttl - 1;
	source = old->saddr;
	destination = old->daddr;
	if (!make_header(ctx, shape, sizeof(*ip) + extension, bpf_htons(ETH_P_IPV6)))
		return 0;
	ip = ip6_of(ctx, shape);
	if (!ip)
		return 0;
	*(__be32 *)ip = bpf_htonl(0x60000000 | (__u32)traffic_class << 20);
	ip->payload_len = bpf_htons(shape->payload_length + extension);
	ip->nexthdr = extension ? IPPROTO_FRAGMENT : flow->protocol;
	ip->hop_limit = ttl;
	copy_address(&ip->saddr, flow->vip);
	copy_address(&ip->daddr, flow->client);
	*delta = difference(source, 0) + difference(destination, 0) + address_sum(flow->vip) + address_sum(flow->client);
	return !extension || put_fragment_header(ctx, shape, flow->protocol);
}

/* The sum of so many bytes from an offset in the frame on. -1: they pass its end, or are too many. */
__noinline __s64 sum_bytes(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	struct scratch *scratch = scratch_of_cpu();
	__s64 sum = 0;

	if (!scratch)
		return -1;
	for (__u32 i = 0; i < SUM_CHUNKS && length >= SUM_CHUNK; i++) {
		if (bpf_xdp_load_bytes(ctx, offset, scratch->options, SUM_CHUNK))
			return -1;
		sum = bpf_csum_diff(0, 0, (__be32 *)scratch->options, SUM_CHUNK, sum);
		offset += SUM_CHUNK;
		length -= SUM_CHUNK;
	}
	if (length >= SUM_CHUNK)
		return -1;
	__builtin_memset(scratch->options, 0, SUM_CHUNK);
	if (length && bpf_xdp_load_bytes(ctx, offset, scratch->options, bounded(length, SUM_CHUNK)))
		return -1;
	return bpf_csum_diff(0, 0, (__be32 *)scratch->options, SUM_CHUNK, sum);
}

static __always_inline int is_unsummed(struct xdp_md *ctx, const struct shape *shape)
{
	struct udphdr *udp = (void *)(long)ctx->data + (shape->l4 & MOST_OFFSET);

	return (void *)(udp + 1) <= (void *)(long)ctx->data_end && !udp->check;
}

/* A UDP packet without a checksum, which IPv6 does not allow, gets one (4.5). 0: it cannot. */
__noinline int make_udp_sum(struct xdp_md *ctx, const struct shape *shape)
{
	struct udphdr *udp;
	struct ipv6hdr *ip;
	__u32 offset;
	__s64 sum;

	if (!shape)
		return 0;
	offset = shape->l4 & MOST_OFFSET;
	udp = (void *)(long)ctx->data + offset;
	if ((void *)(udp + 1) > (void *)(long)ctx->data_end)
		return 0;
	sum = sum_bytes(ctx, offset, bpf_ntohs(udp->len));
	udp = (void *)(long)ctx->data + offset;
	ip = ip6_of(ctx, shape);
	if (sum < 0 || !ip || (void *)(udp + 1) > (void *)(long)ctx->data_end)
		return 0;
	udp->check = ~fold((__u64)(__u32)sum + address_sum(&ip->saddr) + address_sum(&ip->daddr) + udp->len +
			   bpf_htons(IPPROTO_UDP));
	if (!udp->check)
		udp->check = 0xffff;
	return 1;
}

#endif
