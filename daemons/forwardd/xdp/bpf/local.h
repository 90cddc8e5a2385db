/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FULLNAT: the LIP and port of a new connection. */
#ifndef BALLAST_LOCAL_H
#define BALLAST_LOCAL_H

#include "proxy.h"
#include "returns.h"

enum { FIRST_LOCAL_PORT = 1024, LOCAL_PORTS = 65536 - FIRST_LOCAL_PORT, HASTY_TRIES = 4, PORT_TRIES = HASTY_TRIES + 16, TRIES_A_LOCAL = 4 };

/* The connection does not have that port: its LIP's or server's index got another address before it was swept. */
static __always_inline int is_orphan(__u64 entry)
{
	const struct flow *flow = flow_at((__u32)entry);
	__u8 state = flow ? CONTROL_STATE(READ_ONCE(flow->control)) : STATE_FREE;

	if (!entry || state == STATE_BUSY)
		return 0; /* about to be published */
	return state == STATE_FREE || !flow->local_port || return_entry(hash_of_return(flow), (__u32)entry) != entry;
}

/* Of what a server would send to a LIP and port for a line that is being written; 0: the LIP is none any more. */
__noinline __u64 hash_wanted(__u32 index, __u32 local_index, __u32 port)
{
	const struct local *local = bpf_map_lookup_elem(&locals, &local_index);
	const struct flow *flow = flow_at(index);
	const struct server *server = flow ? find_server(flow->server) : 0;

	if (!local || !local->used || !server)
		return 0;
	return hash_return(local->address, bpf_htons(port), server->address, port_behind(server, flow), flow->protocol);
}

/* Clears entries that nobody gave back, where they are in a tuple's way: its own, and all of a full line. Their number. */
__noinline int drop_orphans(__u64 hash)
{
	struct return_line *line = return_line_of(hash);
	int is_full, dropped = 0;

	if (!line)
		return 0;
	is_full = find_way(line, return_mark(hash)) == WAY_NONE;
	for (int way = 0; way < RETURN_WAYS; way++) {
		__u64 entry = READ_ONCE(line->entry[way]);

		if ((is_full || entry >> 32 == return_mark(hash)) && is_orphan(entry))
			dropped += __sync_val_compare_and_swap(&line->entry[way], entry, 0ULL) == entry;
	}
	return dropped;
}

/* Tries a LIP with a port. hurries: without a look at the connections whose entries are in the way, each of which is in no cache. */
static __always_inline int try_local(struct flow *flow, __u32 index, __u32 local_index, __u32 port, int hurries)
{
	const struct local *local = bpf_map_lookup_elem(&locals, &local_index);
	__u64 hash = hash_wanted(index, local_index, port);

	if (!local || !hash ||
	    (!enter_return(hash, index) && (hurries || !drop_orphans(hash) || !enter_return(hash, index))))
		return 0;
	flow->local = local_index;
	flow->local_generation = local->generation;
	flow->local_port = bpf_htons(port);
	return 1;
}

/* Gives a line that is being written a LIP and a port that no other connection to its server has: first of the LIP that the client's
 * address names, then of those that follow. 0: none was found. */
__noinline int borrow_local(__u32 index)
{
	struct flow *flow = flow_at(index);
	struct server *server = flow ? find_server(flow->server) : 0;
	struct service *service = server ? find_service(server->service) : 0;
	struct local_range range;
	__u32 turn;
	__u64 hash;

	if (!service)
		return 0;
	range = service->locals[is_mapped_ipv4(server->address) ? 0 : 1];
	hash = hash_mix(hash_address((const __u32 *)flow->client, hash_seed[0]) ^ hash_seed[1]);
	turn = (__u64)(__u32)hash * range.count >> 32;
	hash = hash_mix(hash + ((__u64)flow->client_port << 32 | vip_salt((const __u32 *)flow->vip, flow->vip_port)));
	for (int attempt = 0; attempt < PORT_TRIES && range.count; attempt++) {
		__u32 port = FIRST_LOCAL_PORT + ((__u64)(__u32)hash * LOCAL_PORTS >> 32);

		if (try_local(flow, index, range.first + turn, port, attempt < HASTY_TRIES))
			return 1;
		hash = hash_mix(hash + 1);
		if (attempt % TRIES_A_LOCAL == TRIES_A_LOCAL - 1 && ++turn >= range.count)
			turn = 0;
	}
	return 0;
}

/* What a FULLNAT connection that has its port has more than others, before its line is published: the flags that it starts with, or -1:
 * no memory is left. */
__noinline int prepare_full_nat(__u32 index, __u32 tcp_flags, __u32 sequence)
{
	struct flow *flow = flow_at(index);
	struct server *server = flow ? find_server(flow->server) : 0;
	struct service *service = server ? find_service(server->service) : 0;
	int flags = 0;

	if (!service)
		return -1;
	if (flow->protocol != IPPROTO_TCP || service->client_address == CLIENT_HIDDEN)
		return FLOW_ACKNOWLEDGED;
	if (service->client_address == CLIENT_TOA)
		return 0;
	if (!(tcp_flags & TCP_SYN)) /* it was known before, and its server told then */
		return FLOW_ACKNOWLEDGED;
	flags = remember_sequence(index, sequence, service->client_address);
	if (flags < 0)
		release_return(index);
	return flags;
}

#endif
