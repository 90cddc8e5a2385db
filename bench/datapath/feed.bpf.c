/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Writes the next packet of a range of flows over the frame, whatever a program made of it before, and hands it on by a tail
 * call; without a program to call, transmits it. Checksums are right for every flow without being computed: what varies is
 * made up for in the IP identification, the sequence numbers and the urgent pointer, so that the sum stays the same.
 * Stores have the shape of the loads that follow them, else each would wait for the other. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "feed.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_program SEC(".maps");

/* Of FULLNAT servers, in the order in which they are sent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FEED_MOST_FLOWS);
	__type(key, __u32);
	__type(value, struct feed_answer);
} answers SEC(".maps");

struct feed_state state;
struct feed_state answer; /* handshakes: the server's packets */
__u32 steps;              /* packets of a handshake: 2, or 3 where the server's answer is seen */
__u32 step;

enum { FROM_CLIENT, FROM_SERVER };
enum { SYN = 2, ACK = 16 };

struct flow_of_packet {
	__u64 client; /* what the client's address ends with */
	__u64 server; /* what the server's number adds to its address */
	__u32 port;   /* the client's, as on the wire */
	__u32 flags;  /* further TCP flags, as the third word of the header has them */
};

static __always_inline struct flow_of_packet this_flow(int from, __u32 flags)
{
	__u32 flow = state.first + (state.done * state.stride & (state.count - 1));

	return (struct flow_of_packet){
		.client = flow & 0xffff,
		.server = from == FROM_SERVER ? flow % FEED_SERVERS : 0,
		.port = bpf_htons(FEED_FIRST_PORT + (flow >> 16)),
		.flags = flags << 8,
	};
}

static __always_inline struct flow_of_packet this_answer(void)
{
	__u32 turn = state.done & (state.count - 1);
	const struct feed_answer *answer = bpf_map_lookup_elem(&answers, &turn);

	if (!answer)
		return (struct flow_of_packet){};
	return (struct flow_of_packet){ .client = answer->local << 8, .server = answer->server, .port = answer->port };
}

static __always_inline void put_ethernet(void *data, const struct feed_state *what)
{
	__u32 *word = data;

	word[0] = what->macs[0];
	word[1] = what->macs[1];
	word[2] = what->macs[2];
	*(__u16 *)(word + 3) = what->protocol;
}

static __always_inline void put_tcp(__u32 *to, const __u32 *from, const struct flow_of_packet *flow, int is_from)
{
	to[0] = from[0] | (is_from == FROM_SERVER ? flow->port << 16 : flow->port);
	to[1] = (~flow->client & 0xffff) | ~flow->port << 16;
	to[2] = from[2] | (~flow->flags & 0xffff);
	to[3] = from[3] | flow->flags;
	to[4] = from[4] | (__u32)~(flow->server << 8) << 16;
}

static __always_inline void restore_length(struct xdp_md *ctx, const struct feed_state *what)
{
	int grown = (int)((long)ctx->data_end - (long)ctx->data) - what->length;

	if (grown)
		bpf_xdp_adjust_head(ctx, grown);
}

static __always_inline int feed4(struct xdp_md *ctx, const struct feed_state *what, int from, struct flow_of_packet flow)
{
	restore_length(ctx, what);
	void *data = (void *)(long)ctx->data;
	__u32 varies = flow.client + (flow.server << 8);
	__u32 *word = data + 14;
	__u64 addresses;

	if (data + 58 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	put_ethernet(data, what);
	word[0] = what->words[0];
	word[1] = what->words[1] | (~((varies & 0xffff) + (varies >> 16)) & 0xffff);
	word[2] = what->words[2];
	addresses = (__u64)what->words[4] << 32 | what->words[3];
	addresses += from == FROM_SERVER ? flow.server << 24 | flow.client << 48 : flow.client << 16;
	*(__u64 *)(word + 3) = addresses;
	put_tcp(word + 5, what->words + 5, &flow, from);
	bpf_tail_call(ctx, &next_program, 0);
	return XDP_TX;
}

static __always_inline int feed6(struct xdp_md *ctx, const struct feed_state *what, int from, struct flow_of_packet flow)
{
	restore_length(ctx, what);
	void *data = (void *)(long)ctx->data;
	const __u64 *address = (const __u64 *)(what->words + 2);
	__u32 *word = data + 14;
	__u64 *to = (__u64 *)(word + 2);

	if (data + 74 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	put_ethernet(data, what);
	word[0] = what->words[0];
	word[1] = what->words[1];
	to[0] = address[0];
	to[1] = address[1] + (from == FROM_SERVER ? flow.server << 56 : flow.client << 48);
	to[2] = address[2];
	to[3] = address[3] + (from == FROM_SERVER ? flow.client << 48 : 0);
	put_tcp(word + 10, what->words + 10, &flow, from);
	bpf_tail_call(ctx, &next_program, 0);
	return XDP_TX;
}

#define FEED(family, side, from, flow_of_turn) \
	SEC("xdp") int feed_##side##family(struct xdp_md *ctx) \
	{ \
		struct flow_of_packet flow = flow_of_turn; \
\
		state.done++; \
		return feed##family(ctx, &state, from, flow); \
	}

FEED(4, client, FROM_CLIENT, this_flow(FROM_CLIENT, 0))
FEED(6, client, FROM_CLIENT, this_flow(FROM_CLIENT, 0))
FEED(4, server, FROM_SERVER, this_flow(FROM_SERVER, 0))
FEED(6, server, FROM_SERVER, this_flow(FROM_SERVER, 0))
FEED(4, full_nat_server, FROM_SERVER, this_answer())
FEED(6, full_nat_server, FROM_SERVER, this_answer())

/* One flow's SYN, the server's SYN and ACK (if steps is 3), the client's ACK; then the next flow's. */
#define HANDSHAKE(family) \
	SEC("xdp") int handshake##family(struct xdp_md *ctx) \
	{ \
		__u32 now = step; \
\
		step = now + 1 == steps ? 0 : now + 1; \
		if (now == 0) \
			return feed##family(ctx, &state, FROM_CLIENT, this_flow(FROM_CLIENT, SYN)); \
		if (step != 0) \
			return feed##family(ctx, &answer, FROM_SERVER, this_flow(FROM_SERVER, SYN | ACK)); \
		struct flow_of_packet flow = this_flow(FROM_CLIENT, ACK); \
\
		state.done++; \
		return feed##family(ctx, &state, FROM_CLIENT, flow); \
	}

HANDSHAKE(4)
HANDSHAKE(6)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
