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

enum { TCP_FLAG_SYN_BIT = 0x02 }; /* RFC 9293, 3.1 */

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct toa_client);
} clients SEC(".maps");

/* Connections whose handshake told no client: their first data still may. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u8);
} awaiting SEC(".maps");

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

static __always_inline int is_ipv6(const struct toa_client *client)
{
	const __u32 *word = (const __u32 *)client->address;

	return (word[0] | word[1] | (word[2] ^ bpf_htonl(0xffff))) != 0;
}

/* A SYN is none of the load balancer's segments with TOA, and Fast Open's option there has the same kind. */
static __always_inline enum toa_found read_option(struct bpf_sock_ops *ops, struct toa_client *client)
{
	void *data = ops->skb_data;
	void *end = ops->skb_data_end;

	if (ops->skb_tcp_flags & TCP_FLAG_SYN_BIT)
		return TOA_ABSENT;
	return toa_find(data + sizeof(struct tcphdr), end, client);
}

static __always_inline int keep_client(struct bpf_sock *sk, struct toa_client *client)
{
	if (!bpf_sk_storage_get(&clients, sk, client, BPF_SK_STORAGE_GET_F_CREATE))
		return 0;
	count(is_ipv6(client) ? CLIENT_restored_ipv6 : CLIENT_restored_ipv4);
	return 1;
}

static __always_inline void await_data(struct bpf_sock_ops *ops, struct bpf_sock *sk)
{
	__u8 nothing = 0;

	if (bpf_sk_storage_get(&awaiting, sk, &nothing, BPF_SK_STORAGE_GET_F_CREATE))
		bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG);
}

/* Most are decided here, by the segment that completes the handshake. */
static __always_inline void established(struct bpf_sock_ops *ops)
{
	struct toa_client client = {};
	struct bpf_sock *sk = ops->sk;
	int trusted = peer_is_trusted(ops);
	enum toa_found found = read_option(ops, &client);

	if (!trusted) {
		if (found == TOA_FOUND)
			count(CLIENT_untrusted);
		return;
	}
	if (!sk)
		return;
	if (found == TOA_FOUND) {
		keep_client(sk, &client);
	} else if (found == TOA_MALFORMED) {
		count(CLIENT_malformed);
	} else {
		count(CLIENT_absent);
		await_data(ops, sk);
	}
}

/* Only until the first data has come: later a socket's answer never changes. The flag is nobody else's where `awaiting` is. */
static __always_inline void segment_came(struct bpf_sock_ops *ops)
{
	struct toa_client client = {};
	struct bpf_sock *sk = ops->sk;
	struct tcphdr *tcp = ops->skb_data;
	void *end = ops->skb_data_end;
	enum toa_found found = TOA_ABSENT;
	int is_early = ops->bytes_received == 0;

	if (!sk || !bpf_sk_storage_get(&awaiting, sk, 0, 0) || (void *)(tcp + 1) > end)
		return;
	if (is_early)
		found = read_option(ops, &client);
	if (is_early && found == TOA_ABSENT && ops->skb_len <= tcp->doff * 4)
		return;
	if (found == TOA_FOUND && keep_client(sk, &client))
		count(CLIENT_late);
	if (found == TOA_MALFORMED)
		count(CLIENT_malformed);
	bpf_sk_storage_delete(&awaiting, sk);
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags & ~BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG);
}

SEC("sockops")
int ballast_accept(struct bpf_sock_ops *ops)
{
	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		established(ops);
	else if (ops->op == BPF_SOCK_OPS_PARSE_HDR_OPT_CB)
		segment_came(ops);
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
	if (is_ipv6(client)) {
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
