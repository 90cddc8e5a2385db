/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The least that a forwarding program can do: exchange the MAC addresses and transmit. The floor of every comparison.
 * The same in a frame that is made 20 bytes longer, to learn what that alone costs. And two helpers that any balancer calls,
 * whose cost is published beside the swap's for another machine. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

static __always_inline int swap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u16 *mac = data;
	__u16 kept[3];

	if (data + sizeof(struct ethhdr) > end)
		return XDP_DROP;
	kept[0] = mac[0];
	kept[1] = mac[1];
	kept[2] = mac[2];
	mac[0] = mac[3];
	mac[1] = mac[4];
	mac[2] = mac[5];
	mac[3] = kept[0];
	mac[4] = kept[1];
	mac[5] = kept[2];
	return XDP_TX;
}

SEC("xdp")
int mac_swap(struct xdp_md *ctx)
{
	return swap(ctx);
}

SEC("xdp")
int mac_swap_longer(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, -20) ? XDP_DROP : swap(ctx);
}

enum { SLOTS = 1024 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

SEC("xdp")
int clock_and_lookup(struct xdp_md *ctx)
{
	__u32 slot = bpf_ktime_get_ns() % SLOTS;
	__u64 *value = bpf_map_lookup_elem(&slots, &slot);

	if (value)
		(*value)++;
	return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
