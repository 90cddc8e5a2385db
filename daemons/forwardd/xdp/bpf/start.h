/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet of no connection: which service, which server, and the line that remembers it. */
#ifndef BALLAST_START_H
#define BALLAST_START_H

#include "forward.h"
#include "schedule.h"

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

static __always_inline int same_endpoint(const struct server *a, const struct server *b)
{
	return a && b && a->port == b->port && same_address(a->address, b->address);
}

static __always_inline enum rival judge_rival(const struct flow *mine, const struct server *server, __u32 index, __u32 now)
{
	struct flow *other = flow_at(index);
	struct server *theirs;
	__u32 control;

	if (!other)
		return RIVAL_NONE;
	control = READ_ONCE(other->control);
	if (!is_live(control) || !is_client(other, mine->client, mine->client_port, mine->protocol))
		return RIVAL_NONE;
	if (other->vip_port == mine->vip_port && same_address(other->vip, mine->vip))
		return RIVAL_TWIN;
	theirs = find_server(other->server);
	if (server->method != METHOD_NAT || !theirs || theirs->method != METHOD_NAT || !same_endpoint(theirs, server))
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
	struct flow *mine = flow_at(own);
	struct server *server = mine ? find_server(mine->server) : 0;
	int worst = RIVAL_NONE;

	if (!mine || !server)
		return RIVAL_NONE;
	for (__u32 step = 0; step < FLOW_CANDIDATES; step++) {
		__u32 index = flow_candidate(hash, step, flow_buckets);
		int rival = index == own ? RIVAL_NONE : judge_rival(mine, server, index, now);

		if (rival == RIVAL_TWIN)
			return rival;
		if (rival != RIVAL_NONE)
			worst = rival;
	}
	return worst;
}

static __always_inline void fill_line(struct flow *flow, const struct packet *p, __u32 server_index, const struct server *server,
				      const struct service *service, __u8 state, __u32 now)
{
	flow->last_seen = now;
	flow->lifetime = timeout_of(service, state);
	flow->server = server_index;
	copy_address(flow->client, p->key.source);
	copy_address(flow->vip, p->key.destination);
	flow->client_port = p->key.source_port;
	flow->vip_port = p->key.destination_port;
	flow->protocol = p->key.protocol;
	flow->server_generation = server->generation;
	flow->hop = sees_answers(server) ? hop_back(p, now) : 0;
	flow->route_generation = route_generation() - 1;
}

static __always_inline __u8 first_state(const struct packet *p)
{
	if (p->key.protocol != IPPROTO_TCP)
		return STATE_UDP_NEW;
	return p->tcp_flags & TCP_SYN ? STATE_SYN_RECV : STATE_ESTABLISHED;
}

/* Enters the connection; or why not. */
static __always_inline int enter(struct packet *p, __u64 hash, __u32 server_index, const struct server *server, __u32 now)
{
	const struct service *service;
	struct flow *flow;
	__u32 index;
	int rival;

	service = find_service(server->service);
	index = claim_line(hash, now);
	flow = index == NO_LINE ? 0 : flow_at(index);
	if (!flow || !service)
		return DROP_table_full;
	fill_line(flow, p, server_index, server, service, first_state(p), now);
	publish(flow, first_state(p));
	rival = find_rival(hash, index, now);
	if (rival == RIVAL_NONE)
		return DROP_COUNT;
	take_line(index, READ_ONCE(flow->control), STATE_FREE);
	return rival == RIVAL_TWIN ? DROP_raced : DROP_tuple_taken;
}

/* Two attempts: the second where the first server would answer two of the client's connections from one endpoint. */
static __always_inline int connect_to_server(struct packet *p, __u64 hash, __u32 service_index, __u32 now)
{
	__u32 taken = 0;

	for (int attempt = 0; attempt < 2; attempt++) {
		__u32 index = schedule(&p->key, service_index, taken);
		struct server *server = index ? find_server(index) : 0;
		int outcome;

		if (!server)
			return drop(taken ? DROP_tuple_taken : DROP_no_server);
		NOTE(server, index);
		if (!(server->flags & SERVER_REACHABLE))
			return drop(DROP_unreachable);
		outcome = tracing ? DROP_COUNT : enter(p, hash, index, server, now);
		if (outcome == DROP_COUNT)
			return towards_server(p, index, server, 1);
		if (outcome != DROP_tuple_taken)
			return drop(outcome);
		taken = index;
	}
	return drop(DROP_tuple_taken);
}

/* ops: UDP whose every packet is on its own. */
static __always_inline int forward_one_packet(struct packet *p, __u32 service_index)
{
	__u32 index = schedule(&p->key, service_index, 0);
	struct server *server = index ? find_server(index) : 0;

	if (!server)
		return drop(DROP_no_server);
	return towards_server(p, index, server, 1);
}

static __always_inline int is_plain_syn(const struct packet *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

static __always_inline int may_start(const struct packet *p, const struct service *service)
{
	if (p->key.protocol != IPPROTO_TCP || is_plain_syn(p))
		return 1;
	return (service->flags & SERVICE_SLOPPY) && !(p->tcp_flags & (TCP_SYN | TCP_RST | TCP_FIN));
}

/* stale: it had a connection whose server is gone. */
static __noinline int start(struct packet *p, __u64 hash, int stale, __u32 now)
{
	struct service *service;
	__u32 index;

	if (!p)
		return XDP_PASS;
	index = find_service_index(&p->key);
	service = index ? find_service(index) : 0;
	if (!service) {
		NOTE(no_service, 0);
		return XDP_PASS;
	}
	NOTE(service, index);
	if (!service->used || !is_forwarding(service->role)) {
		NOTE(standby, 0);
		return XDP_PASS;
	}
	if (!may_start(p, service))
		return drop(stale ? DROP_server_gone : DROP_no_connection);
	if ((service->flags & SERVICE_ONE_PACKET) && p->key.protocol == IPPROTO_UDP)
		return forward_one_packet(p, index);
	return connect_to_server(p, hash, index, now);
}

#endif
