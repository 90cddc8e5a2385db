/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Writes the next packet of a range of flows over the frame, whatever a program made of it before, and hands it on by a tail
 * call; without a program to call, transmits it. Checksums are right for every flow without being computed: what varies is
 * made up for in the IP identification, the sequence number and the urgent pointer, so that the sum stays the same.
 * Stores have the shape of the loads that follow them, else each would wait for the other. */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "feed.h"

enum { FIRST_PORT = 10240 };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_program SEC(".maps");

struct feed_state state;

struct flow_of_packet {
	__u64 client; /* what the client's address ends with */
	__u64 server; /* what the server's number adds to its address */
	__u32 port;   /* the client's, as on the wire */
};

static __always_inline struct flow_of_packet next_flow(int from_server)
{
	__u32 done = state.done;
	__u32 flow = state.first + done;

	state.done = done + 1 >= state.count ? 0 : done + 1;
	return (struct flow_of_packet){
		.client = flow & 0xffff,
		.server = from_server ? flow % FEED_SERVERS : 0,
		.port = bpf_htons(FIRST_PORT + (flow >> 16)),
	};
}

static __always_inline void put_ethernet(void *data)
{
	__u32 *word = data;

	word[0] = state.macs[0];
	word[1] = state.macs[1];
	word[2] = state.macs[2];
	*(__u16 *)(word + 3) = state.protocol;
}

static __always_inline void put_tcp(__u32 *to, const __u32 *from, const struct flow_of_packet *flow, int from_server)
{
	to[0] = from[0] | (from_server ? flow->port << 16 : flow->port);
	to[1] = (~flow->client & 0xffff) | ~flow->port << 16;
	to[2] = from[2];
	to[3] = from[3];
	to[4] = from[4] | (__u32)~(flow->server << 8) << 16;
}

static __always_inline int feed4(struct xdp_md *ctx, int from_server)
{
	void *data = (void *)(long)ctx->data;
	struct flow_of_packet flow = next_flow(from_server);
	__u32 varies = flow.client + (flow.server << 8);
	__u32 *word = data + 14;
	__u64 addresses;

	if (data + 58 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	put_ethernet(data);
	word[0] = state.words[0];
	word[1] = state.words[1] | (~((varies & 0xffff) + (varies >> 16)) & 0xffff);
	word[2] = state.words[2];
	addresses = (__u64)state.words[4] << 32 | state.words[3];
	addresses += from_server ? flow.server << 24 | flow.client << 48 : flow.client << 16;
	*(__u64 *)(word + 3) = addresses;
	put_tcp(word + 5, state.words + 5, &flow, from_server);
	bpf_tail_call(ctx, &next_program, 0);
	return XDP_TX;
}

static __always_inline int feed6(struct xdp_md *ctx, int from_server)
{
	void *data = (void *)(long)ctx->data;
	struct flow_of_packet flow = next_flow(from_server);
	const __u64 *from = (const __u64 *)(state.words + 2);
	__u32 *word = data + 14;
	__u64 *address = (__u64 *)(word + 2);

	if (data + 74 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	put_ethernet(data);
	word[0] = state.words[0];
	word[1] = state.words[1];
	address[0] = from[0];
	address[1] = from[1] + (from_server ? flow.server << 56 : flow.client << 48);
	address[2] = from[2];
	address[3] = from[3] + (from_server ? flow.client << 48 : 0);
	put_tcp(word + 10, state.words + 10, &flow, from_server);
	bpf_tail_call(ctx, &next_program, 0);
	return XDP_TX;
}

SEC("xdp")
int feed_client4(struct xdp_md *ctx)
{
	return feed4(ctx, 0);
}

SEC("xdp")
int feed_server4(struct xdp_md *ctx)
{
	return feed4(ctx, 1);
}

SEC("xdp")
int feed_client6(struct xdp_md *ctx)
{
	return feed6(ctx, 0);
}

SEC("xdp")
int feed_server6(struct xdp_md *ctx)
{
	return feed6(ctx, 1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
