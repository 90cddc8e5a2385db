/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the XDP program and forwardd share through pinned maps. Changing anything here changes LAYOUT_VERSION.
 * Addresses are 16 bytes in network order, IPv4 mapped; ports, VLAN tags and MACs as on the wire; everything else host order. */
#ifndef BALLAST_LAYOUT_H
#define BALLAST_LAYOUT_H

#include <linux/types.h>

#define LAYOUT_VERSION 3

enum { FILTER_BITS = 1 << 16 };

/* `filters` (array of 1): bit address_hash(a) is set for every VIP (destination), every NAT real server (source) and every
 * LIP (local). A packet that meets none is not ours: XDP_PASS before any other look-up. by_client: VIPs with NAT servers, whose
 * connections are found by the client's half of the tuple alone, so that the answer finds the same entry (flow_hash). */
struct filters {
	__u8 destination[FILTER_BITS / 8];
	__u8 source[FILTER_BITS / 8];
	__u8 local[FILTER_BITS / 8];
	__u8 by_client[FILTER_BITS / 8];
};

static inline __u32 address_mix(const __u32 word[4])
{
	return (word[0] ^ word[1] ^ word[2] ^ word[3]) * 0x9e3779b1u;
}

static inline __u32 address_hash(const __u32 word[4])
{
	return address_mix(word) >> 16;
}

/* `settings` (array of 1). */
struct settings {
	__u32 route_generation; /* bumped on every change of link, route or neighbour: cached ways to clients are void */
	__u32 reserved;
	__u64 seed[2];          /* of flow_hash: drawn when the maps are made, so that nobody can aim at a bucket */
	__u32 more[10];
};

/* `service_index` (hash): VIP, port, protocol -> index into `services`. Several endpoints (a group) may name one index. Port 0: every
 * port that has no entry of its own. Port 0 and protocol 0 with value 0 say that the address is a VIP (filters may err towards yes). */
struct service_key {
	__u8 address[16];
	__be16 port;
	__u8 protocol;
	__u8 pad;
};

enum scheduler {
	SCHED_TURNS,        /* rr, wrr: next slot of the service's table */
	SCHED_SOURCE,       /* mh, sh: slot by hash of the client's address */
	SCHED_DESTINATION,  /* dh: slot by hash of the VIP */
	SCHED_LEAST,        /* wlc, lc: the table lists the servers; least (active * 256 + inactive) / weight */
	SCHED_DELAY,        /* sed: least (active + 1) / weight */
	SCHED_IDLE_OR_DELAY, /* nq: one without active connections, else as sed */
	SCHED_FAILOVER,     /* fo: the highest weight */
	SCHED_OVERFLOW,     /* ovf: the highest weight that has fewer active connections than weight */
	SCHED_TWO,          /* twos, p2c: of two drawn by weight, the less loaded */
	SCHED_LOCALITY,     /* lblc: what served this destination last, unless overloaded; else as wlc */
	SCHED_LOCALITY_SET, /* lblcr: as lblc, with a set of servers a destination */
};

enum service_flags {
	SERVICE_HASH_PORT = 1 << 0,     /* SCHED_SOURCE: the client's port counts, too */
	SERVICE_ONE_PACKET = 1 << 1,    /* ops: every UDP packet is scheduled, no connection is kept */
	SERVICE_SLOPPY = 1 << 2,        /* any TCP packet starts a connection, as after a failover */
};

enum client_address { CLIENT_TOA, CLIENT_PROXY_V1, CLIENT_PROXY_V2, CLIENT_HIDDEN };

/* LIPs side by side in `locals`. */
struct local_range {
	__u16 first, count;
};

/* `services` (array). Index 0 is never used. */
struct service {
	__u32 used;
	__u32 role;       /* index into `roles`: forwards while roles[role] is not 0. Role 0 is always on */
	__u32 scheduler;  /* enum scheduler */
	__u32 table_size; /* slots of tables[index]; 0: no server, new connections are dropped */
	__u32 timeout_tcp, timeout_tcp_fin, timeout_udp; /* seconds */
	__u32 flags;      /* enum service_flags */
	__u32 persistence;            /* seconds; 0: none */
	__u8 prefix4, prefix6;        /* bits of a client's address that persistence looks at */
	__u8 client_address;          /* enum client_address, FNAT */
	__u8 pad;
	struct local_range locals[2]; /* its LIPs: IPv4, IPv6 */
	__u32 reserved[4];
};

/* `persistence` (LRU hash): which server a client's connections go to. The client is an address with the service's prefix only. */
struct persistence_key {
	__u8 client[16];
	__u32 service;
};
struct persistence_entry {
	__u32 server;
	__u32 generation; /* the server's */
	__u32 last_used;  /* seconds: a connection was made, or the sweep saw one that lives */
};

/* `locality` (LRU hash): lblc, lblcr: the servers of a destination. */
enum { LOCALITY_SERVERS = 8, LOCALITY_SETTLED = 360 /* seconds */ };
struct locality_key {
	__u8 destination[16];
	__u32 service;
};
struct locality_entry {
	__u32 changed; /* seconds: when a server was last added or removed */
	__u32 servers[LOCALITY_SERVERS]; /* 0: none */
};

/* `cursors` (array, an index a service): rr's place, alone on its line. */
struct cursor {
	__u32 next;
	__u32 pad[15];
};

/* `tables` (array of maps by service): inner arrays of __u32, a server index in each slot. Swapped whole. */

enum method { METHOD_NAT, METHOD_DR, METHOD_TUN, METHOD_FNAT };
enum tunnel { TUNNEL_IPIP, TUNNEL_GUE, TUNNEL_GRE };

enum server_flags {
	SERVER_USED = 1 << 0,
	SERVER_UP = 1 << 1,         /* alive: established connections go on */
	SERVER_RESCHEDULE = 1 << 2, /* down: its connections are dropped and scheduled anew at their next packet */
	SERVER_REACHABLE = 1 << 3,  /* the next hop below is valid */
	SERVER_CHECKSUM = 1 << 4,   /* TUN by GUE or GRE: with a checksum */
	SERVER_WATCHED = 1 << 5,    /* passive_check: what becomes of its new connections is counted */
};

/* `servers` (array), a cache line. Index 0 means none. An index is given to another server only with a new generation. */
struct server {
	__u8 address[16];
	__be16 port;
	__u8 method; /* enum method */
	__u8 flags;  /* enum server_flags */
	__u32 generation;
	__u32 service;
	__u32 role;  /* its service's */
	__u32 weight;
	__u32 ifindex; /* next hop */
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__be16 vlan[2];     /* tags of the next hop, outer first; 0: none */
	__u16 mtu;          /* of the way to it; 0: not known */
	__u8 tunnel;        /* enum tunnel */
	__u8 pad;
	__be16 tunnel_port; /* GUE */
	__u16 reserved;
};

/* `server_extras` (array, an index a server): what only some packets need. */
struct server_extra {
	__u8 outer_source[16]; /* TUN: this LB's address towards the server */
	__u32 upper_threshold; /* 0: none */
	__u32 lower_threshold;
	__u8 former_address[16]; /* FNAT: whose index it was a generation ago, so that ports of then can be given back */
	__be16 former_port;
	__u16 pad;
	__u32 reserved[5];
};

/* `server_load` (array, mmapable): connections of each server, kept by the program, put right by the sweep. */
struct server_load {
	__u32 active;     /* ESTABLISHED */
	__u32 inactive;   /* every other state, UDP included */
	__u32 overloaded; /* passed upper_threshold, and not under lower_threshold since */
	__u32 pad;
};

/* `census` (array, mmapable): what the last sweep counted, in server_load's terms. */

/* `server_stats` (per-CPU array). */
struct server_stats {
	__u64 connections;
	__u64 packets_in, bytes_in;   /* towards the server; bytes are IP total length as the client sent it */
	__u64 packets_out, bytes_out; /* from the server (NAT, FNAT) */
	/* TCP, while SERVER_WATCHED is set; a connection is in one of these at a time: */
	__u64 answered;   /* the server took it. DR, TUN: by what the client sends next */
	__u64 unanswered; /* the client sent its SYN again in a later second, and no answer has come since */
	__u64 refused;    /* NAT, FNAT: the server's answer to the SYN was RST */
};

/* `failed_clients` (array of __u64 by server, mmapable): a bit for the network (IPv4 /24, IPv6 /64) of each client whose connection was not
 * answered or refused. forwardd reads and clears it. */

/* `locals` (array), a cache line: the LIPs of all services. Those that new connections get stand side by side (service.locals). A LIP that moved has
 * two entries, while connections may use the former. Index 0 is never used; an index is given to another LIP only with a new
 * generation. */
struct local {
	__u8 address[16];
	__u32 used;
	__u32 generation;
	__u32 service;
	__u32 reserved;
	__u8 former[16]; /* the LIP of a generation ago, whose ports can still be given back */
	__u32 more[4];
};

/* `flows` (array, mmapable): the connections, a cache line each. A connection lives in one of FLOW_WAYS lines of either of two
 * buckets, which flow_hash names; so look-up, insertion and eviction need no lock and mostly one cache miss, and one entry serves both
 * directions. Who changes `control` from the value it read by compare-and-swap owns the change, and does the counting for it.
 * Established connections are evicted by nothing. A line that is needed and not free is taken from the oldest half-open connection
 * of its buckets, else from the oldest that is closing. */
enum { FLOW_WAYS = 4, FLOW_CANDIDATES = 2 * FLOW_WAYS };

enum flow_state {
	STATE_FREE,
	STATE_BUSY,        /* somebody is writing the line */
	STATE_UDP_NEW,     /* one packet seen */
	STATE_SYN_RECV,    /* SYN seen */
	STATE_SYN_AGAIN,   /* SYN seen again in a later second, and no answer yet */
	STATE_SYN_ACK,     /* NAT, FNAT: the server answered */
	STATE_UDP,         /* a second packet or an answer seen */
	STATE_ESTABLISHED,
	STATE_FIN_WAIT,
	STATE_CLOSE_WAIT,
	STATE_TIME_WAIT,
	STATE_CLOSE,
	STATE_COUNT,
};

enum flow_flags {
	FLOW_ACKNOWLEDGED = 1 << 0, /* FNAT: the server knows the client's address, or is not to be told */
	FLOW_DETAILED = 1 << 1,     /* FNAT: the flow has an entry in `flow_details` */
};

/* control: state, flags, and a number that grows with each use of the line. */
#define CONTROL(state, flags, use) ((__u32)(state) | (__u32)(flags) << 8 | (__u32)(use) << 16)
#define CONTROL_STATE(control) ((__u8)(control))
#define CONTROL_FLAGS(control) ((__u8)((control) >> 8))
#define CONTROL_USE(control) ((__u16)((control) >> 16))

struct flow {
	__u32 control;
	__u32 last_seen;          /* CLOCK_MONOTONIC_COARSE in seconds, written at most once a second */
	__u32 lifetime;           /* seconds without a packet after which it is over */
	__u32 server;
	__u8 client[16];
	__u8 vip[16];
	__be16 client_port;
	__be16 vip_port;
	__u8 protocol;
	__u8 local_generation;    /* low bits of the LIP's */
	__u16 server_generation;  /* low bits of the server's: where they differ the entry is stale */
	__u16 local;              /* FNAT: the LIP */
	__be16 local_port;
	__u16 hop;                /* way to the client; 0: none */
	__u16 route_generation;   /* low bits, of `hop` */
};

/* `flow_details` (hash by a flow's index): what few connections need. There while FLOW_DETAILED is set. */
struct flow_detail {
	__u32 first_sequence; /* PROXY: of the client's first byte of data */
	__u32 grown;          /* PROXY: bytes put before it */
	__u32 version;        /* PROXY: enum client_address, whatever the service has now */
	__u32 reserved;
};

/* `hops` (array): ways to clients, shared by the flows that use them. Written once; forwardd's sweep frees the unused. */
enum { HOPS = 16384, HOP_TRIES = 8, HOP_KEPT = 120 /* seconds */ };
enum hop_state { HOP_FREE, HOP_BUSY, HOP_READY };

struct hop {
	__u32 state;
	__u32 last_used; /* seconds */
	__u32 ifindex;
	__u8 source_mac[6];
	__u8 destination_mac[6];
	__be16 vlan[2];
	__u32 pad;
};

/* `uppers` (hash by interface index): devices that stand on another one (VLAN, macvlan), which frames are to leave by. */
enum { MAX_UPPERS = 4096 };
struct upper {
	__u32 ifindex;  /* of the device below */
	__be16 vlan[2]; /* tags, outer first; 0: none */
};

/* `returns` (array, mmapable): for FNAT the tuple that the server sends leads to its flow. Eight entries a line, return_hash names the line.
 * An entry is 0 or the hash's other half and the flow's index. */
enum { RETURN_WAYS = 8 };
struct return_line {
	__u64 entry[RETURN_WAYS];
};

static inline __u64 hash_mix(__u64 x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

static inline __u64 hash_address(const __u32 word[4], __u64 seed)
{
	__u64 low = (__u64)word[3] << 32 | word[2];

	if (word[0] | word[1])
		low ^= hash_mix(((__u64)word[1] << 32 | word[0]) ^ seed);
	return low;
}

/* Names a connection's buckets: the low half one, the high half the other. salt: 0 where VIP's by_client is set, else vip_salt. */
static inline __u64 flow_hash(const __u32 client[4], __be16 port, __u8 protocol, __u32 salt, const __u64 seed[2])
{
	__u64 rest = (__u64)salt << 32 | (__u32)port << 16 | protocol;

	return hash_mix(hash_mix(hash_address(client, seed[1]) ^ seed[0]) + (rest ^ seed[1]));
}

static inline __u32 vip_salt(const __u32 vip[4], __be16 port)
{
	return (address_mix(vip) ^ port) | 1;
}

/* Of the tuple that a FULLNAT server sends. */
static inline __u64 return_hash(const __u32 local[4], __be16 local_port, const __u32 server[4], __be16 server_port, __u8 protocol,
				__u64 seed)
{
	__u64 ports = (__u64)local_port << 32 | (__u32)server_port << 16 | protocol;

	return hash_mix(hash_mix(hash_address(local, seed) ^ seed) + hash_mix(hash_address(server, seed) ^ ports));
}

/* What tells tuples of one line apart; never 0. */
static inline __u32 return_mark(__u64 hash)
{
	return (__u32)(hash >> 32) | 1;
}

static inline __u64 return_entry(__u64 hash, __u32 index)
{
	return (__u64)return_mark(hash) << 32 | index;
}

/* The index of a connection's line at a step of 0 .. FLOW_CANDIDATES - 1. */
static inline __u32 flow_candidate(__u64 hash, __u32 step, __u32 buckets)
{
	__u32 half = (__u32)(step < FLOW_WAYS ? hash : hash >> 32);

	return (__u32)((__u64)half * buckets >> 32) * FLOW_WAYS + ((half ^ step) & (FLOW_WAYS - 1));
}

/* `drops` (per-CPU array of __u64 by reason): every drop has one. name, explanation for a person. */
#define DROP_REASONS(X) \
	X(truncated, "a header or length goes past the end of the packet: broken or forged, nothing to do") \
	X(fragment, "an IP fragment whose first fragment was not seen: lost, or another way taken; lower the senders' MTU") \
	X(no_server, "a new connection, and no server of the service takes any: see `ballastctl health`") \
	X(no_connection, "a TCP packet of no known connection that does not start one: after expiry, or a scan") \
	X(server_gone, "a packet of a connection whose server or LIP was removed from the configuration") \
	X(unreachable, "the server's MAC address is not known: is it up, is there a route to it?") \
	X(table_full, "a new connection found the connection table full of established ones: raise connection_table_size") \
	X(ttl, "time to live used up on the way through") \
	X(no_route, "no route back to the client") \
	X(tuple_taken, "a client uses one source port to two VIPs that share a NAT server: the answers could not be told apart") \
	X(raced, "two packets that start one connection arrived at once; the client sends again") \
	X(too_big, "a packet too big for the way to its server, whose sender was told so: path MTU discovery, no fault") \
	X(no_local_port, "all ports of the LIPs towards a server are in use: add LIPs to the service's local_address_group") \
	X(no_room, "no room in the frame for a tunnel's or a PROXY header: the driver leaves too little before a packet")

enum drop_reason {
#define X(name, explanation) DROP_##name,
	DROP_REASONS(X)
#undef X
	DROP_COUNT,
};

/* `events` (per-CPU array of __u64 by kind): what happened to a packet or connection without a drop. */
#define EVENTS(X) \
	X(evicted_half_open, "a half-open connection gave way to another: a flood, or a table too small") \
	X(evicted_closing, "a connection that was closing gave way to another: raise connection_table_size") \
	X(toa_left_out, "a client's address could not be passed on: no room among the TCP options, or in the MTU") \
	X(told_too_big, "a client was told to send smaller packets (path MTU discovery)") \
	X(error_delivered, "an ICMP error about a connection's packet was passed on to whom it concerns")

enum event {
#define X(name, explanation) EVENT_##name,
	EVENTS(X)
#undef X
	EVENT_COUNT,
};

/* What the sweep (a `syscall` program) is told and tells. */
struct sweep_result {
	__u32 now;           /* in: seconds as last_seen has them; 0: the kernel's own now */
	__u32 flows;         /* out: entries left */
	__u32 half_open;
	__u32 expired;
};

/* `trace` (array of 1): what a program that was loaded for tracing would have done, in order. */
#define TRACE_STEPS(X) \
	X(alien, "not IPv4 or IPv6 with TCP or UDP inside: left to the kernel") \
	X(not_ours, "neither the destination is a VIP or a LIP nor the source a NAT server: left to the kernel") \
	X(no_service, "the VIP has no service on this port and protocol: left to the kernel") \
	X(standby, "the VIP is another node's now (VRRP): left to the kernel") \
	X(flow, "a known connection, in line") \
	X(expired, "that connection is over: its time is up, in line") \
	X(stale, "that connection's server was removed, in line") \
	X(service, "service") \
	X(server, "server") \
	X(persistent, "its client was sent before to server") \
	X(state, "TCP state becomes") \
	X(nat, "destination becomes the server's address and port; time to live one less") \
	X(direct, "the packet is not changed, it gets the server's MAC address") \
	X(tunnel, "wrapped for the server, kind") \
	X(full_nat, "source becomes LIP") \
	X(local_port, "and its port") \
	X(answer, "an answer of server") \
	X(send, "sent through interface") \
	X(dropped, "dropped")

enum trace_step {
#define X(name, explanation) TRACE_##name,
	TRACE_STEPS(X)
#undef X
	TRACE_COUNT,
};

enum { TRACE_LENGTH = 32 };
struct trace {
	__u32 length;
	struct {
		__u32 step;
		__u32 value;
	} steps[TRACE_LENGTH];
};

#ifdef __cplusplus
static_assert(sizeof(service_key) == 20 && sizeof(service) == 64 && sizeof(cursor) == 64);
static_assert(sizeof(server) == 64 && sizeof(server_extra) == 64 && sizeof(flow) == 64 && sizeof(flow_detail) == 16);
static_assert(sizeof(upper) == 8 && sizeof(hop) == 32 && sizeof(local) == 64 && sizeof(return_line) == 64);
static_assert(sizeof(persistence_key) == 20 && sizeof(persistence_entry) == 12 && sizeof(locality_entry) == 36);
static_assert(sizeof(server_load) == 16 && sizeof(server_stats) == 64 && sizeof(settings) == 64);
#endif

#endif
