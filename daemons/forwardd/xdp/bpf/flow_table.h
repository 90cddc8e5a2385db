/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The connection table: look-up, and the life of a line (layout.h says how). */
#ifndef BALLAST_FLOW_TABLE_H
#define BALLAST_FLOW_TABLE_H

#include "maps.h"
#include "parse.h"
#include "returns.h"

enum { NO_LINE = 0xffffffff, CLAIM_TRIES = 2 };

/* A line as it was found: `control` is what a change must start from. */
struct found {
	struct flow *flow;
	__u32 control;
	__u32 index;
};

enum load_class { LOAD_NONE, LOAD_ACTIVE, LOAD_INACTIVE };

/* Nobody has proved yet to be there. */
static __always_inline int is_half_open(__u8 state)
{
	return state == STATE_UDP_NEW || (state >= STATE_SYN_RECV && state <= STATE_SYN_ACK);
}

/* A TCP connection of which the server has not been heard. */
static __always_inline int awaits_answer(__u8 state)
{
	return state == STATE_SYN_RECV || state == STATE_SYN_AGAIN;
}

static __always_inline int is_closing(__u8 state)
{
	return state == STATE_TIME_WAIT || state == STATE_CLOSE;
}

static __always_inline enum load_class class_of(__u8 state)
{
	if (state <= STATE_BUSY)
		return LOAD_NONE;
	return state == STATE_ESTABLISHED ? LOAD_ACTIVE : LOAD_INACTIVE;
}

/* Another CPU may have seen a later second than this one. */
static __always_inline int is_expired(const struct flow *flow, __u32 now)
{
	__u32 seen = READ_ONCE(flow->last_seen);

	return now > seen && now - seen > flow->lifetime;
}

/* The server's index is its own still: it was not removed, and is no other's. */
static __always_inline int is_servers(const struct flow *flow, const struct server *server)
{
	return server && (__u16)server->generation == flow->server_generation && (server->flags & SERVER_USED) &&
	       has_its_local(flow);
}

static __always_inline void count_class(struct server_load *load, enum load_class class, __s32 step)
{
	if (class == LOAD_ACTIVE)
		__sync_fetch_and_add(&load->active, step);
	else if (class == LOAD_INACTIVE)
		__sync_fetch_and_add(&load->inactive, step);
}

/* Functions that are not static the verifier looks at once, instead of once a way that leads there.
 *
 * A server whose connections reached upper_threshold takes no new ones until they are under lower_threshold, or 3/4 of upper. */
__noinline int watch_thresholds(__u32 index)
{
	const struct server_extra *extra = bpf_map_lookup_elem(&server_extras, &index);
	struct server_load *load = bpf_map_lookup_elem(&server_load, &index);
	__u32 connections, lower;

	if (!load || !extra || !extra->upper_threshold)
		return 0;
	connections = load->active + load->inactive;
	lower = extra->lower_threshold ? extra->lower_threshold : extra->upper_threshold / 4 * 3;
	if (connections >= extra->upper_threshold)
		load->overloaded = 1;
	else if (connections < lower)
		load->overloaded = 0;
	return 0;
}

/* Moves a connection from one of its server's counts to another. */
static __always_inline void recount(const struct flow *flow, enum load_class from, enum load_class to)
{
	__u32 index = flow->server;
	struct server *server = find_server(index);
	struct server_load *load;

	if (from == to || !server || (__u16)server->generation != flow->server_generation)
		return; /* the counts at its index are another server's now */
	load = bpf_map_lookup_elem(&server_load, &index);
	if (!load)
		return;
	count_class(load, from, -1);
	count_class(load, to, 1);
	if (from == LOAD_NONE || to == LOAD_NONE)
		watch_thresholds(index);
}

static __always_inline int swap_control(struct flow *flow, __u32 from, __u32 to)
{
	return __sync_val_compare_and_swap(&flow->control, from, to) == from;
}

/* Ends a connection; only one of several that try does, and undoes its count. `next`: STATE_FREE, or STATE_BUSY to have the line. */
__noinline int take_line(__u32 index, __u32 control, __u32 next)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, &index);

	if (!flow || tracing)
		return 0;
	if (!swap_control(flow, control, CONTROL(STATE_BUSY, 0, CONTROL_USE(control) + 1)))
		return 0;
	if (is_live(control)) {
		recount(flow, class_of(CONTROL_STATE(control)), LOAD_NONE);
		if (flow->local_port)
			release_return(index);
		if (CONTROL_FLAGS(control) & FLOW_DETAILED)
			bpf_map_delete_elem(&flow_details, &index);
	}
	flow->local_port = 0;
	if (next == STATE_FREE)
		__sync_lock_test_and_set(&flow->control, CONTROL(STATE_FREE, 0, CONTROL_USE(control) + 1));
	return 1;
}

static __always_inline int end_flow(const struct found *found)
{
	return take_line(found->index, found->control, STATE_FREE);
}

static __always_inline __u64 hash_of(const struct tuple *key, int by_client)
{
	__u32 salt = by_client ? 0 : vip_salt((const __u32 *)key->destination, key->destination_port);
	__u64 seed[2] = {hash_seed[0], hash_seed[1]};

	return flow_hash((const __u32 *)key->source, key->source_port, key->protocol, salt, seed);
}

static __always_inline int is_client(const struct flow *flow, const __u8 *address, __be16 port, __u8 protocol)
{
	return flow->client_port == port && flow->protocol == protocol && same_address(flow->client, address);
}

static __always_inline int holds(const struct flow *flow, const struct tuple *key)
{
	return flow->vip_port == key->destination_port &&
	       is_client(flow, key->source, key->source_port, key->protocol) && same_address(flow->vip, key->destination);
}

static __always_inline int probe(struct found *found, __u32 index, const struct tuple *key)
{
	struct flow *flow = flow_at(index);
	__u32 control;

	if (!flow)
		return 0;
	control = READ_ONCE(flow->control);
	if (!is_live(control) || !holds(flow, key))
		return 0;
	control = control_now(flow, control);
	if (!control)
		return 0;
	found->flow = flow;
	found->control = control;
	found->index = index;
	return 1;
}

__noinline __u32 search_further(__u64 hash, const struct tuple *key)
{
	struct found found;

	if (!key)
		return NO_LINE;
	for (__u32 step = 1; step < FLOW_CANDIDATES; step++) {
		__u32 index = flow_candidate(hash, step, flow_buckets);

		if (probe(&found, index, key))
			return index;
	}
	return NO_LINE;
}

/* The connection of a client's packet. */
static __always_inline int find_flow(struct found *found, __u64 hash, const struct tuple *key)
{
	__u32 index = flow_candidate(hash, 0, flow_buckets);

	if (probe(found, index, key))
		return 1;
	index = search_further(hash, key);
	return index != NO_LINE && probe(found, index, key);
}

static __always_inline int probe_answer(struct found *found, __u32 index, const struct tuple *key)
{
	struct flow *flow = flow_at(index);
	struct server *server;
	__u32 control;

	if (!flow)
		return 0;
	control = READ_ONCE(flow->control);
	if (!is_live(control) || !is_client(flow, key->destination, key->destination_port, key->protocol))
		return 0;
	server = find_server(flow->server);
	if (!server || server->method != METHOD_NAT || port_behind(server, flow) != key->source_port ||
	    !same_address(server->address, key->source))
		return 0;
	control = control_now(flow, control);
	if (!control)
		return 0;
	found->flow = flow;
	found->control = control;
	found->index = index;
	return 1;
}

__noinline __u32 search_answer_further(__u64 hash, const struct tuple *key)
{
	struct found found;

	if (!key)
		return NO_LINE;
	for (__u32 step = 1; step < FLOW_CANDIDATES; step++) {
		__u32 index = flow_candidate(hash, step, flow_buckets);

		if (probe_answer(&found, index, key))
			return index;
	}
	return NO_LINE;
}

/* The connection of a NAT server's packet. */
static __always_inline int find_answered(struct found *found, const struct tuple *key)
{
	__u64 seed[2] = {hash_seed[0], hash_seed[1]};
	__u64 hash = flow_hash((const __u32 *)key->destination, key->destination_port, key->protocol, 0, seed);
	__u32 index = flow_candidate(hash, 0, flow_buckets);

	if (probe_answer(found, index, key))
		return 1;
	index = search_answer_further(hash, key);
	return index != NO_LINE && probe_answer(found, index, key);
}

/* A line that a new connection could have, and the control by which it was judged. */
struct chosen {
	__u32 index;
	__u32 control;
};

struct choice {
	struct chosen free[2]; /* a free line of each bucket */
	__u32 free_lines[2];
	struct chosen victim;  /* the oldest half-open connection, else the oldest that is closing */
	__u32 victim_idle;
	__u32 victim_closing;
};

__noinline int consider(struct choice *choice, __u32 bucket, __u32 index, __u32 now)
{
	struct flow *flow = flow_at(index);
	__u32 control, idle;
	__u8 state;

	if (!choice || !flow)
		return 0;
	bucket &= 1;
	control = READ_ONCE(flow->control);
	state = CONTROL_STATE(control);
	if (state == STATE_BUSY)
		return 0;
	if (state == STATE_FREE || is_expired(flow, now)) {
		if (choice->free[bucket].index == NO_LINE)
			choice->free[bucket] = (struct chosen){index, control};
		choice->free_lines[bucket]++;
		return 0;
	}
	if (!is_half_open(state) && (!is_closing(state) || (choice->victim.index != NO_LINE && !choice->victim_closing)))
		return 0;
	idle = now - flow->last_seen;
	if (choice->victim.index == NO_LINE || (is_half_open(state) && choice->victim_closing) ||
	    idle >= choice->victim_idle) {
		choice->victim = (struct chosen){index, control};
		choice->victim_idle = idle;
		choice->victim_closing = is_closing(state);
	}
	return 0;
}

enum evicts { EVICTS_NONE, EVICTS_HALF_OPEN, EVICTS_CLOSING };

/* The first bucket while it has room, the emptier one then: so both are full only where nearly all is full. The line is
 * choice->victim where one has to give way, else choice->free[0]. */
__noinline int choose_line(struct choice *choice, __u64 hash, __u32 now)
{
	if (!choice)
		return EVICTS_NONE;
	__builtin_memset(choice, 0, sizeof(*choice));
	choice->free[0].index = choice->free[1].index = choice->victim.index = NO_LINE;
	for (__u32 step = 0; step < FLOW_WAYS; step++)
		consider(choice, 0, flow_candidate(hash, step, flow_buckets), now);
	if (choice->free_lines[0] >= 2)
		return EVICTS_NONE;
	for (__u32 step = FLOW_WAYS; step < FLOW_CANDIDATES; step++)
		consider(choice, 1, flow_candidate(hash, step, flow_buckets), now);
	if (!choice->free_lines[0] && !choice->free_lines[1])
		return choice->victim_closing ? EVICTS_CLOSING : EVICTS_HALF_OPEN;
	if (choice->free_lines[1] > choice->free_lines[0])
		choice->free[0] = choice->free[1];
	return EVICTS_NONE;
}

/* A line for a new connection, busy until publish() or give_back(); NO_LINE: all are taken by established connections. */
__noinline __u32 claim_line(__u64 hash, __u32 now)
{
	struct choice choice = {};

	for (int attempt = 0; attempt < CLAIM_TRIES; attempt++) {
		int evicts = choose_line(&choice, hash, now);
		const struct chosen *chosen = evicts == EVICTS_NONE ? &choice.free[0] : &choice.victim;

		if (chosen->index == NO_LINE)
			return NO_LINE;
		if (!take_line(chosen->index, chosen->control, STATE_BUSY))
			continue;
		if (evicts != EVICTS_NONE)
			count_event(evicts == EVICTS_HALF_OPEN ? EVENT_evicted_half_open : EVENT_evicted_closing);
		return chosen->index;
	}
	return NO_LINE;
}

static __always_inline void publish(struct flow *flow, __u8 state, __u8 flags)
{
	__u32 control = CONTROL(state, flags, CONTROL_USE(flow->control));

	recount(flow, LOAD_NONE, class_of(state));
	__sync_lock_test_and_set(&flow->control, control);
}

static __always_inline void give_back(struct flow *flow)
{
	flow->local_port = 0;
	__sync_lock_test_and_set(&flow->control, CONTROL(STATE_FREE, 0, CONTROL_USE(flow->control)));
}

#endif
