/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMP and ICMPv6 errors: read, and written anew (RFC 792, 4443; between the families RFC 7915). They are rare, so that what is read
 * stands in a map of the CPU's, and the packet is read and written by helpers. */
#ifndef BALLAST_REPORT_H
#define BALLAST_REPORT_H

#include "rewrite.h"
#include "shape.h"
#include "translate.h"

enum icmp4 { ICMP4_UNREACHABLE = 3, ICMP4_TIME = 11, ICMP4_PARAMETER = 12 };
enum icmp4_unreachable { ICMP4_HOST = 1, ICMP4_PROTOCOL = 2, ICMP4_PORT = 3, ICMP4_TOO_BIG = 4, ICMP4_PROHIBITED = 13 };
enum icmp6 { ICMP6_UNREACHABLE = 1, ICMP6_TOO_BIG = 2, ICMP6_TIME = 3, ICMP6_PARAMETER = 4 };
enum icmp6_unreachable { ICMP6_NO_ROUTE = 0, ICMP6_PROHIBITED = 1, ICMP6_PORT = 4, ICMP6_NEXT_HEADER = 1 };

enum {
	ICMP_HEADER = 8,
	QUOTED_LEAST = 8,  /* bytes behind the IP header in a quote: ports are among them */
	REPORT_MOST4 = 576, /* RFC 1812, 4.3.2.3 */
	REPORT_MOST6 = 1280, /* RFC 4443, 2.4 */
	LEAST_MTU6 = 1280,
	CONTROL_CLASS = 0xc0, /* internetwork control (RFC 1812, 4.3.2.5) */
	TOLD_A_SECOND = 1000,
};

/* An error, and the packet that it quotes. Offsets are in the frame. */
struct report {
	__u8 source[16];
	__u8 destination[16];
	struct tuple quoted;
	__u32 ip;             /* offset of its IP header */
	__u32 icmp;           /* of the ICMP header */
	__u32 inner;          /* of the quoted IP header */
	__u32 l4;             /* of what the quote has behind it */
	__u32 end;            /* of the IP packet */
	__be32 rest;          /* the ICMP header's second word */
	__u16 tuple_sum;      /* of the quoted addresses and ports, as they were */
	__u16 pad;
	__u32 inner_payload;  /* bytes behind the IP header that the quoted packet had */
	__be16 inner_id;      /* IPv4 */
	__be16 inner_fragment;
	__u8 inner_class;
	__u8 inner_ttl;
	__u8 is_ipv6;
	__u8 type, code;
	__u8 traffic_class;
	__u8 ttl;
	__u8 tags;
	__be16 vlan[VLAN_TAGS];
};

struct report_ipv4 {
	struct iphdr ip;
	struct icmp_words {
		__u8 type, code;
		__be16 check;
		__be32 rest;
	} icmp;
	struct iphdr quoted;
};

struct report_ipv6 {
	struct ipv6hdr ip;
	struct icmp_words icmp;
	struct ipv6hdr quoted;
};

struct report_room {
	struct report report;
	union {
		struct report_ipv4 ipv4;
		struct report_ipv6 ipv6;
		struct iphdr ip4;
		struct ipv6hdr ip6;
	};
};
ARRAY_OF(reports, BPF_MAP_TYPE_PERCPU_ARRAY, 1, struct report_room, 0);

static __always_inline struct report_room *report_of_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&reports, &zero);
}

static __always_inline int is_error(__u8 type, int is_ipv6)
{
	if (is_ipv6)
		return type >= ICMP6_UNREACHABLE && type <= ICMP6_PARAMETER;
	return type == ICMP4_UNREACHABLE || type == ICMP4_TIME || type == ICMP4_PARAMETER;
}

static __always_inline int is_too_big(const struct report *report)
{
	if (report->is_ipv6)
		return report->type == ICMP6_TOO_BIG;
	return report->type == ICMP4_UNREACHABLE && report->code == ICMP4_TOO_BIG;
}

static __always_inline __u32 told_mtu(const struct report *report)
{
	return report->is_ipv6 ? bpf_ntohl(report->rest) : bpf_ntohl(report->rest) & 0xffff;
}

static __always_inline int read_quoted_ipv4(struct xdp_md *ctx, struct report_room *room, __u32 at)
{
	struct report *report = &room->report;
	struct iphdr *ip = &room->ip4;
	__u32 header;

	if (bpf_xdp_load_bytes(ctx, at, ip, sizeof(*ip)) || ip->version != 4 || ip->ihl < 5 ||
	    (ip->frag_off & bpf_htons(IP_OFFSET_MASK)))
		return 0;
	header = ip->ihl * 4;
	report->l4 = at + header;
	map_ipv4(report->quoted.source, ip->saddr);
	map_ipv4(report->quoted.destination, ip->daddr);
	report->quoted.protocol = ip->protocol;
	report->inner_payload = (__u16)(bpf_ntohs(ip->tot_len) - header);
	report->inner_id = ip->id;
	report->inner_fragment = ip->frag_off;
	report->inner_class = ip->tos;
	report->inner_ttl = ip->ttl;
	return 1;
}

static __always_inline int read_quoted_ipv6(struct xdp_md *ctx, struct report_room *room, __u32 at)
{
	struct report *report = &room->report;
	struct extensions found = {};
	struct ipv6hdr *ip = &room->ip6;

	if (bpf_xdp_load_bytes(ctx, at, ip, sizeof(*ip)) || ip->version != 6 || is_mapped_ipv4(&ip->saddr) ||
	    is_mapped_ipv4(&ip->daddr))
		return 0;
	found.next = ip->nexthdr;
	if (!skip_extensions(ctx, at + sizeof(*ip), &found) || found.fragment == FRAGMENT_LATER)
		return 0;
	copy_address(report->quoted.source, &ip->saddr);
	copy_address(report->quoted.destination, &ip->daddr);
	report->quoted.protocol = found.next;
	report->l4 = at + sizeof(*ip) + found.length;
	report->inner_payload = (__u16)(bpf_ntohs(ip->payload_len) - found.length);
	report->inner_id = 0;
	report->inner_fragment = 0;
	report->inner_class = bpf_ntohl(*(__be32 *)ip) >> 20;
	report->inner_ttl = ip->hop_limit;
	return 1;
}

static __always_inline __u16 sum_of_tuple(const struct tuple *key)
{
	return fold(address_sum(key->source) + address_sum(key->destination) + key->source_port + key->destination_port);
}

/* Reads the packet that a report quotes, from an offset on. 0: nobody can tell whose it is. */
__noinline int read_quoted(struct xdp_md *ctx, __u32 at, __u32 is_ipv6)
{
	struct report_room *room = report_of_cpu();
	__be16 ports[2];

	if (!room || at > MOST_OFFSET)
		return 0;
	room->report.inner = at;
	if (!(is_ipv6 ? read_quoted_ipv6(ctx, room, at) : read_quoted_ipv4(ctx, room, at)))
		return 0;
	if (room->report.l4 > MOST_OFFSET || room->report.l4 + QUOTED_LEAST > room->report.end ||
	    bpf_xdp_load_bytes(ctx, room->report.l4, ports, sizeof(ports)))
		return 0;
	room->report.quoted.source_port = ports[0];
	room->report.quoted.destination_port = ports[1];
	room->report.tuple_sum = sum_of_tuple(&room->report.quoted);
	return 1;
}

static __always_inline __u8 ttl_of(const struct packet *p)
{
	void *end = (void *)(long)p->ctx->data_end;

	if (p->is_ipv6)
		return (void *)(p->ip6 + 1) > end ? 0 : p->ip6->hop_limit;
	return (void *)(p->ip4 + 1) > end ? 0 : p->ip4->ttl;
}

/* Notes where an ICMP packet's headers are. 0: it is no error that tells of a packet. */
static __always_inline int note_report(const struct packet *p)
{
	struct report_room *room = report_of_cpu();
	struct icmp_words *icmp = p->l4;
	struct report *report;

	if (!room || p->fragment != FRAGMENT_NONE || (void *)(icmp + 1) > (void *)(long)p->ctx->data_end ||
	    !is_error(icmp->type, p->is_ipv6))
		return 0;
	report = &room->report;
	copy_address(report->source, p->key.source);
	copy_address(report->destination, p->key.destination);
	report->ip = offset_of(p, p->ip4);
	report->icmp = offset_of(p, p->l4);
	report->end = report->icmp + p->payload_length;
	report->rest = icmp->rest;
	report->type = icmp->type;
	report->code = icmp->code;
	report->is_ipv6 = p->is_ipv6;
	report->tags = p->tags;
	report->vlan[0] = p->vlan[0];
	report->vlan[1] = p->vlan[1];
	report->traffic_class = CONTROL_CLASS;
	report->ttl = ttl_of(p);
	return 1;
}

static __always_inline void write_ipv4(struct iphdr *ip, __u8 class, __u32 length, __be16 id, __be16 fragment, __u8 ttl,
				       __u8 protocol, __be32 source, __be32 destination)
{
	__u32 *word = (__u32 *)ip;

	word[0] = bpf_htonl(0x45000000 | (__u32)class << 16 | (length & 0xffff));
	word[1] = bpf_htonl((__u32)bpf_ntohs(id) << 16 | bpf_ntohs(fragment));
	word[2] = bpf_htonl((__u32)ttl << 24 | (__u32)protocol << 16);
	word[3] = source;
	word[4] = destination;
	ip->check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
}

static __always_inline void write_ipv6(struct ipv6hdr *ip, __u8 class, __u32 payload, __u8 ttl, __u8 protocol, const __u8 *source,
				       const __u8 *destination)
{
	*(__u32 *)ip = bpf_htonl(0x60000000 | (__u32)class << 20);
	ip->payload_len = bpf_htons(payload);
	ip->nexthdr = protocol;
	ip->hop_limit = ttl;
	copy_address(&ip->saddr, source);
	copy_address(&ip->daddr, destination);
}

/* An IPv4 packet is told apart by nothing that a router may cut: RFC 6864's atomic datagram. */
static __always_inline void write_report_ipv4(struct report_room *room, __u32 quote)
{
	struct report *report = &room->report;
	struct report_ipv4 *to = &room->ipv4;

	write_ipv4(&to->ip, report->traffic_class, sizeof(*to) + quote, 0, bpf_htons(IP_DONT_FRAGMENT), report->ttl, IPPROTO_ICMP,
		   ipv4_of(report->source), ipv4_of(report->destination));
	to->icmp = (struct icmp_words){report->type, report->code, 0, report->rest};
	write_ipv4(&to->quoted, report->inner_class, sizeof(to->quoted) + report->inner_payload, report->inner_id,
		   report->inner_fragment, report->inner_ttl, report->quoted.protocol, ipv4_of(report->quoted.source),
		   ipv4_of(report->quoted.destination));
}

static __always_inline void write_report_ipv6(struct report_room *room, __u32 quote)
{
	struct report *report = &room->report;
	struct report_ipv6 *to = &room->ipv6;

	write_ipv6(&to->ip, report->traffic_class, sizeof(to->icmp) + sizeof(to->quoted) + quote, report->ttl, IPPROTO_ICMPV6,
		   report->source, report->destination);
	to->icmp = (struct icmp_words){report->type, report->code, 0, report->rest};
	write_ipv6(&to->quoted, report->inner_class, report->inner_payload, report->inner_ttl, report->quoted.protocol,
		   report->quoted.source, report->quoted.destination);
}

/* The quoted packet's own checksum agrees with its new addresses and ports, where the quote reaches so far. */
static __always_inline void mend_quote(struct xdp_md *ctx, const struct report *report)
{
	__u32 at = report->l4 + (report->quoted.protocol == IPPROTO_UDP ? 6 : 16);
	__u16 check;

	if (at + sizeof(check) > report->end || bpf_xdp_load_bytes(ctx, at, &check, sizeof(check)) ||
	    (report->quoted.protocol == IPPROTO_UDP && !check))
		return;
	check = update_checksum(check, (__u64)(__u16)~report->tuple_sum + sum_of_tuple(&report->quoted));
	if (report->quoted.protocol == IPPROTO_UDP && !check)
		check = 0xffff;
	bpf_xdp_store_bytes(ctx, at, &check, sizeof(check));
}

/* Puts the ports into the quote, the headers before it, and cuts what is too long. The quote's length; 0: no room. */
static __always_inline __u32 shape_report(struct xdp_md *ctx, const struct report *report)
{
	__u32 headers = report->is_ipv6 ? sizeof(struct report_ipv6) : sizeof(struct report_ipv4);
	__u32 quote = report->end - report->l4;
	__u32 most = (report->is_ipv6 ? REPORT_MOST6 : REPORT_MOST4) - headers;
	__be16 ports[2] = {report->quoted.source_port, report->quoted.destination_port};
	struct ethhdr *eth;
	int excess;

	if (quote > most)
		quote = most;
	mend_quote(ctx, report);
	headers += sizeof(*eth);
	if (report->l4 > MOST_OFFSET || bpf_xdp_store_bytes(ctx, report->l4, ports, sizeof(ports)) ||
	    bpf_xdp_adjust_head(ctx, (int)report->l4 - (int)headers))
		return 0;
	excess = (int)bpf_xdp_get_buff_len(ctx) - (int)(headers + quote);
	if (excess > 0 && bpf_xdp_adjust_tail(ctx, -excess))
		return 0;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	eth->h_proto = report->is_ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
	return quote;
}

/* Writes the report before the packet that it quotes, and behind an Ethernet header without tags. 0: no room. */
__noinline int write_report(struct xdp_md *ctx)
{
	struct report_room *room = report_of_cpu();
	__u32 quote, ip_header, headers;
	__be16 check;
	__u64 pseudo = 0;
	__s64 sum;

	if (!room)
		return 0;
	quote = shape_report(ctx, &room->report);
	if (!quote)
		return 0;
	if (room->report.is_ipv6) {
		ip_header = sizeof(struct ipv6hdr);
		headers = sizeof(struct report_ipv6);
		write_report_ipv6(room, quote);
		if (bpf_xdp_store_bytes(ctx, sizeof(struct ethhdr), &room->ipv6, sizeof(struct report_ipv6)))
			return 0;
		pseudo = address_sum(room->report.source) + address_sum(room->report.destination) +
			 bpf_htonl(headers - ip_header + quote) + (__u64)bpf_htonl(IPPROTO_ICMPV6);
	} else {
		ip_header = sizeof(struct iphdr);
		headers = sizeof(struct report_ipv4);
		write_report_ipv4(room, quote);
		if (bpf_xdp_store_bytes(ctx, sizeof(struct ethhdr), &room->ipv4, sizeof(struct report_ipv4)))
			return 0;
	}
	sum = sum_bytes(ctx, sizeof(struct ethhdr) + ip_header, headers - ip_header + quote);
	if (sum < 0)
		return 0;
	check = ~fold((__u64)(__u32)sum + pseudo);
	return !bpf_xdp_store_bytes(ctx, sizeof(struct ethhdr) + ip_header + 2, &check, sizeof(check));
}

/* Whether the ICMP packet arrived as it was sent: what is written anew would hide it. */
__noinline int is_report_whole(struct xdp_md *ctx)
{
	struct report_room *room = report_of_cpu();
	__u64 pseudo = 0;
	__u32 length;
	__s64 sum;

	if (!room)
		return 0;
	length = room->report.end - room->report.icmp;
	sum = sum_bytes(ctx, room->report.icmp, length);
	if (sum < 0)
		return 0;
	if (room->report.is_ipv6)
		pseudo = address_sum(room->report.source) + address_sum(room->report.destination) + bpf_htonl(length) +
			 (__u64)bpf_htonl(IPPROTO_ICMPV6);
	return fold((__u64)(__u32)sum + pseudo) == 0xffff;
}

/* A report of IPv6 for an IPv4 host: RFC 7915, 5.2. 0: there is none that says it. */
static __always_inline int report_to_ipv4(struct report *report)
{
	__u8 type = report->type, code = report->code;
	__be32 rest = 0;

	report->type = ICMP4_UNREACHABLE;
	switch (type) {
	case ICMP6_UNREACHABLE:
		report->code = code == ICMP6_PORT ? ICMP4_PORT : code == ICMP6_PROHIBITED ? ICMP4_PROHIBITED : ICMP4_HOST;
		break;
	case ICMP6_TOO_BIG: {
		__u32 mtu = told_mtu(report);

		report->code = ICMP4_TOO_BIG;
		mtu = mtu > 0xffff ? 0xffff : mtu < LEAST_MTU6 ? LEAST_MTU6 : mtu;
		rest = bpf_htonl(mtu - (sizeof(struct ipv6hdr) - sizeof(struct iphdr)));
		break;
	}
	case ICMP6_TIME:
		report->type = ICMP4_TIME;
		break;
	default:
		if (code != ICMP6_NEXT_HEADER)
			return 0;
		report->code = ICMP4_PROTOCOL;
	}
	report->rest = rest;
	report->is_ipv6 = 0;
	report->inner_fragment = bpf_htons(IP_DONT_FRAGMENT);
	return 1;
}

/* And back: RFC 7915, 4.2. A router that does not tell its MTU is taken to have the least. */
static __always_inline int report_to_ipv6(struct report *report)
{
	__u32 mtu = told_mtu(report);
	__be32 rest = 0;

	switch (report->type) {
	case ICMP4_UNREACHABLE:
		report->type = ICMP6_UNREACHABLE;
		switch (report->code) {
		case ICMP4_PROTOCOL:
			report->type = ICMP6_PARAMETER;
			report->code = ICMP6_NEXT_HEADER;
			rest = bpf_htonl(6);
			break;
		case ICMP4_PORT:
			report->code = ICMP6_PORT;
			break;
		case ICMP4_TOO_BIG:
			report->type = ICMP6_TOO_BIG;
			report->code = 0;
			mtu += sizeof(struct ipv6hdr) - sizeof(struct iphdr);
			rest = bpf_htonl(mtu < LEAST_MTU6 ? LEAST_MTU6 : mtu);
			break;
		case 9:
		case 10:
		case ICMP4_PROHIBITED:
		case 15:
			report->code = ICMP6_PROHIBITED;
			break;
		case 14:
			return 0;
		default:
			report->code = ICMP6_NO_ROUTE;
		}
		break;
	case ICMP4_TIME:
		report->type = ICMP6_TIME;
		break;
	default:
		return 0;
	}
	report->rest = rest;
	report->is_ipv6 = 1;
	return 1;
}

#endif
