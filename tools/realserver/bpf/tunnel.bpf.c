/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Takes packets for this server's VIPs out of the tunnel that they came in; everything else passes untouched. What is known to
 * be for a VIP and cannot be unwrapped is dropped and counted. */
#include "outer.h"

enum { ECN_NONE, ECN_ECT1, ECN_ECT0, ECN_CE };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tunnel_settings);
} tunnel_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_VIPS);
	__type(key, struct vip_key);
	__type(value, __u8);
} tunnel_vips SEC(".maps");

/* A frame for another machine, seen because this interface is in a bridge, is that machine's. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MOST_MACS);
	__type(key, struct mac_key);
	__type(value, __u8);
} tunnel_macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MOST_PREFIXES);
	__type(key, struct prefix_key);
	__type(value, __u8);
} tunnel_sources SEC(".maps");

#define COUNTERS(map_name, entries) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, entries); \
		__type(key, __u32); \
		__type(value, __u64); \
	} map_name SEC(".maps")

COUNTERS(tunnel_packets, KIND_COUNT);
COUNTERS(tunnel_drops, TUNNEL_DROP_COUNT);

static __always_inline void count(void *counters, __u32 index)
{
	__u64 *value = bpf_map_lookup_elem(counters, &index);

	if (value)
		*value += 1;
}

static __always_inline int drop(enum tunnel_drop reason)
{
	count(&tunnel_drops, reason);
	return XDP_DROP;
}

struct inner {
	__u32 length;
	__u8 header; /* bytes */
	__u8 ecn;
};

/* The packet inside, if it is for a VIP. */
static __always_inline int read_inner(struct tunnel *t, struct inner *inner)
{
	struct vip_key vip = {};
	__u32 *word = (__u32 *)vip.address;

	if (t->inner_is_ipv6) {
		struct ipv6hdr *ip = t->at;

		if ((void *)(ip + 1) > t->end || ip->version != 6)
			return 0;
		__builtin_memcpy(vip.address, &ip->daddr, sizeof(vip.address));
		if (!(word[0] | word[1] | (word[2] ^ bpf_htonl(0xffff))))
			return 0; /* ::ffff:a.b.c.d in an IPv6 header is no IPv4 VIP */
		inner->length = sizeof(*ip) + bpf_ntohs(ip->payload_len);
		inner->header = sizeof(*ip);
		inner->ecn = (bpf_ntohl(*(__be32 *)ip) >> 20) & 3;
	} else {
		struct iphdr *ip = t->at;

		if ((void *)(ip + 1) > t->end || ip->version != 4 || ip->ihl < 5)
			return 0;
		word[2] = bpf_htonl(0xffff);
		word[3] = ip->daddr;
		inner->length = bpf_ntohs(ip->tot_len);
		inner->header = ip->ihl * 4;
		inner->ecn = ip->tos & 3;
	}
	return bpf_map_lookup_elem(&tunnel_vips, &vip) != 0;
}

static __always_inline int is_for_this_host(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct mac_key key = {};

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	__builtin_memcpy(key.bytes, eth->h_dest, sizeof(key.bytes));
	return bpf_map_lookup_elem(&tunnel_macs, &key) != 0;
}

static __always_inline int comes_from_trusted(const struct tunnel *t)
{
	struct prefix_key key = {.length = 128};

	__builtin_memcpy(key.address, t->source, sizeof(key.address));
	return bpf_map_lookup_elem(&tunnel_sources, &key) != 0;
}

/* Why a packet for a VIP cannot be unwrapped; TUNNEL_DROP_COUNT: it can. */
static __always_inline enum tunnel_drop fault_of(const struct tunnel *t, const struct inner *inner,
						 const struct tunnel_settings *settings)
{
	if (settings->trusted_only && !comes_from_trusted(t))
		return TUNNEL_DROP_untrusted;
	if (t->fragment)
		return TUNNEL_DROP_fragment;
	if (t->wrong_length || inner->length < inner->header || inner->length > t->room ||
	    link_length(t) + t->length > bpf_xdp_get_buff_len(t->ctx))
		return TUNNEL_DROP_length;
	if (t->gue_options)
		return TUNNEL_DROP_gue_option;
	if (t->ecn == ECN_CE && inner->ecn == ECN_NONE)
		return TUNNEL_DROP_ecn;
	return TUNNEL_DROP_COUNT;
}

/* RFC 6040, section 4.2, but for the combination that fault_of tells. */
static __always_inline __u8 combined_ecn(__u8 outer, __u8 inner)
{
	if (inner == ECN_NONE || inner == ECN_CE)
		return inner;
	return outer == ECN_CE || (outer == ECN_ECT1 && inner == ECN_ECT0) ? outer : inner;
}

static __always_inline void set_ecn(void *at, int is_ipv6, __u8 from, __u8 to, void *end)
{
	if (is_ipv6) {
		__be32 *word = at;

		if ((void *)(word + 1) <= end)
			*word = (*word & bpf_htonl(~(3U << 20))) | bpf_htonl((__u32)to << 20);
	} else {
		struct iphdr *ip = at;
		__u32 sum;

		if ((void *)(ip + 1) > end)
			return;
		ip->tos = (ip->tos & ~3) | to;
		sum = (__u16)~bpf_ntohs(ip->check) + (__u16)~(__u16)from + to; /* RFC 1624 */
		sum = (sum & 0xffff) + (sum >> 16);
		ip->check = bpf_htons(~((sum & 0xffff) + (sum >> 16)));
	}
}

static __always_inline void put_tags(struct tunnel *t, struct ethhdr *eth, __be16 ethertype)
{
	struct vlan_tag *tag = (void *)(eth + 1);

	if (t->tag_count == 0) {
		eth->h_proto = ethertype;
		return;
	}
	tag[0].id = t->tags[0].id;
	tag[0].protocol = ethertype;
	if (t->tag_count == 1 || (void *)(tag + 2) > (void *)(long)t->ctx->data_end)
		return;
	tag[0].protocol = t->tags[0].protocol;
	tag[1].id = t->tags[1].id;
	tag[1].protocol = ethertype;
}

/* Takes out what is between the link header and the packet inside. */
static __always_inline int unwrap(struct tunnel *t, const struct inner *inner)
{
	struct ethhdr *eth = (void *)(long)t->ctx->data;
	__u32 cut = t->at - (void *)eth - link_length(t);
	__u8 ecn = combined_ecn(t->ecn, inner->ecn);
	struct ethhdr saved;

	if ((void *)(eth + 1) > (void *)(long)t->ctx->data_end)
		return XDP_PASS;
	saved = *eth;
	if (bpf_xdp_adjust_head(t->ctx, cut))
		return drop(TUNNEL_DROP_no_room);
	eth = (void *)(long)t->ctx->data;
	t->end = (void *)(long)t->ctx->data_end;
	if ((void *)(eth + 1) + sizeof(struct vlan_tag) > t->end)
		return XDP_ABORTED;
	*eth = saved;
	put_tags(t, eth, t->inner_is_ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	if (ecn != inner->ecn)
		set_ecn((void *)eth + link_length(t), t->inner_is_ipv6, inner->ecn, ecn, t->end);
	count(&tunnel_packets, t->kind);
	return XDP_PASS;
}

SEC("xdp.frags")
int ballast_tunnel(struct xdp_md *ctx)
{
	struct tunnel t = {.ctx = ctx};
	struct inner inner = {};
	struct tunnel_settings *settings;
	enum tunnel_drop fault;
	__u32 zero = 0;

	settings = bpf_map_lookup_elem(&tunnel_settings, &zero);
	if (!settings || !read_outer(&t, settings->gue_port) || !read_inner(&t, &inner) || !is_for_this_host(ctx))
		return XDP_PASS;
	fault = fault_of(&t, &inner, settings);
	return fault == TUNNEL_DROP_COUNT ? unwrap(&t, &inner) : drop(fault);
}

char _license[] SEC("license") = "Dual BSD/GPL";
