/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* FULLNAT: from the tuple that a server sends to the connection, and who owns which LIP and port (layout.h: returns). */
#ifndef BALLAST_RETURNS_H
#define BALLAST_RETURNS_H

#include "maps.h"
#include "parse.h"

#define NO_RETURN (~0ULL)

static __always_inline const struct local *local_of(const struct flow *flow)
{
	__u32 index = flow->local;

	return bpf_map_lookup_elem(&locals, &index);
}

/* It needs no LIP, or its LIP was not removed and its index is no other's. */
static __always_inline int has_its_local(const struct flow *flow)
{
	const struct local *local;

	if (!flow->local_port)
		return 1;
	local = local_of(flow);
	return local && local->used && (__u8)local->generation == flow->local_generation;
}

static __always_inline __u64 hash_return(const __u8 *local, __be16 local_port, const __u8 *server, __be16 server_port,
					 __u8 protocol)
{
	return return_hash((const __u32 *)local, local_port, (const __u32 *)server, server_port, protocol, hash_seed[0]);
}

/* Of a connection that has a port; 0: its LIP's or server's index changed hands twice, nobody knows any more. */
static __always_inline __u64 hash_of_return(const struct flow *flow)
{
	__u32 server_index = flow->server;
	const struct server_extra *extra = bpf_map_lookup_elem(&server_extras, &server_index);
	const struct server *server = find_server(server_index);
	const struct local *local = local_of(flow);
	__u16 changes;
	__u8 moves;
	__be16 port;

	if (!local || !server || !extra)
		return 0;
	moves = (__u8)local->generation - flow->local_generation;
	changes = (__u16)server->generation - flow->server_generation;
	if (moves > 1 || changes > 1)
		return 0;
	port = changes ? extra->former_port : server->port;
	return hash_return(moves ? local->former : local->address, flow->local_port,
			   changes ? extra->former_address : server->address, port ? port : flow->vip_port, flow->protocol);
}

static __always_inline struct return_line *return_line_of(__u64 hash)
{
	__u32 line = (__u64)(__u32)hash * return_lines >> 32;

	return bpf_map_lookup_elem(&returns, &line);
}

/* Gives a FULLNAT flow's LIP and port back. */
__noinline int release_return(__u32 index)
{
	const struct flow *flow = flow_at(index);
	struct return_line *line;
	__u64 hash, entry;

	if (!flow)
		return 0;
	hash = hash_of_return(flow);
	entry = return_entry(hash, index);
	line = return_line_of(hash);
	if (!hash || !line)
		return 0;
	for (int way = 0; way < RETURN_WAYS; way++) {
		if (READ_ONCE(line->entry[way]) == entry)
			__sync_val_compare_and_swap(&line->entry[way], entry, 0ULL);
	}
	return 0;
}

enum { WAY_TAKEN = -2, WAY_NONE = -1 };

/* A free way of a line in which no other tuple has the mark. */
static __always_inline int find_way(const struct return_line *line, __u32 mark)
{
	int free = WAY_NONE;

	for (int way = RETURN_WAYS - 1; way >= 0; way--) {
		__u64 entry = READ_ONCE(line->entry[way]);

		if (entry >> 32 == mark)
			return WAY_TAKEN;
		if (!entry)
			free = way;
	}
	return free;
}

/* Whether another entry has the mark: one that another CPU made meanwhile. */
static __always_inline int has_twin(const struct return_line *line, __u32 mark, __u32 own)
{
	for (__u32 way = 0; way < RETURN_WAYS; way++) {
		if (way != own && READ_ONCE(line->entry[way]) >> 32 == mark)
			return 1;
	}
	return 0;
}

/* Enters a tuple for a connection. 0: it is another's, or its line is full. Of two CPUs that want one tuple at once at least one sees
 * the other's entry, after its own, and steps back. */
__noinline int enter_return(__u64 hash, __u32 index)
{
	struct return_line *line = return_line_of(hash);
	__u64 entry = return_entry(hash, index);
	__u32 mark = return_mark(hash);
	int way;

	if (!line)
		return 0;
	way = find_way(line, mark);
	if (way < 0 || __sync_val_compare_and_swap(&line->entry[way & (RETURN_WAYS - 1)], 0ULL, entry))
		return 0;
	if (!has_twin(line, mark, way))
		return 1;
	__sync_val_compare_and_swap(&line->entry[way & (RETURN_WAYS - 1)], entry, 0ULL);
	return 0;
}

/* The connection whose server sends this tuple has it still. */
static __always_inline int answers_to(const struct flow *flow, const struct tuple *key)
{
	const struct local *local = local_of(flow);
	const struct server *server = find_server(flow->server);

	return local && server && flow->local_port == key->destination_port && flow->protocol == key->protocol &&
	       same_address(local->address, key->destination) && server->method == METHOD_FNAT &&
	       port_behind(server, flow) == key->source_port && same_address(server->address, key->source);
}

/* The index of the connection that a FULLNAT server's packet belongs to, and above it the control by which it was found; or NO_RETURN. */
__noinline __u64 find_return(const struct tuple *key)
{
	const struct return_line *line;
	__u64 hash;

	if (!key)
		return NO_RETURN;
	hash = hash_return(key->destination, key->destination_port, key->source, key->source_port, key->protocol);
	line = return_line_of(hash);
	if (!line)
		return NO_RETURN;
	for (int way = 0; way < RETURN_WAYS; way++) {
		__u64 entry = READ_ONCE(line->entry[way]);
		const struct flow *flow;
		__u32 control;

		if (entry >> 32 != return_mark(hash))
			continue;
		flow = flow_at((__u32)entry);
		if (!flow)
			continue;
		control = READ_ONCE(flow->control);
		if (!is_live(control) || !answers_to(flow, key))
			continue;
		control = control_now(flow, control);
		if (control)
			return (__u64)control << 32 | (__u32)entry;
	}
	return NO_RETURN;
}

#endif
