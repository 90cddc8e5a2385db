/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps that layout.h describes. forwardd sets their sizes, and what is constant while a program lives, before loading. */
#ifndef BALLAST_MAPS_H
#define BALLAST_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"

#define MAX_SERVICES 4096
#define MAX_SERVERS 16384
#define MAX_ROLES 1024
#define MAX_LOCALS 16384

/* Constants: the verifier removes what they rule out. */
const volatile __u64 hash_seed[2] = {0, 0}; /* settings.seed */
const volatile __u32 flow_buckets = 1;      /* lines of `flows` / FLOW_WAYS */
const volatile __u32 return_lines = 1;
const volatile __u8 tracing = 0; /* this program tells what it would do and changes nothing but the packet */

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))

#define ARRAY_OF(map_name, map_type, entries, value_type, map_flag) \
	struct { \
		__uint(type, map_type); \
		__uint(max_entries, entries); \
		__uint(map_flags, map_flag); \
		__type(key, __u32); \
		__type(value, value_type); \
	} map_name SEC(".maps")

ARRAY_OF(filters, BPF_MAP_TYPE_ARRAY, 1, struct filters, 0);
ARRAY_OF(settings, BPF_MAP_TYPE_ARRAY, 1, struct settings, 0);
ARRAY_OF(roles, BPF_MAP_TYPE_ARRAY, MAX_ROLES, __u32, 0);
ARRAY_OF(services, BPF_MAP_TYPE_ARRAY, MAX_SERVICES, struct service, 0);
ARRAY_OF(cursors, BPF_MAP_TYPE_ARRAY, MAX_SERVICES, struct cursor, 0);
ARRAY_OF(servers, BPF_MAP_TYPE_ARRAY, MAX_SERVERS, struct server, 0);
ARRAY_OF(server_extras, BPF_MAP_TYPE_ARRAY, MAX_SERVERS, struct server_extra, 0);
ARRAY_OF(server_load, BPF_MAP_TYPE_ARRAY, MAX_SERVERS, struct server_load, BPF_F_MMAPABLE);
ARRAY_OF(census, BPF_MAP_TYPE_ARRAY, MAX_SERVERS, struct server_load, BPF_F_MMAPABLE);
ARRAY_OF(server_stats, BPF_MAP_TYPE_PERCPU_ARRAY, MAX_SERVERS, struct server_stats, 0);
ARRAY_OF(failed_clients, BPF_MAP_TYPE_ARRAY, MAX_SERVERS, __u64, BPF_F_MMAPABLE);
ARRAY_OF(locals, BPF_MAP_TYPE_ARRAY, MAX_LOCALS, struct local, 0);
ARRAY_OF(flows, BPF_MAP_TYPE_ARRAY, FLOW_WAYS, struct flow, BPF_F_MMAPABLE);
ARRAY_OF(returns, BPF_MAP_TYPE_ARRAY, 1, struct return_line, BPF_F_MMAPABLE);
ARRAY_OF(hops, BPF_MAP_TYPE_ARRAY, HOPS, struct hop, 0);
ARRAY_OF(drops, BPF_MAP_TYPE_PERCPU_ARRAY, DROP_COUNT, __u64, 0);
ARRAY_OF(events, BPF_MAP_TYPE_PERCPU_ARRAY, EVENT_COUNT, __u64, 0);
ARRAY_OF(trace, BPF_MAP_TYPE_ARRAY, 1, struct trace, 0);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, __u32);
} service_index SEC(".maps");

#define MAX_PERSISTENT_CLIENTS 131072
#define MAX_LOCALITIES 16384

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_PERSISTENT_CLIENTS);
	__type(key, struct persistence_key);
	__type(value, struct persistence_entry);
} persistence SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_LOCALITIES);
	__type(key, struct locality_key);
	__type(value, struct locality_entry);
} locality SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FLOW_WAYS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct flow_detail);
} flow_details SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_UPPERS);
	__type(key, __u32);
	__type(value, struct upper);
} uppers SEC(".maps");

struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MAX_SERVICES);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps");

/* Notes a step for `ballastctl trace`. */
static __noinline int note_step(__u32 step, __u32 value)
{
	__u32 zero = 0;
	struct trace *to = bpf_map_lookup_elem(&trace, &zero);
	__u32 at;

	if (!to)
		return 0;
	at = to->length;
	if (at >= TRACE_LENGTH)
		return 0;
	to->steps[at].step = step;
	to->steps[at].value = value;
	to->length = at + 1;
	return 0;
}

#define NOTE(step, value) \
	do { \
		if (tracing) \
			note_step(TRACE_##step, value); \
	} while (0)

static __always_inline void count_event(enum event event)
{
	__u32 index = event;
	__u64 *count = tracing ? 0 : bpf_map_lookup_elem(&events, &index);

	if (count)
		*count += 1;
}

static __always_inline int drop(enum drop_reason reason)
{
	__u32 index = reason;
	__u64 *count = tracing ? 0 : bpf_map_lookup_elem(&drops, &index);

	NOTE(dropped, reason);
	if (count)
		*count += 1;
	return XDP_DROP;
}

/* Of one of struct filters' sets; errs towards yes. */
static __always_inline int test_bit(const __u8 *bits, const __u8 *address)
{
	__u32 hash = address_hash((const __u32 *)address);

	return bits[hash >> 3] & (1 << (hash & 7));
}

static __always_inline struct server *find_server(__u32 index)
{
	return bpf_map_lookup_elem(&servers, &index);
}

static __always_inline struct service *find_service(__u32 index)
{
	return bpf_map_lookup_elem(&services, &index);
}

static __always_inline struct flow *flow_at(__u32 index)
{
	return bpf_map_lookup_elem(&flows, &index);
}

static __always_inline int is_live(__u32 control)
{
	return CONTROL_STATE(control) > STATE_BUSY;
}

/* A line's control now, while the connection is the one that it was when its control was read: a packet of the other side changes state
 * and flags at any moment. 0: that one has ended. */
static __always_inline __u32 control_now(const struct flow *flow, __u32 control)
{
	__u32 now = READ_ONCE(flow->control);

	return is_live(now) && CONTROL_USE(now) == CONTROL_USE(control) ? now : 0;
}

/* Where a server listens: a port of its own, or that of the VIP. */
static __always_inline __be16 port_behind(const struct server *server, const struct flow *flow)
{
	return server->port ? server->port : flow->vip_port;
}

static __always_inline int is_forwarding(__u32 role)
{
	__u32 *on = bpf_map_lookup_elem(&roles, &role);

	return on && *on;
}

static __always_inline __u32 route_generation(void)
{
	__u32 zero = 0;
	struct settings *current = bpf_map_lookup_elem(&settings, &zero);

	return current ? current->route_generation : 0;
}

/* CLOCK_MONOTONIC_COARSE in seconds: what last_seen counts. */
static __always_inline __u32 seconds_now(void)
{
	return bpf_ktime_get_coarse_ns() / 1000000000ULL;
}

#endif
