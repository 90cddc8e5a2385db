/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FULLNAT's packets: where their headers stand, and room for what is put between them. */
#ifndef BALLAST_SHAPE_H
#define BALLAST_SHAPE_H

#include "flow_table.h"
#include "tunnel.h"

enum { SCRATCH_HEADERS = 256, TEXT_LENGTH = 128, OPTION_BYTES = 40, MOST_OFFSET = 0x3fff };

/* A packet of a FULLNAT connection for functions that the verifier looks at once: offsets in the frame, as pointers do not go there. */
struct shape {
	__u32 line;           /* of its connection */
	__u32 control;        /* as the line was found */
	__u32 server;
	__u32 ip, l4;         /* offsets */
	__u32 length;         /* of the IP packet */
	__u32 payload_length; /* behind the IP header and its extensions */
	__u16 mtu;            /* of the way to the server; 0: not known */
	__u8 changes_family;  /* client IPv6, server IPv4 */
	__u8 is_new;
	__u8 is_fragment;     /* nothing can be put into it */
	__u8 pad;
	__be16 fragment_field; /* as an IPv4 header has it; 0: none */
	__u32 fragment_id;
	__be16 vlan[VLAN_TAGS];
	__u8 tags;
	__u8 is_ipv6;
	__u8 tcp_flags;
	__u8 flow_flags;
};

/* What is to be changed among a segment's options. */
struct edit {
	__u32 strip;        /* overwrites options: TOA of a client's own, Fast Open */
	__u32 mss_cut;      /* bytes off the MSS */
	__u32 shift;        /* SACK's edges, by as_client_counts() */
	__u32 acknowledged;
	__u32 first, grown;
	__u32 at, length;   /* how far it has come, of how many bytes */
};

/* What has no place on the stack, of which a chain of calls has 512 bytes only. */
struct scratch {
	struct shape shape;
	struct edit edit;
	__u8 headers[SCRATCH_HEADERS];
	__u8 text[TEXT_LENGTH];         /* a PROXY header */
	__u8 options[OPTION_BYTES + 24]; /* of TCP */
};
ARRAY_OF(scratches, BPF_MAP_TYPE_PERCPU_ARRAY, 1, struct scratch, 0);

static __always_inline struct scratch *scratch_of_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/* A number of 1 to `most`, a power of two, in a way that every verifier sees. */
static __always_inline __u32 bounded(__u32 number, __u32 most)
{
	asm volatile("" : "+r"(number));
	return ((number - 1) & (most - 1)) + 1;
}

static __always_inline struct tcphdr *tcp_of(struct xdp_md *ctx, const struct shape *shape)
{
	struct tcphdr *tcp = (void *)(long)ctx->data + (shape->l4 & MOST_OFFSET);

	return (void *)(tcp + 1) > (void *)(long)ctx->data_end ? 0 : tcp;
}

static __always_inline struct iphdr *ip4_of(struct xdp_md *ctx, const struct shape *shape)
{
	struct iphdr *ip = (void *)(long)ctx->data + (shape->ip & 31);

	return (void *)(ip + 1) > (void *)(long)ctx->data_end ? 0 : ip;
}

static __always_inline struct ipv6hdr *ip6_of(struct xdp_md *ctx, const struct shape *shape)
{
	struct ipv6hdr *ip = (void *)(long)ctx->data + (shape->ip & 31);

	return (void *)(ip + 1) > (void *)(long)ctx->data_end ? 0 : ip;
}

static __always_inline int has_data(const struct shape *shape, const struct tcphdr *tcp)
{
	return shape->payload_length > tcp->doff * 4u;
}

/* Of the pseudo header that TCP's checksum covers. */
static __always_inline __u64 pseudo_sum(struct xdp_md *ctx, const struct shape *shape)
{
	__u64 sum = (__u64)bpf_htonl(shape->payload_length) + bpf_htonl(IPPROTO_TCP);

	if (shape->is_ipv6) {
		struct ipv6hdr *ip = ip6_of(ctx, shape);

		return ip ? sum + address_sum(&ip->saddr) + address_sum(&ip->daddr) : sum;
	} else {
		struct iphdr *ip = ip4_of(ctx, shape);

		return ip ? sum + ip->saddr + ip->daddr : sum;
	}
}

/* Whether the packet, so many bytes longer, is too long for the way to the server. */
static __always_inline int passes_mtu(const struct shape *shape, __u32 size)
{
	__u32 length = shape->changes_family ? shape->payload_length + sizeof(struct iphdr) : shape->length;

	return shape->mtu && length + size > shape->mtu;
}

/* Makes room of `size` bytes at an offset in the frame, by moving what is before it. 0: there is none, and nothing was changed. */
__noinline int open_gap(struct xdp_md *ctx, __u32 at, __u32 size)
{
	struct scratch *scratch = scratch_of_cpu();

	if (!scratch || at < sizeof(struct ethhdr) || at > SCRATCH_HEADERS || size > TEXT_LENGTH)
		return 0;
	at = bounded(at, SCRATCH_HEADERS);
	if (bpf_xdp_load_bytes(ctx, 0, scratch->headers, at) || bpf_xdp_adjust_head(ctx, -(int)size))
		return 0;
	return !bpf_xdp_store_bytes(ctx, 0, scratch->headers, at);
}

/* The packet has become longer: in its IP header, too. */
static __always_inline void grow(struct xdp_md *ctx, struct shape *shape, __u32 size)
{
	shape->length += size;
	shape->payload_length += size;
	if (shape->is_ipv6) {
		struct ipv6hdr *ip = ip6_of(ctx, shape);

		if (ip)
			ip->payload_len = bpf_htons(bpf_ntohs(ip->payload_len) + size);
	} else {
		struct iphdr *ip = ip4_of(ctx, shape);
		__be16 length = bpf_htons(shape->length);

		if (!ip)
			return;
		ip->check = update_checksum(ip->check, difference16(ip->tot_len, length));
		ip->tot_len = length;
	}
}

/* 0: the flow has none. */
static __always_inline struct flow_detail *detail_of(const struct shape *shape)
{
	__u32 line = shape->line; /* Linux 6.1 takes a key from the stack only */

	return shape->flow_flags & FLOW_DETAILED ? bpf_map_lookup_elem(&flow_details, &line) : 0;
}

/* Sets a flag of a connection; where its state changes at the same time, a later packet does it. */
__noinline int raise_flag(__u32 index, __u32 control, __u32 flag)
{
	struct flow *flow = flow_at(index);

	return flow && !tracing && swap_control(flow, control, control | (flag & 0xff) << 8);
}

#endif
