/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which server takes a new connection. */
#ifndef BALLAST_SCHEDULE_H
#define BALLAST_SCHEDULE_H

#include "maps.h"
#include "parse.h"

enum { SLOTS_MAX = 4096, LISTED_MAX = 1024 };

static __always_inline __u32 stir(__u32 hash, __u32 word)
{
	hash = (hash ^ word) * 0x85ebca6b;
	return hash ^ hash >> 13;
}

/* Of an address, and a port where it counts (else 0); the same on every node, so that mh agrees on all of them. */
static __always_inline __u32 hash_endpoint(const __u8 *address, __be16 port)
{
	const __u32 *word = (const __u32 *)address;
	__u32 hash = 0x9e3779b9;

#pragma unroll
	for (int i = 0; i < 4; i++)
		hash = stir(hash, bpf_ntohl(word[i]));
	hash ^= bpf_ntohs(port);
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

static __always_inline __u32 table_slot(void *table, __u32 slot)
{
	__u32 *index = bpf_map_lookup_elem(table, &slot);

	return index ? *index : 0;
}

enum answer { TAKES_NONE, TAKES, TAKES_UNREACHABLE };

/* Whether a server takes a new connection; one whose MAC address nobody knows yet only for want of another. */
static __always_inline enum answer takes_connections(__u32 index, __u32 avoid)
{
	const struct server *server = find_server(index);
	const struct server_load *load;

	if (!server || index == avoid || !(server->flags & SERVER_UP) || !server->weight)
		return TAKES_NONE;
	load = bpf_map_lookup_elem(&server_load, &index);
	if (!load || load->overloaded)
		return TAKES_NONE;
	return server->flags & SERVER_REACHABLE ? TAKES : TAKES_UNREACHABLE;
}

/* Servers compared one by one: the least `load` for its `weight` wins, the first of equals. */
struct comparison {
	__u32 service;
	__u32 scheduler;
	__u32 avoid;
	__u32 best;
	__u64 best_load;
	__u64 best_weight;
	__u32 unreachable;
};

static __always_inline __u64 burden(__u32 scheduler, const struct server_load *load)
{
	if (scheduler == SCHED_DELAY)
		return (__u64)load->active + 1;
	return (__u64)load->active * 256 + load->inactive;
}

/* Whether a server is better than the best so far. */
static __always_inline int is_better(const struct comparison *so_far, const struct server *server, const struct server_load *load,
				     __u64 mine)
{
	switch (so_far->scheduler) {
	case SCHED_FAILOVER: return server->weight > so_far->best_weight;
	case SCHED_OVERFLOW: return load->active < server->weight && server->weight > so_far->best_weight;
	default: return mine * so_far->best_weight < so_far->best_load * server->weight;
	}
}

static __always_inline void compare(struct comparison *so_far, __u32 index)
{
	enum answer answer = takes_connections(index, so_far->avoid);
	const struct server_load *load = bpf_map_lookup_elem(&server_load, &index);
	const struct server *server = find_server(index);
	__u64 mine;

	if (answer == TAKES_UNREACHABLE)
		so_far->unreachable = index;
	if (answer != TAKES || !load || !server)
		return;
	mine = burden(so_far->scheduler, load);
	if (so_far->scheduler == SCHED_IDLE_OR_DELAY)
		mine = load->active ? (__u64)load->active + 1 : 0;
	if (!is_better(so_far, server, load, mine))
		return;
	so_far->best = index;
	so_far->best_load = mine;
	so_far->best_weight = server->weight;
}

/* 0, which the verifier cannot know. Linux 6.1 follows a loop's callback once, with the context of the first call; it takes the
 * branches that this settles for settled in every call, and removes the others. What calls change must not start as a constant. */
static __always_inline __u64 unknown_zero(void)
{
	return bpf_ktime_get_coarse_ns() >> 63;
}

/* With a best that every server beats. */
static __always_inline struct comparison no_winner(__u32 service, __u32 scheduler, __u32 avoid)
{
	return (struct comparison){
		.service = service, .scheduler = scheduler, .avoid = avoid, .best_load = 1, .best_weight = unknown_zero(),
	};
}

static long compare_slot(__u32 slot, struct comparison *so_far)
{
	void *table = bpf_map_lookup_elem(&tables, &so_far->service);

	if (!table)
		return 1;
	compare(so_far, table_slot(table, slot));
	return 0;
}

static __always_inline __u32 winner(const struct comparison *comparison)
{
	return comparison->best ? comparison->best : comparison->unreachable;
}

__noinline __u32 schedule_by_load(__u32 service, __u32 scheduler, __u32 size, __u32 avoid)
{
	struct comparison comparison = no_winner(service, scheduler, avoid);

	bpf_loop(size < LISTED_MAX ? size : LISTED_MAX, compare_slot, &comparison, 0);
	return winner(&comparison);
}

/* Two drawn from a table in which each server stands as often as its weight says; the less loaded. */
__noinline __u32 schedule_two(__u32 service, __u32 size, __u32 avoid)
{
	struct comparison comparison = no_winner(service, SCHED_LEAST, avoid);
	__u32 drawn = bpf_get_prandom_u32();

	compare_slot((drawn & 0xffff) * (__u64)size >> 16, &comparison);
	compare_slot((drawn >> 16) * (__u64)size >> 16, &comparison);
	return comparison.best;
}

struct slot_search {
	__u32 service;
	__u32 size;
	__u32 slot;
	__u32 avoid;
	__u32 found;
	__u32 unreachable;
	__u32 takes_turns;
};

/* The first slot almost always does; the next ones are for the moment in which a server has just gone. */
static long slot_consider(__u32 step, struct slot_search *search)
{
	void *table = bpf_map_lookup_elem(&tables, &search->service);
	__u32 slot = search->slot + step;
	enum answer answer;
	__u32 index;

	if (!table)
		return 1;
	if (search->takes_turns && !tracing) {
		struct cursor *cursor = bpf_map_lookup_elem(&cursors, &search->service);

		if (!cursor)
			return 1;
		slot = __sync_fetch_and_add(&cursor->next, 1);
	}
	index = table_slot(table, slot % search->size);
	answer = takes_connections(index, search->avoid);
	if (answer == TAKES_UNREACHABLE)
		search->unreachable = index;
	if (answer != TAKES)
		return 0;
	search->found = index;
	return 1;
}

/* From a slot on, or where turns are taken from the cursor's. */
__noinline __u32 schedule_by_slot(__u32 service_index, __u32 slot, __u32 takes_turns, __u32 avoid)
{
	const struct service *service = find_service(service_index);
	const struct cursor *cursor = bpf_map_lookup_elem(&cursors, &service_index);
	struct slot_search search = {.service = service_index, .slot = slot, .avoid = avoid, .takes_turns = takes_turns};
	__u32 size;

	if (!service || !cursor)
		return 0;
	size = service->table_size;
	if (!size)
		return 0;
	search.size = size;
	if (takes_turns && tracing)
		search.slot = cursor->next;
	bpf_loop(size < SLOTS_MAX ? size : SLOTS_MAX, slot_consider, &search, 0);
	return search.found ? search.found : search.unreachable;
}

struct locality_walk {
	struct comparison comparison;
	struct locality_entry *entry;
};

static long walk_locality(__u32 place, struct locality_walk *walk)
{
	__u32 index = walk->entry->servers[place & (LOCALITY_SERVERS - 1)];

	if (index)
		compare(&walk->comparison, index);
	return 0;
}

/* Whether `other` is to help `server` out: that has more connections than weight, this one less than half. */
__noinline int needs_help(__u32 server_index, __u32 other_index)
{
	const struct server_load *load = bpf_map_lookup_elem(&server_load, &server_index);
	const struct server_load *other_load = bpf_map_lookup_elem(&server_load, &other_index);
	const struct server *server = find_server(server_index);
	const struct server *other = find_server(other_index);

	if (!server_index || !server || !load)
		return 1;
	return other && other_load && load->active > server->weight && other_load->active * 2 < other->weight;
}

/* `alone`: in the place of those that were there. */
static __always_inline void add_to_locality(struct locality_entry *entry, __u32 server, int alone, __u32 now)
{
	int added = 0;

	for (int i = 0; i < LOCALITY_SERVERS; i++) {
		if (alone)
			entry->servers[i] = 0;
		if (!added && !entry->servers[i]) {
			entry->servers[i] = server;
			added = 1;
		}
	}
	entry->changed = now;
}

static const struct locality_entry empty_locality;

/* A destination's servers, none where it is new. */
static __always_inline struct locality_entry *find_locality(const struct tuple *tuple, __u32 service_index)
{
	struct locality_key key = {.service = service_index};
	struct locality_entry *entry;

	copy_address(key.destination, tuple->destination);
	entry = bpf_map_lookup_elem(&locality, &key);
	if (entry || tracing)
		return entry;
	bpf_map_update_elem(&locality, &key, &empty_locality, BPF_NOEXIST);
	return bpf_map_lookup_elem(&locality, &key);
}

/* lblc and lblcr: what served this destination goes on, unless it has more connections than weight while another has less than half:
 * that one (`least`) takes its place, or in a set of servers joins it. A set that did not change for a while starts anew. */
__noinline __u32 schedule_by_locality(const struct tuple *tuple, __u32 service_index, __u32 least, __u32 avoid)
{
	struct locality_walk walk = {.comparison = no_winner(service_index, SCHED_LEAST, avoid)};
	const struct service *service = find_service(service_index);
	struct locality_entry *entry;
	__u32 now = seconds_now();

	entry = tuple && service ? find_locality(tuple, service_index) : 0;
	if (!entry || !service)
		return least;
	walk.entry = entry;
	bpf_loop(LOCALITY_SERVERS, walk_locality, &walk, 0);
	if (!needs_help(walk.comparison.best, least))
		return walk.comparison.best;
	if (!least || tracing)
		return least;
	add_to_locality(entry, least,
			service->scheduler != SCHED_LOCALITY_SET || now - entry->changed > LOCALITY_SETTLED, now);
	return least;
}

/* A server's index, or 0 when none takes the connection. `avoid`: the server that this connection cannot have. */
__noinline __u32 schedule(const struct tuple *key, __u32 service_index, __u32 avoid)
{
	const struct service *service = find_service(service_index);
	__u32 found;

	if (!key || !service || !service->table_size)
		return 0;
	switch (service->scheduler) {
	case SCHED_TURNS:
		return schedule_by_slot(service_index, 0, 1, avoid);
	case SCHED_SOURCE:
		found = hash_endpoint(key->source, service->flags & SERVICE_HASH_PORT ? key->source_port : 0);
		return schedule_by_slot(service_index, found, 0, avoid);
	case SCHED_DESTINATION:
		return schedule_by_slot(service_index, hash_endpoint(key->destination, 0), 0, avoid);
	case SCHED_TWO:
		found = schedule_two(service_index, service->table_size, avoid);
		return found ? found : schedule_by_slot(service_index, 0, 1, avoid);
	case SCHED_OVERFLOW:
		found = schedule_by_load(service_index, SCHED_OVERFLOW, service->table_size, avoid);
		return found ? found : schedule_by_load(service_index, SCHED_FAILOVER, service->table_size, avoid);
	case SCHED_LOCALITY:
	case SCHED_LOCALITY_SET:
		found = schedule_by_load(service_index, SCHED_LEAST, service->table_size, avoid);
		return schedule_by_locality(key, service_index, found, avoid);
	default:
		return schedule_by_load(service_index, service->scheduler, service->table_size, avoid);
	}
}

#endif
