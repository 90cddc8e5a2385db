/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What becomes of new connections says how their server is (passive_check). Only changes of state that end the wait for a server's answer
 * come here. */
#ifndef BALLAST_OUTCOME_H
#define BALLAST_OUTCOME_H

#include "flow_table.h"

/* Clients of one network count as one: its owner has all of the addresses. */
static __always_inline void remember_failed(__u32 server, const __u8 *client)
{
	const __u32 *word = (const __u32 *)client;
	__u64 network = is_mapped_ipv4(client) ? word[3] & bpf_htonl(0xffffff00) : (__u64)word[1] << 32 | word[0];
	__u64 *bits = bpf_map_lookup_elem(&failed_clients, &server);
	__u64 bit = 1ULL << (hash_mix(network ^ hash_seed[0]) & 63);

	if (bits && !(READ_ONCE(*bits) & bit))
		__sync_fetch_and_or(bits, bit);
}

/* The state of a line's connection has become another one. Who was told to be unanswered and is answered late is taken back. */
__noinline int note_outcome(__u32 line, __u32 before, __u32 after, __u32 from_server)
{
	const struct flow *flow = bpf_map_lookup_elem(&flows, &line);
	const struct server *server = flow ? find_server(flow->server) : 0;
	struct server_stats *stats;
	__u32 index;

	if (!server || !(server->flags & SERVER_WATCHED) || (__u16)server->generation != flow->server_generation)
		return 0;
	index = flow->server;
	stats = bpf_map_lookup_elem(&server_stats, &index);
	if (!stats || (after == STATE_CLOSE && !from_server))
		return 0;
	if (before == STATE_SYN_AGAIN)
		stats->unanswered--;
	if (after == STATE_SYN_AGAIN)
		stats->unanswered++;
	else if (after == STATE_CLOSE)
		stats->refused++;
	else
		stats->answered++;
	if (after == STATE_SYN_AGAIN || after == STATE_CLOSE)
		remember_failed(index, flow->client);
	return 0;
}

#endif
