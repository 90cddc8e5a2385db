/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet of no connection: which service, which server, and the line that remembers it. */
#ifndef BALLAST_START_H
#define BALLAST_START_H

#include "forward.h"
#include "persistence.h"

static __always_inline __u32 find_service_index(const struct tuple *key)
{
	struct service_key name = {};
	__u32 *found;

	copy_address(name.address, key->destination);
	name.port = key->destination_port;
	name.protocol = key->protocol;
	found = bpf_map_lookup_elem(&service_index, &name);
	if (!found) {
		name.port = 0;
		found = bpf_map_lookup_elem(&service_index, &name);
	}
	return found ? *found : 0;
}

enum rival { RIVAL_NONE, RIVAL_TWIN, RIVAL_TUPLE };

__noinline int judge_rival(__u32 own, __u32 index, __u32 now)
{
	struct flow *mine = flow_at(own);
	struct flow *other = flow_at(index);
	struct server *server = mine ? find_server(mine->server) : 0;
	struct server *theirs;
	__u32 control;

	if (!other || !server || own == index)
		return RIVAL_NONE;
	control = READ_ONCE(other->control);
	if (!is_live(control) || !is_client(other, mine->client, mine->client_port, mine->protocol))
		return RIVAL_NONE;
	if (other->vip_port == mine->vip_port && same_address(other->vip, mine->vip))
		return RIVAL_TWIN;
	theirs = find_server(other->server);
	if (server->method != METHOD_NAT || !theirs || theirs->method != METHOD_NAT || 
	    port_behind(theirs, other) != port_behind(server, mine) || !same_address(theirs->address, server->address))
		return RIVAL_NONE;
	if (!is_closing(CONTROL_STATE(control)) && is_servers(other, theirs) && !is_expired(other, now))
		return RIVAL_TUPLE;
	take_line(index, control, STATE_FREE);
	return RIVAL_NONE;
}

/* What stands in the way of a line just published: the same connection made by another CPU meanwhile (of two, neither may stay),
 * or another of this client with the same NAT server, whose answers could not be told from ours. */
__noinline int find_rival(__u64 hash, __u32 own, __u32 now)
{
	const struct flow *mine = flow_at(own);
	int worst = RIVAL_NONE;

	if (!mine)
		return RIVAL_NONE;
	for (__u32 step = 0; step < FLOW_CANDIDATES; step++) {
		__u32 index = flow_candidate(hash, step, flow_buckets);
		const struct flow *other = flow_at(index);
		int rival;

		if (!other || other->client_port != mine->client_port || index == own)
			continue;
		rival = judge_rival(own, index, now);
		if (rival == RIVAL_TWIN)
			return rival;
		if (rival != RIVAL_NONE)
			worst = rival;
	}
	return worst;
}

static __always_inline void fill_line(struct flow *flow, const struct tuple *key, const struct server *server,
				      const struct service *service, __u8 state, __u32 now)
{
	flow->last_seen = now;
	flow->lifetime = timeout_of(service, state);
	copy_address(flow->client, key->source);
	copy_address(flow->vip, key->destination);
	flow->client_port = key->source_port;
	flow->vip_port = key->destination_port;
	flow->protocol = key->protocol;
	flow->server_generation = server->generation;
	flow->route_generation = route_generation() - 1;
}

/* What there is to know of a packet that may start a connection. */
struct arrival {
	__u64 hash;
	__u32 now;
	__u8 tcp_flags;
	__u8 stale;     /* it had a connection whose server is gone */
	__u16 pad;
	__u32 sequence; /* of a TCP packet */
	__u32 line;     /* out: where the connection was entered */
	struct hop hop; /* the way that it came */
};

/* Not on the stack, of which a chain of calls has 512 bytes only. */
ARRAY_OF(arrivals, BPF_MAP_TYPE_PERCPU_ARRAY, 1, struct arrival, 0);

static __always_inline __u8 first_state(const struct tuple *key, const struct arrival *arrival)
{
	if (key->protocol != IPPROTO_TCP)
		return STATE_UDP_NEW;
	return arrival->tcp_flags & TCP_SYN ? STATE_SYN_RECV : STATE_ESTABLISHED;
}

/* Enters the connection. DROP_COUNT: done; else why not. */
__noinline int enter(const struct tuple *key, struct arrival *arrival, __u32 server_index)
{
	struct server *server = find_server(server_index);
	struct service *service = server ? find_service(server->service) : 0;
	struct flow *flow;
	__u32 index;
	int flags = 0;
	__u8 state;
	int rival;

	if (!key || !arrival || !service)
		return DROP_raced;
	index = claim_line(arrival->hash, arrival->now);
	flow = index == NO_LINE ? 0 : flow_at(index);
	if (!flow)
		return DROP_table_full;
	state = first_state(key, arrival);
	fill_line(flow, key, server, service, state, arrival->now);
	flow->server = server_index;
	flow->hop = server->method != METHOD_DR ? hop_number(&arrival->hop, arrival->now) : 0;
	if (server->method == METHOD_FNAT) {
		flags = borrow_local(index) ? prepare_full_nat(index, arrival->tcp_flags, arrival->sequence) : -1;
		if (flags < 0) {
			give_back(flow);
			return DROP_no_local_port;
		}
	}
	publish(flow, state, flags);
	arrival->line = index;
	rival = find_rival(arrival->hash, index, arrival->now);
	if (rival == RIVAL_NONE)
		return DROP_COUNT;
	take_line(index, READ_ONCE(flow->control), STATE_FREE);
	return rival == RIVAL_TWIN ? DROP_raced : DROP_tuple_taken;
}

enum { START_PASS = 0, START_DROP = -1 };

/* The server of the new connection; or START_DROP, counted. Two attempts: the second where the first server would answer two of the
 * client's connections from one endpoint. */
static __always_inline int connect_to_server(const struct tuple *key, struct arrival *arrival, __u32 service_index)
{
	__u32 taken = 0;

	for (int attempt = 0; attempt < 2; attempt++) {
		__u32 index = choose_server(key, service_index, taken, arrival->now);
		struct server *server = index ? find_server(index) : 0;
		int outcome = DROP_COUNT;

		if (!server)
			outcome = taken ? DROP_tuple_taken : DROP_no_server;
		else if (!(server->flags & SERVER_REACHABLE))
			outcome = DROP_unreachable;
		else if (!tracing)
			outcome = enter(key, arrival, index);
		if (outcome == DROP_COUNT)
			return index;
		if (outcome != DROP_tuple_taken || attempt || !server) {
			drop(outcome);
			return START_DROP;
		}
		taken = index;
	}
	return START_DROP;
}

static __always_inline int may_start(const struct tuple *key, __u8 flags, const struct service *service)
{
	if (key->protocol != IPPROTO_TCP || is_plain_syn(flags))
		return 1;
	return (service->flags & SERVICE_SLOPPY) && !(flags & (TCP_SYN | TCP_RST | TCP_FIN));
}

/* A packet of no connection: the server that it goes to, START_PASS, or START_DROP, counted. */
__noinline int start(const struct tuple *key, struct arrival *arrival)
{
	struct service *service;
	__u32 index;

	if (!key || !arrival)
		return START_PASS;
	index = find_service_index(key);
	service = index ? find_service(index) : 0;
	if (!service) {
		NOTE(no_service, 0);
		return START_PASS;
	}
	NOTE(service, index);
	if (!service->used || !is_forwarding(service->role)) {
		NOTE(standby, 0);
		return START_PASS;
	}
	if (!may_start(key, arrival->tcp_flags, service)) {
		drop(arrival->stale ? DROP_server_gone : DROP_no_connection);
		return START_DROP;
	}
	if (!(service->flags & SERVICE_ONE_PACKET) || key->protocol != IPPROTO_UDP)
		return connect_to_server(key, arrival, index);
	index = schedule(key, index, 0);
	if (index)
		return index;
	drop(DROP_no_server);
	return START_DROP;
}

#endif
