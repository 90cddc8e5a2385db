/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Connections: look-up, life, TCP states, and the counts of each server. */
#ifndef BALLAST_CONNECTION_H
#define BALLAST_CONNECTION_H

#include "maps.h"
#include "parse.h"

enum counted { COUNTED_NOT, COUNTED_ACTIVE, COUNTED_INACTIVE };

static __always_inline __u32 timeout_of(const struct service *service, __u8 state)
{
	switch (state) {
	case STATE_UDP: return service->timeout_udp;
	case STATE_SYN_RECV:
	case STATE_SYN_ACK: return 60;
	case STATE_ESTABLISHED: return service->timeout_tcp;
	case STATE_CLOSE_WAIT: return 60;
	case STATE_LAST_ACK: return 30;
	case STATE_CLOSE: return 10;
	default: return service->timeout_tcp_fin;
	}
}

/* Another CPU may have seen a later second than this one. */
static __always_inline int is_idle(const struct flow *flow, __u32 seconds, __u32 now)
{
	return now > flow->last_seen && now - flow->last_seen > seconds;
}

static __always_inline int is_expired(const struct flow *flow, const struct service *service, __u32 now)
{
	return is_idle(flow, timeout_of(service, flow->state), now);
}

/* Moves a connection from one of its server's counts to another. */
static __always_inline void count_as(struct flow *flow, __u8 counted)
{
	__u32 index = flow->server;
	struct server_load *load;

	if (flow->counted == counted)
		return;
	load = bpf_map_lookup_elem(&server_load, &index);
	if (!load)
		return;
	if (flow->counted == COUNTED_ACTIVE)
		__sync_fetch_and_sub(&load->active, 1);
	else if (flow->counted == COUNTED_INACTIVE)
		__sync_fetch_and_sub(&load->inactive, 1);
	if (counted == COUNTED_ACTIVE)
		__sync_fetch_and_add(&load->active, 1);
	else if (counted == COUNTED_INACTIVE)
		__sync_fetch_and_add(&load->inactive, 1);
	flow->counted = counted;
}

/* The server's index is its own still: it was not removed, and is no other's. */
static __always_inline int is_servers(const struct flow *flow, const struct server *server)
{
	return server && server->generation == flow->server_generation && (server->flags & SERVER_USED);
}

static __always_inline void reply_key_of(struct flow_key *reply, const struct flow_key *forward,
					 const struct server *server)
{
	copy_address(reply->source, server->address);
	copy_address(reply->destination, forward->source);
	reply->source_port = server->port;
	reply->destination_port = forward->source_port;
	reply->protocol = forward->protocol;
	reply->pad[0] = reply->pad[1] = reply->pad[2] = 0;
}

static __always_inline void forward_key_of(struct flow_key *forward, const struct flow_key *reply,
					   const struct flow *flow)
{
	copy_address(forward->source, reply->destination);
	copy_address(forward->destination, flow->vip);
	forward->source_port = reply->destination_port;
	forward->destination_port = flow->vip_port;
	forward->protocol = reply->protocol;
	forward->pad[0] = forward->pad[1] = forward->pad[2] = 0;
}

static __always_inline struct flow *find_flow(const struct flow_key *key)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);

	return flow ? flow : bpf_map_lookup_elem(&half_open, key);
}

static __always_inline long delete_flow(const struct flow_key *key)
{
	long in_flows = bpf_map_delete_elem(&flows, key);
	long in_half_open = bpf_map_delete_elem(&half_open, key);

	return in_flows == 0 || in_half_open == 0;
}

/* Ends a connection by its FORWARD entry; whoever really deletes it undoes its count. */
static __noinline int remove_connection(struct flow_key *key, struct flow *flow)
{
	struct flow_key reply;
	struct server *server;
	struct flow last;

	if (!key || !flow)
		return 0;
	last = *flow;
	server = find_server(last.server);
	if (!server || server->generation != last.server_generation) {
		delete_flow(key); /* the counts at its index are another server's now */
		return 0;
	}
	if (server->method == METHOD_NAT) {
		reply_key_of(&reply, key, server);
		delete_flow(&reply);
	}
	if (delete_flow(key))
		count_as(&last, COUNTED_NOT);
	return 0;
}

static __noinline int promote_entry(struct flow_key *key)
{
	struct flow *entry;
	struct flow copy;

	if (!key)
		return 0;
	entry = bpf_map_lookup_elem(&half_open, key);
	if (!entry)
		return 0;
	copy = *entry;
	if (bpf_map_update_elem(&flows, key, &copy, BPF_ANY)) {
		drop(DROP_table_full);
		return 0;
	}
	bpf_map_delete_elem(&half_open, key);
	return 1;
}

/* Somebody is there: from the half-open to the established table. Where that one is full it stays, and is counted. */
static __always_inline void promote(struct flow_key *key, const struct server *server)
{
	struct flow_key reply;

	if (!promote_entry(key) || server->method != METHOD_NAT)
		return;
	reply_key_of(&reply, key, server);
	promote_entry(&reply);
}

/* The next TCP state, as IPVS's tables have it: with answers seen (NAT), states are the server's; without (DR), FIN_WAIT is all
 * that the client's side tells. from_server: the packet is an answer. */
static __always_inline __u8 next_state(__u8 state, __u8 flags, int from_server, int sees_answers)
{
	if (flags & TCP_RST)
		return from_server && state == STATE_TIME_WAIT ? state : STATE_CLOSE;
	if (flags & TCP_SYN)
		return from_server && state == STATE_SYN_RECV ? STATE_SYN_ACK : state;
	if (!from_server && (flags & TCP_ACK) &&
	    (state == STATE_SYN_ACK || (state == STATE_SYN_RECV && !sees_answers)))
		state = STATE_ESTABLISHED;
	if (!(flags & TCP_FIN))
		return state;
	switch (state) {
	case STATE_ESTABLISHED: return from_server || !sees_answers ? STATE_FIN_WAIT : STATE_CLOSE_WAIT;
	case STATE_FIN_WAIT: return from_server || !sees_answers ? state : STATE_TIME_WAIT;
	case STATE_CLOSE_WAIT: return from_server ? STATE_TIME_WAIT : state;
	default: return state;
	}
}

static __always_inline int is_half_open(__u8 state)
{
	return state == STATE_SYN_RECV || state == STATE_SYN_ACK;
}

#endif
