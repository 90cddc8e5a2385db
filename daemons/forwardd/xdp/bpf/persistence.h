/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Persistence: a client's connections go to one server, until none of them lives for a while. */
#ifndef BALLAST_PERSISTENCE_H
#define BALLAST_PERSISTENCE_H

#include "schedule.h"

/* The part of a prefix mask that covers an address's word. */
__noinline __u32 prefix_word(__u32 prefix, __u32 word)
{
	__u32 start = 32 * (word & 3);

	if (prefix <= start)
		return 0;
	return prefix - start >= 32 ? 0xffffffff : bpf_htonl(0xffffffff << (32 - (prefix - start)));
}

static __always_inline void persistence_key_of(struct persistence_key *key, const __u8 *client, const struct service *service,
					       __u32 index)
{
	__u32 bits = is_mapped_ipv4(client) ? 96 + service->prefix4 : service->prefix6;
	const __u32 *word = (const __u32 *)client;
	__u32 *masked = (__u32 *)key->client;

#pragma unroll
	for (int i = 0; i < 4; i++)
		masked[i] = word[i] & prefix_word(bits, i);
	key->service = index;
}

/* The server to which a client's connections go; 0: none, or one that takes no new connections. */
__noinline __u32 persistent_server(const __u8 (*client)[16], __u32 service_index, __u32 now)
{
	const struct service *service = find_service(service_index);
	struct persistence_key key;
	struct persistence_entry *entry;
	const struct server *server;

	if (!client || !service)
		return 0;
	persistence_key_of(&key, *client, service, service_index);
	entry = bpf_map_lookup_elem(&persistence, &key);
	if (!entry || (now > entry->last_used && now - entry->last_used > service->persistence))
		return 0;
	server = find_server(entry->server);
	if (!server || server->generation != entry->generation || takes_connections(entry->server, 0) != TAKES)
		return 0;
	return entry->server;
}

__noinline int remember_client(const __u8 (*client)[16], __u32 service_index, __u32 server_index, __u32 now)
{
	const struct service *service = find_service(service_index);
	const struct server *server = find_server(server_index);
	struct persistence_entry entry = {.server = server_index, .last_used = now};
	struct persistence_key key;

	if (!client || !service || !server || tracing)
		return 0;
	persistence_key_of(&key, *client, service, service_index);
	entry.generation = server->generation;
	bpf_map_update_elem(&persistence, &key, &entry, BPF_ANY);
	return 0;
}

/* The server of a new connection, or 0. `avoid`: the one that it cannot have. */
__noinline __u32 choose_server(const struct tuple *key, __u32 service_index, __u32 avoid, __u32 now)
{
	const struct service *service = find_service(service_index);
	__u32 index;

	if (!key || !service)
		return 0;
	if (!service->persistence)
		return schedule(key, service_index, avoid);
	index = avoid ? 0 : persistent_server(&key->source, service_index, now);
	if (index)
		NOTE(persistent, index);
	else
		index = schedule(key, service_index, avoid);
	if (index)
		remember_client(&key->source, service_index, index, now);
	return index;
}

/* A connection that lives keeps its client's server. */
__noinline int keep_persistence(__u32 flow_index, __u32 now)
{
	const struct flow *flow = bpf_map_lookup_elem(&flows, &flow_index);
	const struct server *server = flow ? find_server(flow->server) : 0;
	const struct service *service = server ? find_service(server->service) : 0;
	struct persistence_entry *entry;
	struct persistence_key key;

	if (!service || !service->persistence)
		return 0;
	persistence_key_of(&key, flow->client, service, server->service);
	entry = bpf_map_lookup_elem(&persistence, &key);
	if (entry && entry->server == flow->server)
		entry->last_used = now;
	return 0;
}

#endif
