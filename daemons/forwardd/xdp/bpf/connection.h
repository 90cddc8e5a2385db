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

/* What a packet says besides its TCP flags. */
enum packet_says {
	SAYS_SERVER = 1 << 0,
	SAYS_ANSWERS_SEEN = 1 << 1, /* NAT, FNAT */
	SAYS_LATER = 1 << 2,        /* it came in another second than the last one */
	SAYS_UDP = 1 << 3,
};

/* The next state, of TCP as IPVS's tables have it: with answers seen, states are the server's; without (DR, TUN), FIN_WAIT is all that the
 * client's side tells. */
static __always_inline __u8 next_state(__u8 state, __u8 flags, __u32 says)
{
	int from_server = says & SAYS_SERVER;
	int sees_answers = says & SAYS_ANSWERS_SEEN;

	if (says & SAYS_UDP)
		return STATE_UDP;
	if (flags & TCP_RST)
		return from_server && state == STATE_TIME_WAIT ? state : STATE_CLOSE;
	if (flags & TCP_SYN) {
		if (from_server)
			return awaits_answer(state) ? STATE_SYN_ACK : state;
		return state == STATE_SYN_RECV && (says & SAYS_LATER) && is_plain_syn(flags) ? STATE_SYN_AGAIN : state;
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

/* Changes the state to what follows from a packet, also where another CPU's packet changes the connection in this moment. The control
 * afterwards. */
__noinline __u32 change_state(__u32 index, __u32 control, __u32 flags, __u32 says)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, &index);
	__u8 state = next_state(CONTROL_STATE(control), flags, says);
	struct service *service;
	struct server *server;
	__u32 after, now;

	NOTE(state, state);
	if (!flow || tracing)
		return control;
	after = (control & ~0xffu) | state;
	if (!swap_control(flow, control, after)) {
		now = control_now(flow, control);
		if (!now)
			return control;
		control = now;
		state = next_state(CONTROL_STATE(control), flags, says);
		after = (control & ~0xffu) | state;
		if (after == control || !swap_control(flow, control, after))
			return control;
	}
	recount(flow, class_of(CONTROL_STATE(control)), class_of(state));
	if (awaits_answer(CONTROL_STATE(control)))
		note_outcome(index, CONTROL_STATE(control), state, says & SAYS_SERVER);
	server = find_server(flow->server);
	service = server ? find_service(server->service) : 0;
	if (service)
		flow->lifetime = timeout_of(service, state);
	return after;
}

/* Takes note of a packet: time, and what it says of the connection's state. */
static __always_inline void follow(const struct packet *p, struct found *found, __u32 says, __u32 now)
{
	if (found->flow->last_seen != now) {
		says |= SAYS_LATER;
		if (!tracing)
			found->flow->last_seen = now;
	}
	if (p->key.protocol != IPPROTO_TCP)
		says |= SAYS_UDP;
	if (next_state(CONTROL_STATE(found->control), p->tcp_flags, says) != CONTROL_STATE(found->control))
		found->control = change_state(found->index, found->control, p->tcp_flags, says);
}

#endif
