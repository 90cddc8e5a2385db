/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet's way: is it for a VIP or from a NAT server; which connection; if none, which server; rewrite; send. */
#include "connection.h"
#include "maps.h"
#include "parse.h"
#include "rewrite.h"
#include "schedule.h"
#include "sweep.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

static __always_inline int test_bit(const __u8 *bits, const __u8 *address)
{
	__u32 hash = address_hash((const __u32 *)address);

	return bits[hash >> 3] & (1 << (hash & 7));
}

static __always_inline struct service *forwarding_service(__u32 index)
{
	struct service *service = bpf_map_lookup_elem(&services, &index);
	__u32 *role;
	__u32 role_index;

	if (!service || !service->used)
		return 0;
	role_index = service->role;
	role = bpf_map_lookup_elem(&roles, &role_index);
	return role && *role ? service : 0;
}

/* Port and protocol 0 name the VIP itself. */
static __always_inline int is_vip(const struct flow_key *key)
{
	struct service_key name = {};

	copy_address(name.address, key->destination);
	return bpf_map_lookup_elem(&service_index, &name) != 0;
}

static __always_inline int towards_server(struct packet *p, __u32 index, const struct server *server, int is_new)
{
	if (!(server->flags & SERVER_REACHABLE))
		return drop(DROP_unreachable);
	if (server->method == METHOD_NAT) {
		if (!decrement_ttl(p))
			return drop(DROP_ttl);
		rewrite(p, 0, server->address, server->port);
	}
	count_packet(index, p->length, 0, is_new);
	return send(p, server->ifindex, server->source_mac, server->destination_mac);
}

/* The tuple by which this server answers is free for the connection, or becomes so: what is left of one that is over goes. 0: it
 * belongs to another connection of this client with this server. Apart from put_reply, whose frame would add to those of the calls
 * from here: a chain has 512 bytes, and Linux 6.1 counts each frame in steps of 32. */
static __noinline int claim_tuple(struct packet *p, const struct flow *forward, const struct server *server)
{
	struct flow_key key, other_key;
	struct flow *reply, *other;
	struct service *service;
	__u32 index;

	reply_key_of(&key, &p->key, server);
	reply = find_flow(&key);
	if (!reply || (reply->vip_port == p->key.destination_port && same_address(reply->vip, p->key.destination)))
		return 1;
	forward_key_of(&other_key, &key, reply);
	other = find_flow(&other_key);
	if (!other || other->server != reply->server || other->server_generation != reply->server_generation)
		return 1;
	index = other->service;
	service = bpf_map_lookup_elem(&services, &index);
	if (service && other->state < STATE_TIME_WAIT && is_servers(other, find_server(other->server)) &&
	    !is_expired(other, service, forward->last_seen))
		return 0;
	remove_connection(&other_key, other);
	return 1;
}

/* The REPLY entry, with the way the client's packet came as its next hop until the routes have been asked. */
static __noinline int put_reply(struct packet *p, const struct flow *forward, const struct server *server)
{
	struct flow_key key;
	struct flow reply = *forward;

	reply_key_of(&key, &p->key, server);
	reply.kind = FLOW_REPLY;
	reply.counted = COUNTED_NOT;
	reply.ifindex = p->ctx->ingress_ifindex;
	__builtin_memcpy(reply.source_mac, p->eth->h_dest, 6);
	__builtin_memcpy(reply.destination_mac, p->eth->h_source, 6);
	copy_address(reply.vip, p->key.destination);
	reply.vip_port = p->key.destination_port;
	reply.client_port = p->key.source_port;
	bpf_map_delete_elem(&flows, &key);
	bpf_map_update_elem(&half_open, &key, &reply, BPF_ANY);
	return 1;
}

/* 0: the tuple is another connection's. */
static __always_inline int insert_reply(struct packet *p, const struct flow *forward, const struct server *server)
{
	return claim_tuple(p, forward, server) && put_reply(p, forward, server);
}

/* The half-open table may have evicted the REPLY entry alone. */
static __always_inline void restore_reply(struct packet *p, const struct flow *forward, const struct server *server)
{
	struct flow_key key;

	if (server->method != METHOD_NAT)
		return;
	reply_key_of(&key, &p->key, server);
	if (!find_flow(&key))
		insert_reply(p, forward, server);
}

static __always_inline int new_connection(struct packet *p, __u32 service_index, __u32 now)
{
	struct flow flow = {.service = service_index, .last_seen = now, .kind = FLOW_FORWARD};
	struct server *server = 0;
	__u32 taken = 0;

	flow.state = p->key.protocol == IPPROTO_TCP ? STATE_SYN_RECV : STATE_UDP;
	copy_address(flow.vip, p->key.destination);
	flow.vip_port = p->key.destination_port;
	flow.client_port = p->key.source_port;
	for (int attempt = 0; attempt < 2; attempt++) {
		flow.server = schedule(&p->key, service_index, taken);
		server = flow.server ? find_server(flow.server) : 0;
		if (!server)
			return drop(taken ? DROP_tuple_taken : DROP_no_server);
		if (!(server->flags & SERVER_REACHABLE))
			return drop(DROP_unreachable);
		flow.server_generation = server->generation;
		if (server->method != METHOD_NAT || insert_reply(p, &flow, server))
			break;
		taken = flow.server;
		server = 0;
	}
	if (!server)
		return drop(DROP_tuple_taken);
	count_as(&flow, COUNTED_INACTIVE);
	if (bpf_map_update_elem(&half_open, &p->key, &flow, BPF_NOEXIST)) {
		/* Another CPU was first with this very tuple: the client sends again and meets its entry. */
		count_as(&flow, COUNTED_NOT);
		return drop(DROP_raced);
	}
	return towards_server(p, flow.server, server, 1);
}

/* Goes on with a known connection; -1: it is none any more, and the packet may start a new one. */
static __always_inline int known_connection(struct packet *p, struct flow *flow, __u32 now)
{
	struct server *server = find_server(flow->server);
	struct service *service = forwarding_service(flow->service);
	int is_tcp = p->key.protocol == IPPROTO_TCP;
	int is_syn = is_tcp && (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	__u32 server_index = flow->server;
	int proved = 0;
	__u8 state;

	if (!service)
		return XDP_PASS;
	if (!is_servers(flow, server)) {
		remove_connection(&p->key, flow);
		return is_syn || !is_tcp ? -1 : drop(DROP_server_gone);
	}
	if (is_expired(flow, service, now) || (is_syn && flow->state >= STATE_FIN_WAIT)) {
		remove_connection(&p->key, flow);
		return -1;
	}
	if (!(server->flags & SERVER_UP) && (is_syn || (server->flags & SERVER_RESCHEDULE))) {
		remove_connection(&p->key, flow);
		return is_syn || !is_tcp ? -1 : drop(DROP_server_gone);
	}
	if (flow->last_seen != now)
		flow->last_seen = now;
	if (is_tcp) {
		state = next_state(flow->state, p->tcp_flags, 0, server->method == METHOD_NAT);
		if (is_syn && is_half_open(state))
			restore_reply(p, flow, server);
		if (state != flow->state) {
			proved = is_half_open(flow->state) && !is_half_open(state) && state != STATE_CLOSE;
			count_as(flow, state == STATE_ESTABLISHED ? COUNTED_ACTIVE : COUNTED_INACTIVE);
			flow->state = state;
		}
	} else if (!(flow->flags & FLOW_CONFIRMED)) {
		flow->flags |= FLOW_CONFIRMED;
		proved = 1;
	}
	if (proved) {
		restore_reply(p, flow, server);
		promote(&p->key, server);
	}
	return towards_server(p, server_index, server, 0);
}

static __always_inline int from_client(struct packet *p)
{
	struct service_key name = {};
	struct flow *flow;
	__u32 now = seconds_now();
	__u32 *service_found;
	__u32 index;

	flow = find_flow(&p->key);
	if (flow && flow->kind == FLOW_FORWARD) {
		int verdict = known_connection(p, flow, now);

		if (verdict >= 0)
			return verdict;
	}
	copy_address(name.address, p->key.destination);
	name.port = p->key.destination_port;
	name.protocol = p->key.protocol;
	service_found = bpf_map_lookup_elem(&service_index, &name);
	if (!service_found)
		return XDP_PASS;
	index = *service_found;
	if (!forwarding_service(index))
		return XDP_PASS;
	if (p->key.protocol == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN)
		return drop(DROP_no_connection);
	return new_connection(p, index, now);
}

/* Asks the routes for the way to the client, once in a route generation; while they name a neighbour that is not known, once a
 * second. Where they know none, the way that is known is kept; where they forbid it, there is none. */
static __always_inline void find_way_back(struct packet *p, struct flow *flow, __u32 now)
{
	struct bpf_fib_lookup fib = {};
	const struct settings *current;
	__u32 zero = 0;

	current = bpf_map_lookup_elem(&settings, &zero);
	if (!current || flow->route_generation == current->route_generation || flow->routes_asked == now)
		return;
	fib.ifindex = p->ctx->ingress_ifindex;
	fib.l4_protocol = p->key.protocol;
	fib.tot_len = 0;
	if (p->is_ipv6) {
		fib.family = AF_INET6;
		copy_address((__u8 *)fib.ipv6_src, flow->vip);
		copy_address((__u8 *)fib.ipv6_dst, p->key.destination);
	} else {
		fib.family = AF_INET;
		fib.ipv4_src = ((__u32 *)flow->vip)[3];
		fib.ipv4_dst = ((__u32 *)p->key.destination)[3];
	}
	switch (bpf_fib_lookup(p->ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		flow->ifindex = fib.ifindex;
		__builtin_memcpy(flow->source_mac, fib.smac, 6);
		__builtin_memcpy(flow->destination_mac, fib.dmac, 6);
		break;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		flow->ifindex = 0;
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		flow->routes_asked = now;
		return;
	}
	flow->route_generation = current->route_generation;
}

/* Tells the FORWARD entry of an answer. 0: the connection is none any more. */
static __always_inline int note_answer(struct packet *p, struct flow *reply, const struct service *service, __u32 now)
{
	int tells = p->key.protocol == IPPROTO_TCP ? p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)
						   : !(reply->flags & FLOW_CONFIRMED);
	struct flow_key key;
	struct flow *flow;
	__u8 state;

	if (reply->last_seen == now && !tells)
		return 1;
	forward_key_of(&key, &p->key, reply);
	flow = find_flow(&key);
	if (!flow || flow->kind != FLOW_FORWARD || is_expired(flow, service, now))
		return 0;
	reply->last_seen = now;
	flow->last_seen = now;
	if (p->key.protocol == IPPROTO_TCP) {
		state = next_state(flow->state, p->tcp_flags, 1, 1);
		if (state != flow->state) {
			if (state != STATE_ESTABLISHED)
				count_as(flow, COUNTED_INACTIVE);
			flow->state = state;
		}
	}
	return 1;
}

/* The answer to a UDP packet proves the connection. The REPLY entry moves, so nothing may use it afterwards. */
static __always_inline void confirm_by_answer(struct packet *p, struct flow *reply, const struct server *server)
{
	struct flow_key key;
	struct flow *flow;

	reply->flags |= FLOW_CONFIRMED;
	forward_key_of(&key, &p->key, reply);
	flow = find_flow(&key);
	if (!flow || (flow->flags & FLOW_CONFIRMED))
		return;
	flow->flags |= FLOW_CONFIRMED;
	promote(&key, server);
}

static __always_inline int from_server(struct packet *p)
{
	struct flow *flow = find_flow(&p->key);
	struct service *service;
	struct server *server;
	__u32 now = seconds_now();
	int verdict;

	if (!flow || flow->kind != FLOW_REPLY)
		return XDP_PASS;
	server = find_server(flow->server);
	service = forwarding_service(flow->service);
	if (!service)
		return XDP_PASS;
	if (!is_servers(flow, server))
		return drop(DROP_server_gone);
	if (!note_answer(p, flow, service, now))
		return drop(DROP_no_connection);
	find_way_back(p, flow, now);
	if (!flow->ifindex)
		return drop(DROP_no_route);
	if (!decrement_ttl(p))
		return drop(DROP_ttl);
	rewrite(p, 1, flow->vip, flow->vip_port);
	count_packet(flow->server, p->length, 1, 0);
	verdict = send(p, flow->ifindex, flow->source_mac, flow->destination_mac);
	if (p->key.protocol == IPPROTO_UDP && !(flow->flags & FLOW_CONFIRMED))
		confirm_by_answer(p, flow, server);
	return verdict;
}

SEC("xdp")
int ballast_xdp(struct xdp_md *ctx)
{
	struct packet p = {};
	struct filters *filter;
	enum parsed parsed;
	__u32 zero = 0;
	int to_vip;

	parsed = parse_ip(ctx, &p);
	if (parsed == PARSED_ALIEN)
		return XDP_PASS;
	filter = bpf_map_lookup_elem(&filters, &zero);
	if (!filter)
		return XDP_PASS;
	to_vip = test_bit(filter->destination, p.key.destination);
	if (!to_vip && !test_bit(filter->source, p.key.source))
		return XDP_PASS;
	if (parsed == PARSED)
		parsed = parse_l4(&p);
	if (parsed != PARSED) {
		if (!to_vip || !is_vip(&p.key))
			return XDP_PASS;
		return drop(parsed == PARSED_FRAGMENT ? DROP_fragment : DROP_truncated);
	}
	if (to_vip) {
		int verdict = from_client(&p);

		if (verdict != XDP_PASS || !test_bit(filter->source, p.key.source))
			return verdict;
	}
	return from_server(&p);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
