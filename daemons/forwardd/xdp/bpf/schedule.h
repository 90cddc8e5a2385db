/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which server takes a new connection. */
#ifndef BALLAST_SCHEDULE_H
#define BALLAST_SCHEDULE_H

#include "maps.h"
#include "parse.h"

enum { SLOTS_MAX = 4096, WLC_MAX = 1024 };

/* Of the client's address and port; the same on every node, so that mh agrees on all of them. */
static __always_inline __u32 client_hash(const struct flow_key *key)
{
	const __u32 *word = (const __u32 *)key->source;
	__u32 hash = 0x9e3779b9;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		hash ^= bpf_ntohl(word[i]);
		hash *= 0x85ebca6b;
		hash ^= hash >> 13;
	}
	hash ^= bpf_ntohs(key->source_port);
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

static __always_inline __u32 table_slot(void *table, __u32 slot)
{
	__u32 *index = bpf_map_lookup_elem(table, &slot);

	return index ? *index : 0;
}

static __always_inline int takes_connections(const struct server *server)
{
	return server && (server->flags & SERVER_UP) && server->weight > 0;
}

struct wlc_search {
	void *table;
	__u32 service;
	__u32 avoid;
	__u32 best;
	__u64 best_load;
	__u64 best_weight;
	__u32 unreachable; /* takes connections, but nobody knows its MAC address yet */
};

static long wlc_consider(__u32 slot, struct wlc_search *search)
{
	void *table = bpf_map_lookup_elem(&tables, &search->service);
	struct server_load *load;
	struct server *server;
	__u64 connections;
	__u32 index;

	if (!table)
		return 1;
	index = table_slot(table, slot);
	server = find_server(index);
	load = bpf_map_lookup_elem(&server_load, &index);
	if (!load || index == search->avoid || !takes_connections(server))
		return 0;
	if (!(server->flags & SERVER_REACHABLE)) {
		search->unreachable = index;
		return 0;
	}
	connections = (__u64)load->active * 256 + load->inactive;
	if (connections * search->best_weight < search->best_load * server->weight) {
		search->best = index;
		search->best_load = connections;
		search->best_weight = server->weight;
	}
	return 0;
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
	struct server *server;
	__u32 index;

	if (!table)
		return 1;
	if (search->takes_turns) {
		struct cursor *cursor = bpf_map_lookup_elem(&cursors, &search->service);

		if (!cursor)
			return 1;
		slot = __sync_fetch_and_add(&cursor->next, 1);
	}
	index = table_slot(table, slot % search->size);
	server = find_server(index);
	if (index == search->avoid || !takes_connections(server))
		return 0;
	if (!(server->flags & SERVER_REACHABLE)) {
		search->unreachable = index;
		return 0;
	}
	search->found = index;
	return 1;
}

/* 0, which the verifier cannot know. Linux 6.1 follows a loop's callback once, with the context of the first call; it takes the
 * branches that this settles for settled in every call, and removes the others. What calls change must not start as a constant. */
static __always_inline __u64 unknown_zero(void)
{
	return bpf_ktime_get_coarse_ns() >> 63;
}

static __always_inline __u32 schedule_by_load(__u32 service, __u32 size, __u32 avoid)
{
	/* a best that every server beats */
	struct wlc_search search = {
		.service = service, .avoid = avoid, .best_load = 1, .best_weight = unknown_zero()
	};

	bpf_loop(size < WLC_MAX ? size : WLC_MAX, wlc_consider, &search, 0);
	return search.best ? search.best : search.unreachable;
}

/* A server's index, or 0 when none takes the connection. One whose MAC address is not known is taken only for want of another.
 * `avoid`: the server that this connection cannot have. */
static __noinline __u32 schedule(struct flow_key *key, __u32 service_index, __u32 avoid)
{
	struct slot_search search = {.service = service_index, .avoid = avoid};
	struct service *service = bpf_map_lookup_elem(&services, &service_index);
	__u32 size;

	if (!key || !service)
		return 0;
	size = service->table_size;
	if (!size)
		return 0;
	if (service->scheduler == SCHED_WLC)
		return schedule_by_load(service_index, size, avoid);
	search.size = size;
	if (service->scheduler == SCHED_TABLE_HASH)
		search.slot = client_hash(key) % size;
	else
		search.takes_turns = 1;
	bpf_loop(size < SLOTS_MAX ? size : SLOTS_MAX, slot_consider, &search, 0);
	return search.found ? search.found : search.unreachable;
}

#endif
