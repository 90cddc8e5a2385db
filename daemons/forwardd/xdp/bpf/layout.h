/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the XDP program and forwardd share through pinned maps. Changing anything here changes LAYOUT_VERSION.
 * Addresses are 16 bytes in network order, IPv4 mapped; ports and MACs as on the wire; everything else host order. */
#ifndef BALLAST_LAYOUT_H
#define BALLAST_LAYOUT_H

#include <linux/types.h>

#define LAYOUT_VERSION 1

enum { FILTER_BITS = 1 << 16 };

/* `filters` (array of 1): bit address_hash(a) is set for every VIP (destination) and every NAT real server (source).
 * A packet that meets neither is not ours: XDP_PASS before any other look-up. */
struct filters {
	__u8 destination[FILTER_BITS / 8];
	__u8 source[FILTER_BITS / 8];
};

static inline __u32 address_hash(const __u32 word[4])
{
	return ((word[0] ^ word[1] ^ word[2] ^ word[3]) * 0x9e3779b1u) >> 16;
}

/* `settings` (array of 1). */
struct settings {
	__u32 route_generation; /* bumped on every change of link, route or neighbour: cached next hops are void */
	__u32 reserved[15];
};

/* `service_index` (hash): VIP, port, protocol -> index into `services`. Several endpoints (a group) may name one index.
 * Port 0 and protocol 0 with value 0 say that the address is a VIP (filters alone may err towards yes). */
struct service_key {
	__u8 address[16];
	__be16 port;
	__u8 protocol;
	__u8 pad;
};

enum scheduler {
	SCHED_TABLE_CURSOR, /* rr, wrr: next slot of the service's table */
	SCHED_TABLE_HASH,   /* mh: slot by hash of the client's address and port */
	SCHED_WLC,          /* wlc: the table lists the servers; least (active * 256 + inactive) / weight */
};

/* `services` (array). Index 0 is never used. */
struct service {
	__u32 used;
	__u32 role;       /* index into `roles`: forwards while roles[role] is not 0. Role 0 is always on */
	__u32 scheduler;  /* enum scheduler */
	__u32 table_size; /* slots of tables[index]; 0: no server, new connections are dropped */
	__u32 timeout_tcp, timeout_tcp_fin, timeout_udp; /* seconds */
	__u32 reserved[9];
};

/* `cursors` (array, an index a service): rr's place, alone on its line. */
struct cursor {
	__u32 next;
	__u32 pad[15];
};

/* `tables` (array of maps by service): inner arrays of __u32, a server index in each slot. Swapped whole. */

enum method { METHOD_NAT, METHOD_DR, METHOD_TUN, METHOD_FNAT };

enum server_flags {
	SERVER_USED = 1 << 0,
	SERVER_UP = 1 << 1,         /* alive: established connections go on */
	SERVER_RESCHEDULE = 1 << 2, /* down: its connections are dropped and scheduled anew at their next packet */
	SERVER_REACHABLE = 1 << 3,  /* the next hop below is valid */
};

/* `servers` (array), a cache line. Index 0 means none. An index is given to another server only with a new generation. */
struct server {
	__u8 address[16];
	__be16 port;
	__u8 method; /* enum method */
	__u8 flags;  /* enum server_flags */
	__u32 generation;
	__u32 service;
	__u32 weight;
	__u32 ifindex; /* next hop */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__u8 reserved[16];
};

/* `server_load` (array, mmapable): connections of each server. Atomically kept by the program, put right by the sweep. */
struct server_load {
	__u32 active;   /* ESTABLISHED */
	__u32 inactive; /* every other state, UDP included */
};

/* `census` (array, mmapable): what the last sweep counted, in server_load's terms. */

/* `server_stats` (per-CPU array). */
struct server_stats {
	__u64 connections;
	__u64 packets_in, bytes_in;   /* towards the server; bytes are IP total length */
	__u64 packets_out, bytes_out; /* from the server (NAT) */
};

/* `flows` (hash, established) and `half_open` (LRU hash). For NAT each connection has two entries: FLOW_FORWARD by the tuple the
 * client sends, FLOW_REPLY by the tuple the server sends. A new connection starts in half_open and moves when the handshake
 * (TCP), or a second packet or an answer (UDP), proves that somebody is there; so a flood evicts nothing established. */
struct flow_key {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 pad[3];
};

enum flow_kind { FLOW_FORWARD, FLOW_REPLY };

enum flow_flags { FLOW_CONFIRMED = 1 }; /* UDP: a second packet or an answer was seen */

enum flow_state {
	STATE_UDP,
	STATE_SYN_RECV,    /* SYN seen */
	STATE_SYN_ACK,     /* NAT: the server answered */
	STATE_ESTABLISHED,
	STATE_FIN_WAIT,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_TIME_WAIT,
	STATE_CLOSE,
	STATE_COUNT,
};

struct flow {
	__u32 server;
	__u32 server_generation; /* differs from the server's: the entry is stale */
	__u32 service;
	__u32 last_seen;         /* CLOCK_MONOTONIC_COARSE in seconds, written at most once a second */
	__u8 kind;               /* enum flow_kind */
	__u8 state;              /* enum flow_state; FORWARD only */
	__u8 counted;            /* 0 not, 1 active, 2 inactive: what leaving must undo (FORWARD only) */
	__u8 flags;
	__u32 route_generation;  /* REPLY: of the next hop below */
	__u32 ifindex;           /* REPLY: 0 where the routes forbid the way */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__u8 vip[16];            /* REPLY: the source address and port to put back; FORWARD: as in its key */
	__be16 vip_port;
	__be16 client_port;      /* REPLY: with the key's destination, names the FORWARD entry */
	__u32 routes_asked;      /* REPLY: the second in which they last named a neighbour that was not known */
	/* 64 bytes. Sequence deltas of FULLNAT and SYN proxy, and mirroring's marks, go into a map of their own. */
};

/* `drops` (per-CPU array of __u64 by reason): every drop has one. name, explanation for a person. */
#define DROP_REASONS(X) \
	X(truncated, "a header or length goes past the end of the packet: broken or forged, nothing to do") \
	X(fragment, "an IP fragment for a VIP: fragments are not forwarded; lower the senders' MTU") \
	X(no_server, "a new connection, and no server of the service takes any: see `ballastctl health`") \
	X(no_connection, "a TCP packet of no known connection that does not start one: after expiry, or a scan") \
	X(server_gone, "a packet of a connection whose server was removed from the configuration") \
	X(unreachable, "the server's MAC address is not known: is it up, is there a route to it?") \
	X(table_full, "the connection table is full, the connection stays among the half-open ones: raise connection_table_size") \
	X(ttl, "time to live used up on the way through") \
	X(no_route, "no route back to the client") \
	X(tuple_taken, "a client uses one source port to two VIPs that share a NAT server: the answers could not be told apart") \
	X(raced, "two packets that start one connection arrived at once; the client sends again")

enum drop_reason {
#define X(name, explanation) DROP_##name,
	DROP_REASONS(X)
#undef X
	DROP_COUNT,
};

/* What the sweep (a `syscall` program) is told and tells. */
struct sweep_result {
	__u32 now;           /* in: seconds as last_seen has them; 0: the kernel's own now */
	__u32 flows;         /* out: entries left (FORWARD) */
	__u32 half_open;
	__u32 expired;
};

#ifdef __cplusplus
static_assert(sizeof(service_key) == 20 && sizeof(service) == 64 && sizeof(cursor) == 64);
static_assert(sizeof(server) == 64 && sizeof(flow_key) == 40 && sizeof(flow) == 64);
static_assert(sizeof(server_load) == 8 && sizeof(server_stats) == 40);
#endif

#endif
