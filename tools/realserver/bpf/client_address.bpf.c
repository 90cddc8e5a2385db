/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FNAT's client addresses: read from TOA where a connection is established, answered where a program asks for its peer. */
#include <linux/bpf.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"
#include "toa.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct toa_client);
} clients SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MOST_PREFIXES);
	__type(key, struct prefix_key);
	__type(value, __u8);
} client_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CLIENT_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} client_counts SEC(".maps");

static __always_inline void count(enum client_count what)
{
	__u32 index = what;
	__u64 *value = bpf_map_lookup_elem(&client_counts, &index);

	if (value)
		*value += 1;
}

/* Of the load balancer, whichever family the socket is of: an IPv6 socket's IPv4 peer is mapped already. */
static __always_inline int peer_is_trusted(struct bpf_sock_ops *ops)
{
	struct prefix_key key = {.length = 128};
	__u32 *word = (__u32 *)key.address;
	__u32 remote_ip4 = *(volatile __u32 *)&ops->remote_ip4; /* here: the verifier takes no load that branches share */

	if (ops->family == AF_INET) {
		word[2] = bpf_htonl(0xffff);
		word[3] = remote_ip4;
	} else if (ops->family == AF_INET6) {
		word[0] = ops->remote_ip6[0];
		word[1] = ops->remote_ip6[1];
		word[2] = ops->remote_ip6[2];
		word[3] = ops->remote_ip6[3];
	} else {
		return 0;
	}
	return bpf_map_lookup_elem(&client_sources, &key) != 0;
}

/* Decided once, by the segment that completes the handshake: what a socket answers never changes. */
static __always_inline void keep_client(struct bpf_sock_ops *ops)
{
	struct toa_client client = {};
	struct toa_client *kept;
	struct bpf_sock *sk = ops->sk;
	void *data = ops->skb_data;
	void *end = ops->skb_data_end;
	int trusted = peer_is_trusted(ops);

	if (!toa_find(data + sizeof(struct tcphdr), end, &client)) {
		if (trusted)
			count(CLIENT_absent);
		return;
	}
	if (!trusted) {
		count(CLIENT_untrusted);
		return;
	}
	if (!sk)
		return;
	kept = bpf_sk_storage_get(&clients, sk, &client, BPF_SK_STORAGE_GET_F_CREATE);
	if (kept)
		count(CLIENT_restored);
}

SEC("sockops")
int ballast_accept(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		keep_client(ops);
	return 1;
}

SEC("cgroup/getpeername4")
int ballast_peer4(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct toa_client *client = sk ? bpf_sk_storage_get(&clients, sk, 0, 0) : 0;
	__u32 *word = client ? (__u32 *)client->address : 0;

	if (!client)
		return 1;
	if (word[0] | word[1] | (word[2] ^ bpf_htonl(0xffff))) {
		count(CLIENT_other_family); /* an IPv6 address has no room in the caller's sockaddr_in */
		return 1;
	}
	ctx->user_ip4 = word[3];
	ctx->user_port = client->port;
	return 1;
}

SEC("cgroup/getpeername6")
int ballast_peer6(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct toa_client *client = sk ? bpf_sk_storage_get(&clients, sk, 0, 0) : 0;
	__u32 *word = client ? (__u32 *)client->address : 0;

	if (!client)
		return 1;
	ctx->user_ip6[0] = word[0];
	ctx->user_ip6[1] = word[1];
	ctx->user_ip6[2] = word[2];
	ctx->user_ip6[3] = word[3];
	ctx->user_port = client->port;
	return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
