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
		if (udp->check || p->is_ipv6) { /* zero over IPv4: the sender made none */
			__u16 check = update_checksum(udp->check, delta);

			udp->check = check ? check : 0xffff;
		}
		if (is_source)
			udp->source = port;
		else
			udp->dest = port;
	}
}

static __always_inline int send(struct packet *p, __u32 ifindex, const __u8 *source_mac, const __u8 *destination_mac)
{
	__builtin_memcpy(p->eth->h_dest, destination_mac, 6);
	__builtin_memcpy(p->eth->h_source, source_mac, 6);
	return ifindex == p->ctx->ingress_ifindex ? XDP_TX : bpf_redirect(ifindex, 0);
}

static __always_inline void count_packet(__u32 server, __u32 length, int outward, int is_new)
{
	struct server_stats *stats = bpf_map_lookup_elem(&server_stats, &server);

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
