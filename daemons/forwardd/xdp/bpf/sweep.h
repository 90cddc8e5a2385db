/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Deletes what is past its time and counts what is left, in the kernel, however many connections there are. */
#ifndef BALLAST_SWEEP_H
#define BALLAST_SWEEP_H

#include "connection.h"
#include "persistence.h"

static long sweep_zero(void *map, __u32 *index, struct server_load *load, void *unused)
{
	load->active = 0;
	load->inactive = 0;
	return 0;
}

/* A connection lives while its server is the same and its time is not up. */
static __always_inline int is_alive(const struct flow *flow, __u32 now)
{
	return is_servers(flow, find_server(flow->server)) && !is_expired(flow, now);
}

static __always_inline void census_add(const struct flow *flow, enum load_class class)
{
	__u32 index = flow->server;
	struct server_load *load = bpf_map_lookup_elem(&census, &index);

	if (!load)
		return;
	if (class == LOAD_ACTIVE)
		load->active++;
	else if (class == LOAD_INACTIVE)
		load->inactive++;
}

static __always_inline void keep_hop(__u32 index, __u32 now)
{
	struct hop *hop = index ? bpf_map_lookup_elem(&hops, &index) : 0;

	if (hop && hop->last_used != now)
		hop->last_used = now;
}

static long sweep_flow(void *map, __u32 *index, struct flow *flow, struct sweep_result *result)
{
	__u32 control = READ_ONCE(flow->control);
	__u8 state = CONTROL_STATE(control);

	if (state <= STATE_BUSY)
		return 0;
	if (!is_alive(flow, result->now)) {
		result->expired += take_line(*index, control, STATE_FREE);
		return 0;
	}
	census_add(flow, class_of(state));
	keep_hop(flow->hop, result->now);
	keep_persistence(*index, result->now);
	if (is_half_open(state))
		result->half_open++;
	else
		result->flows++;
	return 0;
}

static long sweep_hop(void *map, __u32 *index, struct hop *hop, struct sweep_result *result)
{
	__u32 used = READ_ONCE(hop->last_used);

	if (hop->state != HOP_READY || result->now <= used || result->now - used < HOP_KEPT)
		return 0;
	hop->state = HOP_FREE;
	return 0;
}

SEC("syscall")
int ballast_sweep(struct sweep_result *told)
{
	struct sweep_result result = {};

	result.now = told->now ? told->now : bpf_ktime_get_ns() / 1000000000ULL;
	bpf_for_each_map_elem(&census, sweep_zero, &result, 0);
	bpf_for_each_map_elem(&flows, sweep_flow, &result, 0);
	bpf_for_each_map_elem(&hops, sweep_hop, &result, 0);
	told->flows = result.flows;
	told->half_open = result.half_open;
	told->expired = result.expired;
	return 0;
}

#endif
