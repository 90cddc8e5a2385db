/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A packet's way: is it for a VIP or from a NAT server; which connection; if none, which server; rewrite; send. */
#include "deliver.h"
#include "forward.h"
#include "fragments.h"
#include "maps.h"
#include "parse.h"
#include "start.h"
#include "sweep.h"

/* Port and protocol 0 name the VIP itself. */
static __always_inline int is_vip(const struct tuple *key)
{
	struct service_key name = {};

	copy_address(name.address, key->destination);
	return bpf_map_lookup_elem(&service_index, &name) != 0;
}

enum known { KNOWN, KNOWN_STANDBY, KNOWN_OVER, KNOWN_STALE };

/* Whether a packet goes on with the connection that was found; else it may start a new one. */
static __always_inline enum known known_connection(struct packet *p, struct found *found, __u32 now)
{
	struct flow *flow = found->flow;
	struct server *server = find_server(flow->server);
	__u8 state = CONTROL_STATE(found->control);
	int is_syn = p->key.protocol == IPPROTO_TCP && is_plain_syn(p->tcp_flags);

	if (!is_servers(flow, server)) {
		NOTE(stale, found->index);
		end_flow(found);
		return KNOWN_STALE;
	}
	if (!is_forwarding(server->role)) {
		NOTE(standby, 0);
		return KNOWN_STANDBY;
	}
	if (is_expired(flow, now) || (is_syn && state >= STATE_FIN_WAIT)) {
		NOTE(expired, found->index);
		end_flow(found);
		return KNOWN_OVER;
	}
	if (!(server->flags & SERVER_UP) && (is_syn || (server->flags & SERVER_RESCHEDULE))) {
		NOTE(stale, found->index);
		end_flow(found);
		return KNOWN_STALE;
	}
	NOTE(flow, found->index);
	follow(p, found, sees_answers(server) ? SAYS_ANSWERS_SEEN : 0, now);
	return KNOWN;
}

/* Connections from before the VIP got its first NAT server, or lost its last one, are where they were. */
static __noinline int find_where_it_was(struct found *found, const struct tuple *key, int by_client)
{
	struct found earlier = {};

	if (!found || !key || !find_flow(&earlier, hash_of(key, !by_client), key))
		return 0;
	*found = earlier;
	return 1;
}

static __always_inline __u32 sequence_of(const struct packet *p)
{
	struct tcphdr *tcp = p->l4;

	return (void *)(tcp + 1) > (void *)(long)p->ctx->data_end ? 0 : bpf_ntohl(tcp->seq);
}

static __always_inline int start_with(struct packet *p, __u64 hash, int stale, __u32 now, struct found *made)
{
	__u32 zero = 0;
	struct arrival *arrival = bpf_map_lookup_elem(&arrivals, &zero);
	struct ethhdr *eth = frame_of(p);
	int server;

	if (!arrival || (void *)(eth + 1) > (void *)(long)p->ctx->data_end)
		return START_PASS;
	arrival->line = NO_LINE;
	arrival->sequence = p->key.protocol == IPPROTO_TCP ? sequence_of(p) : 0;
	arrival->hash = hash;
	arrival->now = now;
	arrival->tcp_flags = p->tcp_flags;
	arrival->stale = stale;
	arrival->hop.ifindex = p->ctx->ingress_ifindex;
	__builtin_memcpy(arrival->hop.source_mac, eth->h_dest, 6);
	__builtin_memcpy(arrival->hop.destination_mac, eth->h_source, 6);
	arrival->hop.vlan[0] = p->vlan[0];
	arrival->hop.vlan[1] = p->vlan[1];
	server = start(&p->key, arrival);
	made->index = arrival->line;
	made->flow = flow_at(made->index);
	made->control = made->flow ? READ_ONCE(made->flow->control) : 0;
	return server;
}

static __always_inline int from_client(struct packet *p, int by_client)
{
	__u64 hash = hash_of(&p->key, by_client);
	enum known known = KNOWN_OVER;
	__u32 now = seconds_now();
	struct server *server;
	struct found found;
	int index;

	if (find_flow(&found, hash, &p->key) || (p->key.protocol == IPPROTO_TCP && !is_plain_syn(p->tcp_flags) &&
						 find_where_it_was(&found, &p->key, by_client)))
		known = known_connection(p, &found, now);
	if (known == KNOWN_STANDBY)
		return XDP_PASS;
	index = known == KNOWN ? (int)found.flow->server : start_with(p, hash, known == KNOWN_STALE, now, &found);
	if (p->fragment == FRAGMENT_FIRST && index != START_DROP)
		remember_fragment(p, index, &found, 0, now);
	if (index <= 0)
		return index == START_PASS ? XDP_PASS : XDP_DROP;
	server = find_server(index);
	if (!server)
		return XDP_PASS;
	NOTE(server, index);
	return towards_server(p, index, server, &found, known != KNOWN);
}

static __always_inline int find_returned(struct found *found, const struct tuple *key)
{
	__u64 index = find_return(key);

	if (index == NO_RETURN)
		return 0;
	found->index = index;
	found->control = index >> 32;
	found->flow = flow_at(found->index);
	return found->flow != 0;
}

/* to_local, from_nat: what the filters say. */
static __always_inline int from_server(struct packet *p, int to_local, int from_nat)
{
	__u32 now = seconds_now();
	struct server *server;
	struct found found;
	struct hop *hop;
	int is_first;

	if (!(to_local && find_returned(&found, &p->key)) && !(from_nat && find_answered(&found, &p->key)))
		return XDP_PASS;
	server = find_server(found.flow->server);
	if (!server || !is_forwarding(server->role))
		return XDP_PASS;
	NOTE(flow, found.index);
	NOTE(answer, found.flow->server);
	if (!is_servers(found.flow, server))
		return drop(DROP_server_gone);
	if (is_expired(found.flow, now)) {
		end_flow(&found);
		return drop(DROP_no_connection);
	}
	is_first = found.flow->last_seen != now;
	follow(p, &found, SAYS_SERVER | SAYS_ANSWERS_SEEN, now);
	hop = way_to_client(p->ctx, &found, is_first, now);
	if (!hop)
		return drop(DROP_no_route);
	if (p->fragment == FRAGMENT_FIRST)
		remember_fragment(p, found.flow->server, &found, 1, now);
	if (server->method == METHOD_FNAT)
		return full_nat_answer(p, &found, server, hop);
	return towards_client(p, found.flow, hop);
}

SEC("xdp")
int ballast_xdp(struct xdp_md *ctx)
{
	struct packet p = {};
	struct filters *filter;
	enum parsed parsed;
	__u32 zero = 0;
	int to_vip, to_local, from_nat;

	parsed = parse_ip(ctx, &p);
	if (parsed == PARSED_ICMP && note_report(&p))
		return deliver_report(ctx);
	if (parsed == PARSED_ALIEN || parsed == PARSED_ICMP) {
		NOTE(alien, 0);
		return XDP_PASS;
	}
	filter = bpf_map_lookup_elem(&filters, &zero);
	if (!filter)
		return XDP_PASS;
	to_vip = test_bit(filter->destination, p.key.destination);
	to_local = test_bit(filter->local, p.key.destination);
	from_nat = test_bit(filter->source, p.key.source);
	if (!to_vip && !to_local && !from_nat) {
		NOTE(not_ours, 0);
		return XDP_PASS;
	}
	if (parsed == PARSED && p.fragment == FRAGMENT_LATER)
		return follow_first(&p, to_vip && is_vip(&p.key));
	if (parsed == PARSED)
		parsed = parse_l4(&p);
	if (parsed != PARSED)
		return to_vip && is_vip(&p.key) ? drop(DROP_truncated) : XDP_PASS;
	if (to_vip) {
		int verdict = from_client(&p, test_bit(filter->by_client, p.key.destination));

		if (verdict != XDP_PASS || !(to_local || from_nat))
			return verdict;
	}
	return from_server(&p, to_local, from_nat);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
