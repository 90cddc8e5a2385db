/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What stands before a packet that came through a tunnel: link header, outer IP header, and GUE's or GRE's. Nothing is changed
 * here, and every length is checked against the frame's end. Each function answers 0 for what is not ours: it passes. */
#ifndef BALLAST_OUTER_H
#define BALLAST_OUTER_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"

enum { IPV4_MORE_FRAGMENTS = 0x2000, IPV4_OFFSET = 0x1fff, IPV6_MORE_FRAGMENTS = 1, IPV6_OFFSET = 0xfff8 };
enum { GRE_CHECKSUM = 0x8000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000, GRE_KNOWN = GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE };
enum { GUE_CONTROL = 0x20, GUE_LENGTH = 0x1f, MOST_TAGS = 2, MOST_EXTENSIONS = 3 };

struct vlan_tag {
	__be16 id;
	__be16 protocol;
};

struct extension {
	__u8 next;
	__u8 words; /* of 8 bytes, but the first */
	__be16 offset; /* of a fragment header */
	__be32 id;
};

struct gre_header {
	__be16 flags;
	__be16 protocol;
};

struct gue_header {
	__u8 version_length;
	__u8 protocol;
	__be16 flags;
};

struct tunnel {
	struct xdp_md *ctx;
	void *at; /* what is read next */
	void *end;
	struct vlan_tag tags[MOST_TAGS];
	__u8 tag_count;
	__u8 protocol;
	__u8 outer_is_ipv6;
	__u8 inner_is_ipv6;
	__u8 kind; /* enum tunnel_kind */
	__u8 ecn;  /* of the outer header */
	__u8 fragment;
	__u8 gue_options;
	__u8 wrong_length;
	__be16 ethertype;
	__u32 length; /* of the outer packet, by its own word */
	__u32 room;   /* what of it is behind `at` */
	__u8 source[16];
};

static __always_inline __u32 link_length(const struct tunnel *t)
{
	return sizeof(struct ethhdr) + t->tag_count * sizeof(struct vlan_tag);
}

static __always_inline int is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD);
}

/* Goes over the next `length` bytes of the outer packet, if it has them. */
static __always_inline int skip(struct tunnel *t, __u32 length)
{
	if (length > t->room)
		return 0;
	t->at += length;
	t->room -= length;
	return 1;
}

static __always_inline int read_link(struct tunnel *t)
{
	struct ethhdr *eth = (void *)(long)t->ctx->data;

	t->end = (void *)(long)t->ctx->data_end;
	if ((void *)(eth + 1) > t->end)
		return 0;
	t->ethertype = eth->h_proto;
	t->at = eth + 1;
	for (int i = 0; i < MOST_TAGS && is_tag(t->ethertype); i++) {
		struct vlan_tag *tag = t->at;

		if ((void *)(tag + 1) > t->end)
			return 0;
		t->tags[i] = *tag;
		t->ethertype = tag->protocol;
		t->at = tag + 1;
		t->tag_count = i + 1;
	}
	return 1;
}

/* Of fragments only the first shows what is inside. */
static __always_inline int read_outer_ipv4(struct tunnel *t)
{
	struct iphdr *ip = t->at;
	__u32 *word = (__u32 *)t->source;

	if ((void *)(ip + 1) > t->end || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(IPV4_OFFSET))
		return 0;
	t->protocol = ip->protocol;
	t->ecn = ip->tos & 3;
	t->fragment = !!(ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS));
	word[2] = bpf_htonl(0xffff);
	word[3] = ip->saddr;
	t->length = t->room = bpf_ntohs(ip->tot_len);
	return skip(t, ip->ihl * 4);
}

/* Linux's own tunnels put a destination options header before the packet (RFC 2473, the encapsulation limit). */
static __always_inline int skip_extensions(struct tunnel *t)
{
	for (int i = 0; i < MOST_EXTENSIONS; i++) {
		struct extension *header = t->at;
		__u32 length;

		if (t->protocol != IPPROTO_HOPOPTS && t->protocol != IPPROTO_DSTOPTS && t->protocol != IPPROTO_FRAGMENT)
			return 1;
		if ((void *)(header + 1) > t->end)
			return 0;
		length = ((__u32)header->words + 1) * 8;
		if (t->protocol == IPPROTO_FRAGMENT) {
			if (header->offset & bpf_htons(IPV6_OFFSET))
				return 0;
			t->fragment |= !!(header->offset & bpf_htons(IPV6_MORE_FRAGMENTS));
			length = sizeof(*header);
		}
		t->protocol = header->next;
		if (!skip(t, length))
			return 0;
	}
	return 1;
}

static __always_inline int read_outer_ipv6(struct tunnel *t)
{
	struct ipv6hdr *ip = t->at;

	if ((void *)(ip + 1) > t->end || ip->version != 6)
		return 0;
	t->outer_is_ipv6 = 1;
	t->protocol = ip->nexthdr;
	t->ecn = (bpf_ntohl(*(__be32 *)ip) >> 20) & 3;
	__builtin_memcpy(t->source, &ip->saddr, sizeof(t->source));
	t->length = t->room = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	return skip(t, sizeof(*ip)) && skip_extensions(t);
}

static __always_inline int read_gre(struct tunnel *t)
{
	struct gre_header *gre = t->at;
	__u16 flags;

	if ((void *)(gre + 1) > t->end)
		return 0;
	flags = bpf_ntohs(gre->flags);
	if (flags & ~GRE_KNOWN || (gre->protocol != bpf_htons(ETH_P_IP) && gre->protocol != bpf_htons(ETH_P_IPV6)))
		return 0;
	t->kind = KIND_gre;
	t->inner_is_ipv6 = gre->protocol == bpf_htons(ETH_P_IPV6);
	return skip(t, sizeof(*gre) + (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) +
			       (flags & GRE_SEQUENCE ? 4 : 0));
}

/* Variant 0: a header of its own (as Linux's fou has it); variant 1: none, the IP packet's version tells it apart. */
static __always_inline int read_gue(struct tunnel *t, __be16 port)
{
	struct udphdr *udp = t->at;
	struct gue_header *gue = (void *)(udp + 1);

	if (!port || (void *)(gue + 1) > t->end || udp->dest != port)
		return 0;
	t->wrong_length = bpf_ntohs(udp->len) != t->room;
	t->kind = KIND_gue_direct;
	t->inner_is_ipv6 = gue->version_length >> 4 == 6;
	if (t->inner_is_ipv6 || gue->version_length >> 4 == 4)
		return skip(t, sizeof(*udp));
	if (gue->version_length & ~GUE_LENGTH || (gue->protocol != IPPROTO_IPIP && gue->protocol != IPPROTO_IPV6))
		return 0; /* another variant, a control message, or nothing of IP */
	t->kind = KIND_gue;
	t->inner_is_ipv6 = gue->protocol == IPPROTO_IPV6;
	t->gue_options = gue->flags != 0;
	return skip(t, sizeof(*udp) + sizeof(*gue) + (gue->version_length & GUE_LENGTH) * 4);
}

/* Up to the packet inside. */
static __always_inline int read_outer(struct tunnel *t, __be16 gue_port)
{
	if (!read_link(t))
		return 0;
	if (t->ethertype == bpf_htons(ETH_P_IP)) {
		if (!read_outer_ipv4(t))
			return 0;
	} else if (t->ethertype != bpf_htons(ETH_P_IPV6) || !read_outer_ipv6(t)) {
		return 0;
	}
	switch (t->protocol) {
	case IPPROTO_IPIP:
		t->kind = t->outer_is_ipv6 ? KIND_ipv4_in_ipv6 : KIND_ipv4_in_ipv4;
		return 1;
	case IPPROTO_IPV6:
		t->inner_is_ipv6 = 1;
		t->kind = t->outer_is_ipv6 ? KIND_ipv6_in_ipv6 : KIND_ipv6_in_ipv4;
		return 1;
	case IPPROTO_GRE: return read_gre(t);
	case IPPROTO_UDP: return read_gue(t, gue_port);
	default: return 0;
	}
}

#endif
