/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TCP states and timeouts of a connection. */
#ifndef BALLAST_CONNECTION_H
#define BALLAST_CONNECTION_H

#include "outcome.h"

/* Seconds, as IPVS has them. */
static __always_inline __u32 timeout_of(const struct service *service, __u8 state)
{
	switch (state) {
	case STATE_UDP_NEW:
	case STATE_UDP: return service->timeout_udp;
	case STATE_ESTABLISHED: return service->timeout_tcp;
	case STATE_FIN_WAIT:
	case STATE_TIME_WAIT: return service->timeout_tcp_fin;
	case STATE_CLOSE: return 10;
	default: return 60;
	}
}

static __always_inline int is_plain_syn(__u8 flags)
{
	return (flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

/* The next TCP state, as IPVS's tables have it: with answers seen (NAT, FNAT), states are the server's; without (DR, TUN), FIN_WAIT is
 * all that the client's side tells. from_server: the packet is an answer. later: it came in another second than the last one. */
static __always_inline __u8 next_state(__u8 state, __u8 flags, int from_server, int sees_answers, int later)
{
	if (flags & TCP_RST)
		return from_server && state == STATE_TIME_WAIT ? state : STATE_CLOSE;
	if (flags & TCP_SYN) {
		if (from_server)
			return awaits_answer(state) ? STATE_SYN_ACK : state;
		return state == STATE_SYN_RECV && later && is_plain_syn(flags) ? STATE_SYN_AGAIN : state;
	}
	if (!from_server && (flags & TCP_ACK) && (state == STATE_SYN_ACK || (awaits_answer(state) && !sees_answers)))
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

static __always_inline int sees_answers(const struct server *server)
{
	return server->method == METHOD_NAT || server->method == METHOD_FNAT;
}

/* The control afterwards, which is another CPU's where that one had a packet that changed it, too. */
__noinline __u32 change_state(__u32 index, __u32 control, __u32 state, __u32 from_server)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, &index);
	__u32 after = (control & ~0xffu) | (__u8)state;
	struct service *service;
	struct server *server;

	NOTE(state, state);
	if (!flow || tracing)
		return control;
	if (!swap_control(flow, control, after)) {
		if (state != STATE_SYN_ACK)
			return control;
		/* A SYN that came again in this moment must not hide the answer. */
		control = (control & ~0xffu) | STATE_SYN_AGAIN;
		if (!swap_control(flow, control, after))
			return control;
	}
	recount(flow, class_of(CONTROL_STATE(control)), class_of(state));
	if (awaits_answer(CONTROL_STATE(control)))
		note_outcome(index, CONTROL_STATE(control), state, from_server);
	server = find_server(flow->server);
	service = server ? find_service(server->service) : 0;
	if (service)
		flow->lifetime = timeout_of(service, state);
	return after;
}

/* Takes note of a packet: time, and what it says of the connection's state. */
static __always_inline void follow(const struct packet *p, struct found *found, int from_server, int answers_seen, __u32 now)
{
	int later = found->flow->last_seen != now;
	__u8 before = CONTROL_STATE(found->control);
	__u8 after;

	if (p->key.protocol == IPPROTO_TCP)
		after = next_state(before, p->tcp_flags, from_server, answers_seen, later);
	else
		after = STATE_UDP;
	if (later && !tracing)
		found->flow->last_seen = now;
	if (after != before)
		found->control = change_state(found->index, found->control, after, from_server);
}

#endif
