/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The least that a forwarding program can do: exchange the MAC addresses and transmit. The floor of every comparison.
 * And the same in a frame that is made 20 bytes longer, to learn what that alone costs. */
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

char LICENSE[] SEC("license") = "Dual BSD/GPL";
