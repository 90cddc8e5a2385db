/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What stands around a load balancer that is measured: a sink that counts, a device that lets pass, and the barest forwarder. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

#include "wire.h"

const volatile __u32 forward_ifindex;
const volatile __u8 forward_destination[6];
const volatile __u8 forward_source[6];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_count);
} counted SEC(".maps");

/* The clock is read once in WIRE_STEP packets, so that it costs next to nothing. */
SEC("xdp")
int count_and_drop(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct wire_count *count = bpf_map_lookup_elem(&counted, &zero);

	if (!count)
		return XDP_ABORTED;
	if (count->packets % WIRE_STEP == 0) {
		count->last = bpf_ktime_get_ns();
		count->packets_last = count->packets;
		if (!count->first)
			count->first = count->last;
	}
	count->packets++;
	return XDP_DROP;
}

/* A veth takes what XDP sends from its peer only while it has a program itself. */
SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int forward(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
#pragma unroll
	for (int i = 0; i < 6; i++) {
		eth->h_dest[i] = forward_destination[i];
		eth->h_source[i] = forward_source[i];
	}
	return bpf_redirect(forward_ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
