/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FULLNAT: TCP options. TOA, which tells a server its client's address and port (kind 254), and what is changed in others. */
#ifndef BALLAST_TOA_H
#define BALLAST_TOA_H

#include "shape.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SACK = 5,
	OPTION_FAST_OPEN = 34,
	OPTION_TOA = 254,
	TOA_IPV4 = 8,
	TOA_IPV6 = 20,
	MOST_WORDS = 15,
	SACK_EDGES = 8,
	LEAST_MSS = 64,
};

/* None, or a timestamp as everybody sends it: nothing to look for. */
static __always_inline int has_plain_options(const struct tcphdr *tcp, const void *end)
{
	const __be32 *word = (const void *)(tcp + 1);

	if (tcp->doff == 5)
		return 1;
	return tcp->doff == 8 && (const void *)(word + 1) <= end && *word == bpf_htonl(0x0101080a);
}

enum { EDIT_STRIPS = 1, EDIT_STRIPS_FAST_OPEN = 2 };

/* A sequence number that a server means, as the client counts, who knows nothing of the bytes put before its first. */
static __always_inline __u32 as_client_counts(__u32 number, __u32 first, __u32 grown, int acknowledged)
{
	__s32 distance = number - first;

	if (acknowledged || distance >= (__s32)grown)
		return number - grown;
	return distance > 0 ? first : number;
}

__noinline int wipe_option(__u32 at, __u32 length)
{
	struct scratch *scratch = scratch_of_cpu();

	if (!scratch)
		return 0;
	for (__u32 i = 0; i < OPTION_BYTES && i < length; i++)
		scratch->options[(at + i) & 63] = OPTION_NOP;
	return 0;
}

__noinline int cut_mss(__u32 at, __u32 cut)
{
	struct scratch *scratch = scratch_of_cpu();
	__u32 mss;

	if (!scratch)
		return 0;
	mss = (__u32)scratch->options[(at + 2) & 63] << 8 | scratch->options[(at + 3) & 63];
	if (mss < cut + LEAST_MSS)
		return 0;
	mss -= cut;
	scratch->options[(at + 2) & 63] = mss >> 8;
	scratch->options[(at + 3) & 63] = mss;
	return 0;
}

__noinline int shift_sack(__u32 at, __u32 length)
{
	struct scratch *scratch = scratch_of_cpu();
	struct edit *edit;

	if (!scratch)
		return 0;
	edit = &scratch->edit;
	for (__u32 i = 0; i < SACK_EDGES; i++) {
		__u32 edge = at + 2 + 4 * i;
		__u32 number = 0;

		if (2 + 4 * i + 4 > length)
			break;
		for (__u32 byte = 0; byte < 4; byte++)
			number = number << 8 | scratch->options[(edge + byte) & 63];
		number = as_client_counts(number, edit->first, edit->grown, edit->acknowledged);
		for (__u32 byte = 0; byte < 4; byte++)
			scratch->options[(edge + byte) & 63] = number >> (24 - 8 * byte);
	}
	return 0;
}

enum { NO_MORE_OPTIONS = 0xff };

/* Edits the option of the scratch that starts at a place; where the next one starts. A function of its own, so that the verifier does
 * not follow every way through the options. */
__noinline __u32 edit_option(__u32 at, __u32 length)
{
	struct scratch *scratch = scratch_of_cpu();
	const struct edit *edit;
	__u32 size;
	__u8 kind;

	if (!scratch || at >= length)
		return NO_MORE_OPTIONS;
	edit = &scratch->edit;
	kind = scratch->options[at & 63];
	size = scratch->options[(at + 1) & 63];
	if (kind == OPTION_END)
		return NO_MORE_OPTIONS;
	if (kind == OPTION_NOP)
		return at + 1;
	if (size < 2 || at + size > length)
		return NO_MORE_OPTIONS;
	if ((kind == OPTION_TOA && edit->strip) || (kind == OPTION_FAST_OPEN && edit->strip & EDIT_STRIPS_FAST_OPEN))
		wipe_option(at, size);
	else if (kind == OPTION_MSS && size == 4 && edit->mss_cut)
		cut_mss(at, edit->mss_cut);
	else if (kind == OPTION_SACK && edit->shift)
		shift_sack(at, size);
	return at + size;
}

/* The sum of the scratch options' words. */
__noinline __u64 sum_of_options(void)
{
	struct scratch *scratch = scratch_of_cpu();
	__u64 sum = 0;

	if (!scratch)
		return 0;
	for (int i = 0; i < OPTION_BYTES; i += 4)
		sum += *(__u32 *)(scratch->options + i);
	return sum;
}

/* Walks over a segment's options, changes what the scratch's edit says, and the checksum. Lengths stay. */
__noinline int edit_options(struct xdp_md *ctx, const struct shape *shape)
{
	struct scratch *scratch = scratch_of_cpu();
	__u32 length, offset, at = 0;
	struct tcphdr *tcp;
	__u64 before;

	if (!scratch || !shape)
		return 0;
	tcp = tcp_of(ctx, shape);
	if (!tcp || tcp->doff <= 5)
		return 0;
	length = (tcp->doff * 4 - sizeof(*tcp)) & 63;
	asm volatile("" : "+r"(length)); /* the verifier has to see the bounds here */
	offset = (shape->l4 & MOST_OFFSET) + sizeof(*tcp);
	__builtin_memset(scratch->options, 0, sizeof(scratch->options));
	if (length < 4 || bpf_xdp_load_bytes(ctx, offset, scratch->options, length))
		return 0;
	before = sum_of_options();
	for (int i = 0; i < OPTION_BYTES && at < length; i++)
		at = edit_option(at, length);
	tcp = tcp_of(ctx, shape);
	if (!tcp || before == sum_of_options() || bpf_xdp_store_bytes(ctx, offset, scratch->options, length))
		return 0;
	tcp = tcp_of(ctx, shape);
	if (tcp)
		tcp->check = update_checksum(tcp->check, (__u64)(__u16)~fold(before) + fold(sum_of_options()));
	return 0;
}

/* The sum of the scratch text, behind which there are zeros. */
__noinline __u64 sum_of_text(void)
{
	struct scratch *scratch = scratch_of_cpu();
	__u64 sum = 0;

	if (!scratch)
		return 0;
	for (int i = 0; i < TEXT_LENGTH; i += 4)
		sum += *(__u32 *)(scratch->text + i);
	return sum;
}

static __always_inline __u32 toa_size(const struct flow *flow)
{
	return is_mapped_ipv4(flow->client) ? TOA_IPV4 : TOA_IPV6;
}

/* kind, length, port, address; their sum. */
static __always_inline __u64 put_toa(__u32 *option, const struct flow *flow, __u32 size)
{
	const __u32 *address = (const __u32 *)flow->client;

	option[0] = bpf_htonl((__u32)OPTION_TOA << 24 | size << 16 | bpf_ntohs(flow->client_port));
	if (size == TOA_IPV4) {
		option[1] = address[3];
		return (__u64)option[0] + address[3];
	}
	copy_address(option + 1, address);
	return option[0] + address_sum(address);
}

static __always_inline int leave_toa_out(void)
{
	count_event(EVENT_toa_left_out);
	return 0;
}

/* Puts the client's address behind the TCP header's fixed part, where there is room: among the options, in the MTU, in the frame. */
__noinline int add_toa(struct xdp_md *ctx, struct shape *shape)
{
	struct flow *flow;
	struct tcphdr *tcp;
	__be16 *words;
	__be16 before;
	__u64 delta;
	__u32 size;

	if (!shape)
		return 0;
	flow = flow_at(shape->line);
	tcp = tcp_of(ctx, shape);
	if (!flow || !tcp)
		return 0;
	size = toa_size(flow);
	if (tcp->doff + size / 4 > MOST_WORDS || passes_mtu(shape, size) ||
	    !open_gap(ctx, shape->l4 + sizeof(*tcp), size))
		return leave_toa_out();
	tcp = tcp_of(ctx, shape);
	if (!tcp || (void *)(tcp + 1) + TOA_IPV6 > (void *)(long)ctx->data_end) {
		if (!tcp || size != TOA_IPV4 || (void *)(tcp + 1) + TOA_IPV4 > (void *)(long)ctx->data_end)
			return 0;
		delta = put_toa((void *)(tcp + 1), flow, TOA_IPV4);
	} else {
		delta = put_toa((void *)(tcp + 1), flow, size);
	}
	words = (__be16 *)tcp;
	before = words[6];
	tcp->doff += size / 4;
	tcp->check = update_checksum(tcp->check, delta + difference16(before, words[6]) + bpf_htons(size));
	grow(ctx, shape, size);
	return 1;
}

#endif
