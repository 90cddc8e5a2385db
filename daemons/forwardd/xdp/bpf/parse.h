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

#define IP_DONT_FRAGMENT 0x4000
#define IP_FRAGMENT_MASK 0x3fff /* more fragments, and the offset */
#define IP_OFFSET_MASK 0x1fff

enum tcp_flags { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct packet {
	struct xdp_md *ctx;
	struct ethhdr *eth;
	union {
		struct iphdr *ip4;
		struct ipv6hdr *ip6;
	};
	union {
		struct tcphdr *tcp;
		struct udphdr *udp;
		void *l4;
	};
	struct flow_key key;
	__u32 length;         /* of the IP packet */
	__u32 payload_length; /* behind the IP header */
	__u8 is_ipv6;
	__u8 tcp_flags;
};

enum parsed {
	PARSED,          /* TCP or UDP, whole headers: all fields are set */
	PARSED_FRAGMENT, /* of TCP or UDP: addresses and protocol are set */
	PARSED_ALIEN,    /* for the kernel */
	PARSED_TRUNCATED /* addresses are set, the rest is cut */
};

static __always_inline void map_ipv4(__u8 *to, __be32 address)
{
	__u32 *word = (__u32 *)to;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = address;
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

static __always_inline enum parsed parse_ipv4(struct packet *p, void *end)
{
	struct iphdr *ip = p->ip4;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return PARSED_ALIEN;
	p->key.protocol = ip->protocol;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return PARSED_ALIEN;
	map_ipv4(p->key.source, ip->saddr);
	map_ipv4(p->key.destination, ip->daddr);
	p->length = bpf_ntohs(ip->tot_len);
	p->l4 = (void *)ip + ip->ihl * 4;
	p->payload_length = p->length - ip->ihl * 4;
	if (p->length < ip->ihl * 4 || p->length > end - (void *)ip)
		return PARSED_TRUNCATED;
	return ip->frag_off & bpf_htons(IP_FRAGMENT_MASK) ? PARSED_FRAGMENT : PARSED;
}

static __always_inline enum parsed parse_ipv6(struct packet *p, void *end)
{
	struct ipv6hdr *ip = p->ip6;
	__u8 *behind = (void *)(ip + 1);

	if ((void *)(ip + 1) > end || ip->version != 6 || is_mapped_ipv4(&ip->daddr))
		return PARSED_ALIEN;
	p->key.protocol = ip->nexthdr;
	if (ip->nexthdr == IPPROTO_FRAGMENT && (void *)(behind + 1) <= end)
		p->key.protocol = *behind;
	if (p->key.protocol != IPPROTO_TCP && p->key.protocol != IPPROTO_UDP && p->key.protocol != IPPROTO_FRAGMENT)
		return PARSED_ALIEN;
	p->is_ipv6 = 1;
	copy_address(p->key.source, &ip->saddr);
	copy_address(p->key.destination, &ip->daddr);
	p->payload_length = bpf_ntohs(ip->payload_len);
	p->length = p->payload_length + sizeof(*ip);
	p->l4 = ip + 1;
	if (p->length > end - (void *)ip)
		return PARSED_TRUNCATED;
	return ip->nexthdr == IPPROTO_FRAGMENT ? PARSED_FRAGMENT : PARSED;
}

/* Addresses and protocol: enough to tell whether it can be ours. */
static __always_inline enum parsed parse_ip(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	p->ctx = ctx;
	p->eth = data;
	if ((void *)(p->eth + 1) > end)
		return PARSED_ALIEN;
	p->ip4 = (void *)(p->eth + 1);
	if (p->eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_ipv4(p, end);
	if (p->eth->h_proto == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(p, end);
	return PARSED_ALIEN;
}

/* Ports and flags of a packet that is not a fragment. */
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
		    bpf_ntohs(udp->len) > p->payload_length)
			return PARSED_TRUNCATED;
		p->key.source_port = udp->source;
		p->key.destination_port = udp->dest;
	}
	return PARSED;
}

#endif
