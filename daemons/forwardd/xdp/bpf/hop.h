/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Ways back to clients: learnt from their packets, then from the routes. */
#ifndef BALLAST_HOP_H
#define BALLAST_HOP_H

#include "flow_table.h"

static __always_inline int same_hop(const struct hop *a, const struct hop *b)
{
	const __u32 *x = &a->ifindex;
	const __u32 *y = &b->ifindex;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

/* The number of a hop in `hops`, entered there if it is new; 0: no room. */
__noinline __u32 hop_number(const struct hop *wanted, __u32 now)
{
	const __u32 *word;
	__u32 hash;

	if (!wanted)
		return 0;
	word = &wanted->ifindex;
	hash = hash_mix(((__u64)word[3] << 32 | word[2]) ^ ((__u64)word[0] << 32 | word[1]) ^ word[4]);
	for (__u32 step = 0; step < HOP_TRIES; step++) {
		__u32 index = (hash + step) % HOPS;
		struct hop *hop = index ? bpf_map_lookup_elem(&hops, &index) : 0;

		if (!hop)
			continue;
		if (!tracing && __sync_val_compare_and_swap(&hop->state, HOP_FREE, HOP_BUSY) == HOP_FREE) {
			hop->ifindex = wanted->ifindex;
			__builtin_memcpy(hop->source_mac, wanted->source_mac, 6);
			__builtin_memcpy(hop->destination_mac, wanted->destination_mac, 6);
			hop->vlan[0] = wanted->vlan[0];
			hop->vlan[1] = wanted->vlan[1];
			hop->last_used = now;
			__sync_lock_test_and_set(&hop->state, HOP_READY);
			return index;
		}
		if (READ_ONCE(hop->state) == HOP_READY && same_hop(hop, wanted)) {
			if (hop->last_used != now)
				hop->last_used = now;
			return index;
		}
	}
	return 0;
}

enum { NEIGHBOUR_UNKNOWN = 0x8000 }; /* in a flow's route_generation: asked in that generation, and to be asked again */

/* Asks the routes for the way to the client. Where they know none, the way that is known is kept; where they forbid it, there is
 * none. */
__noinline int ask_routes(struct xdp_md *ctx, __u32 index, __u32 generation, __u32 now)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, &index);
	struct bpf_fib_lookup fib = {};
	const struct upper *upper;
	struct hop hop = {};

	if (!flow)
		return 0;
	fib.ifindex = ctx->ingress_ifindex;
	fib.l4_protocol = flow->protocol;
	if (is_mapped_ipv4(flow->client)) {
		fib.family = AF_INET;
		fib.ipv4_src = ((__u32 *)flow->vip)[3];
		fib.ipv4_dst = ((__u32 *)flow->client)[3];
	} else {
		fib.family = AF_INET6;
		copy_address(fib.ipv6_src, flow->vip);
		copy_address(fib.ipv6_dst, flow->client);
	}
	switch (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		hop.ifindex = fib.ifindex;
		upper = bpf_map_lookup_elem(&uppers, &hop.ifindex);
		if (upper) {
			hop.ifindex = upper->ifindex;
			hop.vlan[0] = upper->vlan[0];
			hop.vlan[1] = upper->vlan[1];
		}
		__builtin_memcpy(hop.source_mac, fib.smac, 6);
		__builtin_memcpy(hop.destination_mac, fib.dmac, 6);
		flow->hop = hop_number(&hop, now);
		break;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		flow->hop = 0;
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		generation ^= NEIGHBOUR_UNKNOWN;
		break;
	}
	flow->route_generation = generation;
	return 0;
}

/* The flow's way to its client, or 0. The routes are asked once in a route generation, and while they name a neighbour that is not
 * known once a second: is_first tells a second's first packet. */
static __always_inline struct hop *way_to_client(struct xdp_md *ctx, const struct found *found, int is_first, __u32 now)
{
	__u16 generation = route_generation();
	struct flow *flow = found->flow;
	__u16 asked = flow->route_generation;
	struct hop *hop;
	__u32 index;

	if (asked != generation && (is_first || asked != (generation ^ NEIGHBOUR_UNKNOWN)) && !tracing)
		ask_routes(ctx, found->index, generation, now);
	index = flow->hop;
	hop = index ? bpf_map_lookup_elem(&hops, &index) : 0;
	return hop && hop->state == HOP_READY ? hop : 0;
}

#endif
