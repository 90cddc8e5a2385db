/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a frame says of itself. Every length is checked against the frame's end; nothing is changed here. */
#ifndef BALLAST_PARSE_H
#define BALLAST_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

#define IP_DONT_FRAGMENT 0x4000
#define IP_MORE_FRAGMENTS 0x2000
#define IP_OFFSET_MASK 0x1fff

enum { VLAN_TAGS = 2, EXTENSION_HEADERS = 6 };

enum tcp_flags { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* The 5-tuple as the packet has it. */
struct tuple {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 pad[3];
};

enum { FRAGMENT_HEADER = 8 };
enum fragment { FRAGMENT_NONE, FRAGMENT_FIRST, FRAGMENT_LATER };

struct packet {
	struct xdp_md *ctx;
	union {
		struct iphdr *ip4;
		struct ipv6hdr *ip6;
	};
	union {
		struct tcphdr *tcp;
		struct udphdr *udp;
		void *l4;
	};
	struct tuple key;
	__u32 length;         /* of the IP packet */
	__u32 payload_length; /* behind the IP header and its extensions */
	__u32 fragment_id;
	__be16 vlan[VLAN_TAGS]; /* tags, outer first; 0: none */
	__u8 is_ipv6;
	__u8 tcp_flags;
	__u8 fragment; /* enum fragment */
	__u8 tags;
};

enum parsed {
	PARSED,          /* TCP or UDP, whole headers: all fields are set */
	PARSED_ALIEN,    /* for the kernel */
	PARSED_ICMP,     /* ICMP or ICMPv6: addresses are set */
	PARSED_TRUNCATED /* addresses are set, the rest is cut */
};

static __always_inline struct ethhdr *frame_of(const struct packet *p)
{
	return (void *)(long)p->ctx->data;
}

/* Where in the frame something stands; hidden from the compiler, which would do arithmetic of 32 bits with pointers. */
static __always_inline __u32 offset_of(const struct packet *p, const void *at)
{
	__u64 offset = at - (void *)(long)p->ctx->data;

	asm volatile("" : "+r"(offset));
	return offset;
}

static __always_inline void map_ipv4(void *to, __be32 address)
{
	__u32 *word = to;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = address;
}

static __always_inline __be32 ipv4_of(const void *mapped)
{
	return ((const __u32 *)mapped)[3];
}

static __always_inline void copy_address(void *to, const void *from)
{
	__u32 *target = to;
	const __u32 *source = from;

	target[0] = source[0];
	target[1] = source[1];
	target[2] = source[2];
	target[3] = source[3];
}

static __always_inline int same_address(const void *a, const void *b)
{
	const __u32 *x = a;
	const __u32 *y = b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]));
}

/* ::ffff:a.b.c.d, as keys have IPv4 addresses: nobody may send it over IPv6 and be taken for the IPv4 connection. */
static __always_inline int is_mapped_ipv4(const void *address)
{
	const __u32 *word = address;

	return !(word[0] | word[1] | (word[2] ^ bpf_htonl(0xffff)));
}

static __always_inline enum parsed by_protocol(__u8 protocol, __u8 icmp)
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		return PARSED;
	return protocol == icmp ? PARSED_ICMP : PARSED_ALIEN;
}

static __always_inline enum parsed parse_ipv4(struct packet *p, void *end)
{
	struct iphdr *ip = p->ip4;
	enum parsed parsed;
	__u32 header;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return PARSED_ALIEN;
	p->key.protocol = ip->protocol;
	parsed = by_protocol(ip->protocol, IPPROTO_ICMP);
	if (parsed == PARSED_ALIEN)
		return parsed;
	map_ipv4(p->key.source, ip->saddr);
	map_ipv4(p->key.destination, ip->daddr);
	header = ip->ihl * 4;
	p->length = bpf_ntohs(ip->tot_len);
	p->l4 = (void *)ip + header;
	p->payload_length = p->length - header;
	if (p->length < header || p->length > end - (void *)ip)
		return PARSED_TRUNCATED;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_OFFSET_MASK)) {
		p->fragment = ip->frag_off & bpf_htons(IP_OFFSET_MASK) ? FRAGMENT_LATER : FRAGMENT_FIRST;
		p->fragment_id = ip->id;
	}
	return parsed;
}

static __always_inline int is_extension(__u8 header)
{
	return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING || header == IPPROTO_DSTOPTS ||
	       header == IPPROTO_FRAGMENT || header == IPPROTO_AH;
}

struct extensions {
	__u32 length; /* of all of them */
	__u32 fragment_id;
	__u8 next;
	__u8 fragment; /* enum fragment */
	__u16 pad;
};

/* Goes behind the extension headers that start at an offset in the frame, the first of which is `next`. 0: they do not end within
 * the bounds, or somebody else is to look at the packet first. Not static: the verifier looks at it once. */
__noinline int skip_extensions(struct xdp_md *ctx, __u32 offset, struct extensions *found)
{
	if (!found)
		return 0;
	for (int i = 0; i < EXTENSION_HEADERS && is_extension(found->next); i++) {
		void *end = (void *)(long)ctx->data_end;
		__u32 start = offset + found->length;
		__u8 *at;

		if (start > 0x3fff)
			return 0;
		at = (void *)(long)ctx->data + start;
		if ((void *)(at + 8) > end)
			return 0;
		if (found->next == IPPROTO_ROUTING && at[3]) /* segments left: not for this address yet */
			return 0;
		if (found->next == IPPROTO_FRAGMENT) {
			__u16 position = (__u16)at[2] << 8 | at[3];

			found->fragment_id = *(__u32 *)(at + 4);
			found->fragment = position & ~7 ? FRAGMENT_LATER : position & 1 ? FRAGMENT_FIRST : FRAGMENT_NONE;
			found->length += 8;
		} else {
			found->length += found->next == IPPROTO_AH ? (at[1] + 2) * 4 : (at[1] + 1) * 8;
		}
		found->next = at[0];
		if (found->fragment == FRAGMENT_LATER)
			break;
	}
	return 1;
}

static __always_inline int parse_extensions(struct packet *p)
{
	struct extensions found = {.next = p->key.protocol};

	if (!skip_extensions(p->ctx, offset_of(p, p->ip6 + 1), &found) || found.length > p->payload_length ||
	    found.length > 0x3fff)
		return 0;
	p->key.protocol = found.next;
	p->fragment = found.fragment;
	p->fragment_id = found.fragment_id;
	p->payload_length -= found.length;
	p->l4 = (void *)(p->ip6 + 1) + (found.length & 0x3fff);
	return 1;
}

static __always_inline enum parsed parse_ipv6(struct packet *p, void *end)
{
	struct ipv6hdr *ip = p->ip6;
	enum parsed parsed;

	if ((void *)(ip + 1) > end || ip->version != 6 || is_mapped_ipv4(&ip->daddr))
		return PARSED_ALIEN;
	p->key.protocol = ip->nexthdr;
	parsed = by_protocol(ip->nexthdr, IPPROTO_ICMPV6);
	if (parsed == PARSED_ALIEN && !is_extension(ip->nexthdr))
		return parsed;
	p->is_ipv6 = 1;
	copy_address(p->key.source, &ip->saddr);
	copy_address(p->key.destination, &ip->daddr);
	p->payload_length = bpf_ntohs(ip->payload_len);
	p->length = p->payload_length + sizeof(*ip);
	p->l4 = ip + 1;
	if (p->length > end - (void *)ip)
		return parsed == PARSED_ALIEN ? PARSED_ALIEN : PARSED_TRUNCATED;
	if (parsed != PARSED_ALIEN)
		return parsed;
	return parse_extensions(p) ? by_protocol(p->key.protocol, IPPROTO_ICMPV6) : PARSED_ALIEN;
}

static __always_inline int is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

struct vlan_header {
	__be16 tag;
	__be16 protocol;
};

struct tags {
	__u32 count;
	__be16 vlan[VLAN_TAGS];
};

/* Reads the VLAN tags behind the Ethernet addresses. Not static: the verifier looks at it once. */
__noinline int read_tags(struct xdp_md *ctx, struct tags *tags)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct vlan_header *vlan = (void *)(eth + 1);
	void *end = (void *)(long)ctx->data_end;
	__be16 protocol;

	if (!tags || (void *)vlan > end)
		return 0;
	protocol = eth->h_proto;
	for (int i = 0; i < VLAN_TAGS && is_vlan(protocol); i++) {
		if ((void *)(vlan + 1) > end)
			return 0;
		tags->vlan[i] = vlan->tag;
		tags->count = i + 1;
		protocol = vlan->protocol;
		vlan++;
	}
	return protocol;
}

/* The header behind the Ethernet header and its VLAN tags; their protocol, or 0. */
static __always_inline __be16 parse_ethernet(struct packet *p, void *end)
{
	struct ethhdr *eth = frame_of(p);
	struct tags tags = {};
	__be16 protocol;

	if ((void *)(eth + 1) > end)
		return 0;
	p->ip4 = (void *)(eth + 1);
	protocol = eth->h_proto;
	if (!is_vlan(protocol))
		return protocol;
	protocol = read_tags(p->ctx, &tags);
	p->vlan[0] = tags.vlan[0];
	p->vlan[1] = tags.vlan[1];
	p->tags = tags.count & 3;
	p->ip4 = (void *)(eth + 1) + (tags.count & 3) * sizeof(struct vlan_header);
	return protocol;
}

/* Addresses and protocol: enough to tell whether it can be ours. */
static __always_inline enum parsed parse_ip(struct xdp_md *ctx, struct packet *p)
{
	void *end = (void *)(long)ctx->data_end;
	__be16 protocol;

	p->ctx = ctx;
	protocol = parse_ethernet(p, end);
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(p, end);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(p, end);
	return PARSED_ALIEN;
}

/* Ports and flags of a packet that is no later fragment. */
static __always_inline enum parsed parse_l4(struct packet *p)
{
	void *end = (void *)(long)p->ctx->data_end;

	if (p->key.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = p->l4;

		if ((void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4 > p->payload_length)
			return PARSED_TRUNCATED;
		p->tcp_flags = ((__u8 *)tcp)[13];
		p->key.source_port = tcp->source;
		p->key.destination_port = tcp->dest;
	} else {
		struct udphdr *udp = p->l4;

		if ((void *)(udp + 1) > end || bpf_ntohs(udp->len) < sizeof(*udp) ||
		    (bpf_ntohs(udp->len) > p->payload_length && p->fragment == FRAGMENT_NONE))
			return PARSED_TRUNCATED;
		p->key.source_port = udp->source;
		p->key.destination_port = udp->dest;
	}
	return PARSED;
}

#endif
