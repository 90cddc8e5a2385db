/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The sweep: removes what is past its time and counts what is left, in the kernel, however many connections there are. */
#ifndef BALLAST_SWEEP_H
#define BALLAST_SWEEP_H

#include "connection.h"

/* A REPLY entry is made before its FORWARD entry: so many seconds it may be without. */
enum { REPLY_ALONE = 2 };

struct sweep {
	struct sweep_result result;
	__u32 in_flows;
};

static long sweep_zero(void *map, __u32 *index, struct server_load *load, void *unused)
{
	load->active = 0;
	load->inactive = 0;
	return 0;
}

/* A FORWARD entry lives while its server is the same and its time is not up; a REPLY entry as long as its FORWARD. */
static __always_inline int is_alive(const struct flow *flow, __u32 now)
{
	struct server *server = find_server(flow->server);
	__u32 index = flow->service;
	struct service *service = bpf_map_lookup_elem(&services, &index);

	return service && service->used && is_servers(flow, server) && !is_expired(flow, service, now);
}

static __always_inline void census_add(const struct flow *flow)
{
	__u32 index = flow->server;
	struct server_load *load = bpf_map_lookup_elem(&census, &index);

	if (!load)
		return;
	if (flow->counted == COUNTED_ACTIVE)
		load->active++;
	else if (flow->counted == COUNTED_INACTIVE)
		load->inactive++;
}

static long sweep_entry(void *map, struct flow_key *key, struct flow *flow, struct sweep *sweep)
{
	struct flow last = *flow;
	struct flow_key forward_key;
	struct flow *forward;

	if (last.kind == FLOW_REPLY) {
		forward_key_of(&forward_key, key, &last);
		forward = find_flow(&forward_key);
		if (!forward) /* it may have moved from half_open to flows between the two look-ups */
			forward = bpf_map_lookup_elem(&flows, &forward_key);
		if (forward && forward->server == last.server ? !is_alive(forward, sweep->result.now)
							      : is_idle(&last, REPLY_ALONE, sweep->result.now))
			delete_flow(key);
		return 0;
	}
	if (is_alive(&last, sweep->result.now)) {
		census_add(&last);
		if (sweep->in_flows)
			sweep->result.flows++;
		else
			sweep->result.half_open++;
		return 0;
	}
	sweep->result.expired++;
	if (delete_flow(key)) {
		struct server *server = find_server(last.server);

		if (server && server->generation == last.server_generation)
			count_as(&last, COUNTED_NOT);
	}
	return 0;
}

SEC("syscall")
int ballast_sweep(struct sweep_result *result)
{
	struct sweep sweep = {};

	sweep.result.now = result->now ? result->now : bpf_ktime_get_ns() / 1000000000ULL;
	bpf_for_each_map_elem(&census, sweep_zero, &sweep, 0);
	sweep.in_flows = 1;
	bpf_for_each_map_elem(&flows, sweep_entry, &sweep, 0);
	sweep.in_flows = 0;
	bpf_for_each_map_elem(&half_open, sweep_entry, &sweep, 0);
	result->flows = sweep.result.flows;
	result->half_open = sweep.result.half_open;
	result->expired = sweep.result.expired;
	return 0;
}

#endif
