/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TUN: an outer header around the packet, IP in IP (RFC 2003, 2473, 4213), GUE (draft-ietf-intarea-gue, variant 0) or GRE (RFC 2784). */
#ifndef BALLAST_TUNNEL_H
#define BALLAST_TUNNEL_H

#include "rewrite.h"

struct gue_header {
	__u8 version_length; /* variant 0, control 0, no options */
	__u8 protocol;
	__be16 flags;
};

struct gre_header {
	__be16 flags;
	__be16 protocol;
};

enum { GRE_CHECKSUM = 0x8000, OUTER_TTL = 64, FIRST_TUNNEL_PORT = 0xc000 };

enum shim {
	SHIM_NONE = 0,
	SHIM_GRE = sizeof(struct gre_header),
	SHIM_GRE_CHECKSUM = sizeof(struct gre_header) + 4,
	SHIM_GUE = sizeof(struct udphdr) + sizeof(struct gue_header),
};

/* What stands between the outer IP header and the packet, in bytes. */
static __always_inline enum shim shim_of(const struct server *server)
{
	switch (server->tunnel) {
	case TUNNEL_GUE: return SHIM_GUE;
	case TUNNEL_GRE: return server->flags & SERVER_CHECKSUM ? SHIM_GRE_CHECKSUM : SHIM_GRE;
	default: return SHIM_NONE;
	}
}

static __always_inline __u32 tunnel_overhead(const struct server *server)
{
	return (is_mapped_ipv4(server->address) ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) + shim_of(server);
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline __u64 address_sum(const void *address)
{
	const __u32 *word = address;

	return (__u64)word[0] + word[1] + word[2] + word[3];
}

/* The sum over the packet that is wrapped, without reading its data: where a TCP or UDP checksum is right, what it covers adds up
 * to the complement of its pseudo header; an IPv4 header adds up to nothing. 0 in `known` where there is no such checksum. */
static __always_inline __u64 inner_sum(const struct packet *p, int *known)
{
	void *end = (void *)(long)p->ctx->data_end;
	__u64 pseudo;

	*known = 0;
	if (p->fragment != FRAGMENT_NONE)
		return 0;
	if (p->key.protocol == IPPROTO_UDP) {
		struct udphdr *udp = p->l4;

		if ((void *)(udp + 1) > end || !udp->check || bpf_ntohs(udp->len) != p->payload_length)
			return 0;
	}
	*known = 1;
	pseudo = bpf_htonl(p->payload_length) + (__u64)bpf_htonl(p->key.protocol);
	if (p->is_ipv6) {
		const __u32 *word = (const __u32 *)p->ip6;
		const __u32 *behind = (const __u32 *)(p->ip6 + 1);
		__u64 sum;

		if ((void *)(p->ip6 + 1) > end || (void *)behind != p->l4) {
			*known = 0; /* extension headers are not covered */
			return 0;
		}
		sum = (__u64)word[0] + word[1] + address_sum(&p->ip6->saddr) + address_sum(&p->ip6->daddr);
		pseudo += address_sum(&p->ip6->saddr) + address_sum(&p->ip6->daddr);
		return sum + (__u16)~fold(pseudo);
	}
	pseudo += ((const __u32 *)p->key.source)[3] + (__u64)((const __u32 *)p->key.destination)[3];
	return 0xffff + (__u16)~fold(pseudo);
}

/* Written from the flow, so that routers and receive queues spread a server's flows though the outer addresses are the same. */
static __always_inline __u32 entropy(const struct tuple *key)
{
	return hash_mix(hash_address((const __u32 *)key->source, 0) + key->source_port * 0x10001u + key->destination_port);
}

struct outer {
	__u32 length; /* of the packet inside */
	__u32 entropy;
	__u64 inner_sum;
	__be16 id;
	__u8 protocol; /* of the packet inside: IPPROTO_IPIP or IPPROTO_IPV6 */
	__u8 traffic_class;
	__u8 dont_fragment;
	__u8 has_sum;
};

static __always_inline __u8 outer_protocol(const struct outer *outer, enum shim shim)
{
	if (shim == SHIM_NONE)
		return outer->protocol;
	return shim == SHIM_GUE ? IPPROTO_UDP : IPPROTO_GRE;
}

static __always_inline void put_outer_ipv4(struct iphdr *ip, const struct server *server, const struct server_extra *extra,
					   const struct outer *outer, enum shim shim)
{
	__u32 *word = (__u32 *)ip;

	word[0] = bpf_htonl(0x45000000 | (__u32)outer->traffic_class << 16 | (sizeof(*ip) + shim + outer->length));
	word[1] = bpf_htonl((__u32)bpf_ntohs(outer->id) << 16 | (outer->dont_fragment ? IP_DONT_FRAGMENT : 0));
	word[2] = bpf_htonl((__u32)OUTER_TTL << 24 | (__u32)outer_protocol(outer, shim) << 16);
	word[3] = ((const __u32 *)extra->outer_source)[3];
	word[4] = ((const __u32 *)server->address)[3];
	ip->check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
}

static __always_inline void put_outer_ipv6(struct ipv6hdr *ip, const struct server *server, const struct server_extra *extra,
					   const struct outer *outer, enum shim shim)
{
	*(__u32 *)ip = bpf_htonl(0x60000000 | (__u32)outer->traffic_class << 20 | (outer->entropy & 0xfffff));
	ip->payload_len = bpf_htons(shim + outer->length);
	ip->nexthdr = outer_protocol(outer, shim);
	ip->hop_limit = OUTER_TTL;
	copy_address(&ip->saddr, extra->outer_source);
	copy_address(&ip->daddr, server->address);
}

static __always_inline void put_gue(struct udphdr *udp, const struct server *server, const struct server_extra *extra,
				    const struct outer *outer)
{
	struct gue_header *gue = (void *)(udp + 1);
	__u64 sum;

	udp->source = bpf_htons(FIRST_TUNNEL_PORT | (outer->entropy & 0x3fff));
	udp->dest = server->tunnel_port;
	udp->len = bpf_htons(SHIM_GUE + outer->length);
	udp->check = 0;
	gue->version_length = 0;
	gue->protocol = outer->protocol;
	gue->flags = 0;
	if (!outer->has_sum)
		return;
	/* Of an IPv4 address but the mapping's ffff, which adds nothing in one's complement. */
	sum = outer->inner_sum + udp->source + udp->dest + udp->len + udp->len + bpf_htons(IPPROTO_UDP) + *(__u16 *)gue +
	      address_sum(extra->outer_source) + address_sum(server->address);
	udp->check = ~fold(sum);
	if (!udp->check)
		udp->check = 0xffff;
}

static __always_inline void put_gre(struct gre_header *gre, const struct outer *outer, enum shim shim)
{
	__be16 *sum = (void *)(gre + 1);

	gre->flags = 0;
	gre->protocol = outer->protocol == IPPROTO_IPIP ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	if (shim != SHIM_GRE_CHECKSUM)
		return;
	gre->flags = bpf_htons(GRE_CHECKSUM);
	sum[0] = ~fold(outer->inner_sum + gre->flags + gre->protocol);
	sum[1] = 0;
}

/* Outer packets that routers may cut have the server's and the balancer's addresses alone to tell them apart: not the client's number. */
static __always_inline __be16 outer_id(__be16 fragment_field, __be16 inner_id)
{
	return fragment_field & bpf_htons(IP_DONT_FRAGMENT) ? inner_id : (__be16)bpf_get_prandom_u32();
}

/* RFC 6040: the outer header has the inner one's ECN, and its DSCP. */
static __always_inline int describe_inner(const struct packet *p, struct outer *outer, int with_sum)
{
	void *end = (void *)(long)p->ctx->data_end;
	int known = 0;

	outer->length = p->length;
	outer->entropy = entropy(&p->key);
	if (p->is_ipv6) {
		if ((void *)(p->ip6 + 1) > end)
			return 0;
		outer->protocol = IPPROTO_IPV6;
		outer->traffic_class = bpf_ntohl(*(__be32 *)p->ip6) >> 20;
		outer->dont_fragment = 1;
	} else {
		if ((void *)(p->ip4 + 1) > end)
			return 0;
		outer->protocol = IPPROTO_IPIP;
		outer->traffic_class = p->ip4->tos;
		outer->dont_fragment = !!(p->ip4->frag_off & bpf_htons(IP_DONT_FRAGMENT));
		outer->id = outer_id(p->ip4->frag_off, p->ip4->id);
	}
	if (with_sum)
		outer->inner_sum = inner_sum(p, &known);
	outer->has_sum = known;
	return 1;
}

/* VLAN tags go: whoever sends the frame puts those of the way on. */
static __always_inline int wrap(struct xdp_md *ctx, __u32 tags, const struct server *server, const struct server_extra *extra,
				const struct outer *outer, int is_ipv6, enum shim shim)
{
	__u32 header = is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	struct ethhdr *eth;
	void *ip;

	if (bpf_xdp_adjust_head(ctx, (int)tags * (int)sizeof(struct vlan_header) - (int)(header + shim)))
		return 0;
	eth = (void *)(long)ctx->data;
	ip = eth + 1;
	if (ip + header + shim > (void *)(long)ctx->data_end)
		return 0;
	if (is_ipv6) {
		eth->h_proto = bpf_htons(ETH_P_IPV6);
		put_outer_ipv6(ip, server, extra, outer, shim);
	} else {
		eth->h_proto = bpf_htons(ETH_P_IP);
		put_outer_ipv4(ip, server, extra, outer, shim);
	}
	if (shim == SHIM_GUE)
		put_gue(ip + header, server, extra, outer);
	else if (shim != SHIM_NONE)
		put_gre(ip + header, outer, shim);
	return 1;
}

/* Puts the outer header before the packet that `outer` describes, in a frame with so many VLAN tags, which go. 0: no room. */
static __noinline int put_outer(struct xdp_md *ctx, __u32 tags, const struct server *server, __u32 index, const struct outer *outer)
{
	const struct server_extra *extra = bpf_map_lookup_elem(&server_extras, &index);
	enum shim shim;

	if (!server || !extra || !outer || tags > VLAN_TAGS)
		return 0;
	shim = shim_of(server);
	if (shim == SHIM_GRE_CHECKSUM && !outer->has_sum)
		shim = SHIM_GRE;
	NOTE(tunnel, server->tunnel);
	if (is_mapped_ipv4(server->address)) {
		switch (shim) {
		case SHIM_NONE: return wrap(ctx, tags, server, extra, outer, 0, SHIM_NONE);
		case SHIM_GRE: return wrap(ctx, tags, server, extra, outer, 0, SHIM_GRE);
		case SHIM_GRE_CHECKSUM: return wrap(ctx, tags, server, extra, outer, 0, SHIM_GRE_CHECKSUM);
		case SHIM_GUE: return wrap(ctx, tags, server, extra, outer, 0, SHIM_GUE);
		}
	} else {
		switch (shim) {
		case SHIM_NONE: return wrap(ctx, tags, server, extra, outer, 1, SHIM_NONE);
		case SHIM_GRE: return wrap(ctx, tags, server, extra, outer, 1, SHIM_GRE);
		case SHIM_GRE_CHECKSUM: return wrap(ctx, tags, server, extra, outer, 1, SHIM_GRE_CHECKSUM);
		case SHIM_GUE: return wrap(ctx, tags, server, extra, outer, 1, SHIM_GUE);
		}
	}
	return 0;
}

/* Puts the outer header before the packet; p's pointers are void afterwards. 0: no room. */
static __always_inline int encapsulate(struct packet *p, const struct server *server, __u32 index)
{
	struct outer outer = {};

	if (!describe_inner(p, &outer, server->flags & SERVER_CHECKSUM) || !put_outer(p->ctx, p->tags, server, index, &outer))
		return 0;
	p->tags = 0;
	p->vlan[0] = p->vlan[1] = 0;
	return 1;
}

#endif
