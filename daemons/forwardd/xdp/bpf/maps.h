/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps that layout.h describes. forwardd sets their sizes before loading. */
#ifndef BALLAST_MAPS_H
#define BALLAST_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"

#define MAX_SERVICES 4096
#define MAX_SERVERS 16384
#define MAX_ROLES 1024

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
ARRAY_OF(server_load, BPF_MAP_TYPE_ARRAY, MAX_SERVERS, struct server_load, BPF_F_MMAPABLE);
ARRAY_OF(census, BPF_MAP_TYPE_ARRAY, MAX_SERVERS, struct server_load, BPF_F_MMAPABLE);
ARRAY_OF(server_stats, BPF_MAP_TYPE_PERCPU_ARRAY, MAX_SERVERS, struct server_stats, 0);
ARRAY_OF(drops, BPF_MAP_TYPE_PERCPU_ARRAY, DROP_COUNT, __u64, 0);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * MAX_SERVICES);
	__type(key, struct service_key);
	__type(value, __u32);
} service_index SEC(".maps");

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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow_key);
	__type(value, struct flow);
} half_open SEC(".maps");

static __always_inline int drop(enum drop_reason reason)
{
	__u32 index = reason;
	__u64 *count = bpf_map_lookup_elem(&drops, &index);

	if (count)
		*count += 1;
	return XDP_DROP;
}

static __always_inline struct server *find_server(__u32 index)
{
	return bpf_map_lookup_elem(&servers, &index);
}

/* CLOCK_MONOTONIC_COARSE in seconds: what last_seen counts. */
static __always_inline __u32 seconds_now(void)
{
	return bpf_ktime_get_coarse_ns() / 1000000000ULL;
}

#endif
