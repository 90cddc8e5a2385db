/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FULLNAT: the PROXY protocol's header, version 1 or 2, before a client's first data, and the sequence numbers that it moves.
 * (www.haproxy.org/download/2.8/doc/proxy-protocol.txt) */
#ifndef BALLAST_PROXY_H
#define BALLAST_PROXY_H

#include "toa.h"

enum { PROXY_V2_SIGNATURE = 12, PROXY_V2_IPV4 = 28, PROXY_V2_IPV6 = 52, MOST_TCP_WORDS = 15 };

static __always_inline void put_bytes(struct scratch *scratch, __u32 at, const char *bytes, __u32 length)
{
	for (__u32 i = 0; i < length; i++)
		scratch->text[(at + i) & (TEXT_LENGTH - 1)] = bytes[i];
}

/* Writes a decimal number into the scratch text; where it ends. */
__noinline __u32 put_decimal(__u32 at, __u32 value)
{
	struct scratch *scratch = scratch_of_cpu();
	__u32 unit = 10000;
	int begun = 0;

	if (!scratch)
		return at;
	for (int i = 0; i < 5; i++) {
		__u32 digit = value / unit % 10;

		if (digit || begun || unit == 1) {
			scratch->text[at++ & (TEXT_LENGTH - 1)] = '0' + digit;
			begun = 1;
		}
		unit /= 10;
	}
	return at;
}

/* Four hexadecimal digits. */
__noinline __u32 put_hexadecimal(__u32 at, __u32 value)
{
	struct scratch *scratch = scratch_of_cpu();

	if (!scratch)
		return at;
	for (int shift = 12; shift >= 0; shift -= 4) {
		__u32 digit = value >> shift & 15;

		scratch->text[at++ & (TEXT_LENGTH - 1)] = (digit < 10 ? '0' : 'a' - 10) + digit;
	}
	return at;
}

static __always_inline __u32 put_character(struct scratch *scratch, __u32 at, char character)
{
	scratch->text[at & (TEXT_LENGTH - 1)] = character;
	return at + 1;
}

/* IPv6 in full, without ::, which the protocol allows. */
static __always_inline __u32 put_address(struct scratch *scratch, __u32 at, const __u8 *address)
{
	if (is_mapped_ipv4(address)) {
#pragma unroll
		for (int i = 12; i < 16; i++) {
			at = put_decimal(at, address[i]);
			at = put_character(scratch, at, i == 15 ? ' ' : '.');
		}
	} else {
#pragma unroll /* Linux 6.1 takes no loop that ends with a call */
		for (int i = 0; i < 16; i += 2) {
			at = put_hexadecimal(at, (__u32)address[i] << 8 | address[i + 1]);
			at = put_character(scratch, at, i == 14 ? ' ' : ':');
		}
	}
	return at;
}

/* "PROXY TCP4 198.51.100.7 203.0.113.10 40000 80\r\n" */
static __always_inline __u32 write_version1(struct scratch *scratch, const struct flow *flow)
{
	__u32 at = 11;

	put_bytes(scratch, 0, is_mapped_ipv4(flow->client) ? "PROXY TCP4 " : "PROXY TCP6 ", 11);
	at = put_address(scratch, at, flow->client);
	at = put_address(scratch, at, flow->vip);
	at = put_decimal(at, bpf_ntohs(flow->client_port));
	at = put_character(scratch, at, ' ');
	at = put_decimal(at, bpf_ntohs(flow->vip_port));
	put_bytes(scratch, at, "\r\n", 2);
	return at + 2;
}

static __always_inline __u32 write_version2(struct scratch *scratch, const struct flow *flow)
{
	int is_ipv4 = is_mapped_ipv4(flow->client);
	__u32 length = is_ipv4 ? PROXY_V2_IPV4 : PROXY_V2_IPV6;
	__u8 *text = scratch->text;

	put_bytes(scratch, 0, "\r\n\r\n\0\r\nQUIT\n", PROXY_V2_SIGNATURE);
	text[12] = 0x21; /* version 2, PROXY */
	text[13] = is_ipv4 ? 0x11 : 0x21; /* IPv4 or IPv6, stream */
	*(__be16 *)(text + 14) = bpf_htons(length - 16);
	if (is_ipv4) {
		*(__u32 *)(text + 16) = ((const __u32 *)flow->client)[3];
		*(__u32 *)(text + 20) = ((const __u32 *)flow->vip)[3];
		*(__be16 *)(text + 24) = flow->client_port;
		*(__be16 *)(text + 26) = flow->vip_port;
	} else {
		copy_address(text + 16, flow->client);
		copy_address(text + 32, flow->vip);
		*(__be16 *)(text + 48) = flow->client_port;
		*(__be16 *)(text + 50) = flow->vip_port;
	}
	return length;
}

/* Writes a connection's header into the scratch text, and zeros behind it; its length. */
__noinline __u32 write_introduction(__u32 index, __u32 version)
{
	struct scratch *scratch = scratch_of_cpu();
	const struct flow *flow = flow_at(index);

	if (!flow || !scratch)
		return 0;
	__builtin_memset(scratch->text, 0, sizeof(scratch->text));
	return version == CLIENT_PROXY_V1 ? write_version1(scratch, flow) : write_version2(scratch, flow);
}

/* A connection begins whose SYN has this sequence number: the flag that it is remembered, or -1: no memory. */
static __always_inline int remember_sequence(__u32 index, __u32 sequence, __u32 version)
{
	struct flow_detail detail = {.first_sequence = sequence + 1, .version = version};

	detail.grown = write_introduction(index, version);
	return bpf_map_update_elem(&flow_details, &index, &detail, BPF_ANY) ? -1 : FLOW_DETAILED;
}

/* The sum of a segment's data, from its checksum: where that is right, all adds up to nothing. */
static __always_inline __u16 sum_of_data(struct xdp_md *ctx, const struct shape *shape)
{
	const struct tcphdr *tcp = tcp_of(ctx, shape);
	void *end = (void *)(long)ctx->data_end;
	const __u32 *word = (const __u32 *)tcp;
	__u64 sum;

	if (!tcp)
		return 0;
	sum = pseudo_sum(ctx, shape);
	for (__u32 i = 0; i < MOST_TCP_WORDS && i < tcp->doff; i++) {
		if ((void *)(word + i + 1) > end)
			break;
		sum += word[i];
	}
	return ~fold(sum);
}

/* Puts the header, which is in the scratch text, before the first data. The data's own sum moves by a byte where the header's length is odd. -1: done, else why the
 * packet is dropped. */
__noinline int introduce(struct xdp_md *ctx, struct shape *shape, __u32 grown)
{
	struct scratch *scratch = scratch_of_cpu();
	struct tcphdr *tcp;
	__u64 delta;
	__u16 data;
	__u32 at;

	if (!shape || !scratch)
		return DROP_truncated;
	tcp = tcp_of(ctx, shape);
	if (!tcp)
		return DROP_truncated;
	if (passes_mtu(shape, grown))
		return DROP_too_big;
	at = shape->l4 + tcp->doff * 4;
	data = sum_of_data(ctx, shape);
	if (!open_gap(ctx, at, grown))
		return DROP_no_room;
	if (bpf_xdp_store_bytes(ctx, at, scratch->text, bounded(grown, TEXT_LENGTH)))
		return DROP_no_room;
	delta = sum_of_text() + bpf_htons(grown);
	if (grown & 1)
		delta += difference16(data, __builtin_bswap16(data));
	tcp = tcp_of(ctx, shape);
	if (!tcp)
		return DROP_truncated;
	tcp->check = update_checksum(tcp->check, delta);
	grow(ctx, shape, grown);
	return -1;
}

static __always_inline void shift(struct tcphdr *tcp, __be32 *number, __u32 to)
{
	__be32 wanted = bpf_htonl(to);

	tcp->check = update_checksum(tcp->check, difference(*number, wanted));
	*number = wanted;
}

/* A client's segment towards a server that is told by a PROXY header: the first data, or the FIN of a client that sends none, gets
 * it: that length is returned. What follows moves by it. Once the server has acknowledged it, everything is what follows. */
__noinline __u32 shift_to_server(struct xdp_md *ctx, struct shape *shape)
{
	struct flow_detail *detail;
	struct tcphdr *tcp;
	__s32 distance;

	if (!shape)
		return 0;
	detail = detail_of(shape);
	tcp = tcp_of(ctx, shape);
	if (!detail || !tcp || (shape->tcp_flags & TCP_SYN))
		return 0;
	distance = bpf_ntohl(tcp->seq) - detail->first_sequence;
	if ((shape->flow_flags & FLOW_ACKNOWLEDGED) || distance > 0) {
		shift(tcp, &tcp->seq, bpf_ntohl(tcp->seq) + detail->grown);
		return 0;
	}
	if (distance < 0 || (shape->tcp_flags & TCP_RST) || !(has_data(shape, tcp) || (shape->tcp_flags & TCP_FIN)))
		return 0;
	return detail->grown;
}

/* A server's acknowledgement, as the client counts, and what the scratch's edit is to do with its SACK. */
__noinline int shift_to_client(struct xdp_md *ctx, const struct shape *shape)
{
	struct scratch *scratch = scratch_of_cpu();
	struct flow_detail *detail;
	struct tcphdr *tcp;
	struct edit *edit;
	__u32 number;

	if (!shape || !scratch)
		return 0;
	detail = detail_of(shape);
	tcp = tcp_of(ctx, shape);
	if (!detail || !tcp || !(shape->tcp_flags & TCP_ACK))
		return 0;
	edit = &scratch->edit;
	edit->shift = 1;
	edit->acknowledged = shape->flow_flags & FLOW_ACKNOWLEDGED;
	edit->first = detail->first_sequence;
	edit->grown = detail->grown;
	number = bpf_ntohl(tcp->ack_seq);
	shift(tcp, &tcp->ack_seq, as_client_counts(number, edit->first, edit->grown, edit->acknowledged));
	if (!edit->acknowledged && (__s32)(number - edit->first) >= (__s32)edit->grown)
		raise_flag(shape->line, shape->control, FLOW_ACKNOWLEDGED);
	return 0;
}

#endif
