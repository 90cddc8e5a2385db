/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs on a real server and ballast-realserver share through pinned maps. Addresses are 16 bytes in network order,
 * IPv4 mapped; ports and MACs as on the wire; everything else host order. */
#ifndef BALLAST_REALSERVER_LAYOUT_H
#define BALLAST_REALSERVER_LAYOUT_H

#include <linux/types.h>

enum { MOST_VIPS = 4096, MOST_PREFIXES = 1024, MOST_MACS = 256 };

/* `tunnel_settings` (array of 1). */
struct tunnel_settings {
	__be16 gue_port;    /* 0: no GUE */
	__u8 trusted_only;  /* unwrap only what comes from a prefix in `tunnel_sources` */
	__u8 pad[5];
};

/* A longest prefix match trie's key; `length` counts in the 16 bytes: IPv4's is 96 more. */
struct prefix_key {
	__u32 length;
	__u8 address[16];
};

struct vip_key {
	__u8 address[16];
};

struct mac_key {
	__u8 bytes[6];
	__u8 pad[2];
};

/* `tunnel_packets` (per CPU array): packets unwrapped, by kind. X(identifier, words) */
#define TUNNEL_KINDS(X) \
	X(ipv4_in_ipv4, "IPv4 in IPv4") \
	X(ipv6_in_ipv4, "IPv6 in IPv4") \
	X(ipv4_in_ipv6, "IPv4 in IPv6") \
	X(ipv6_in_ipv6, "IPv6 in IPv6") \
	X(gue, "GUE") \
	X(gue_direct, "GUE variant 1 (an IP packet directly in UDP)") \
	X(gre, "GRE")

/* `tunnel_drops` (per CPU array): packets for a VIP that were not unwrapped, by reason. */
#define TUNNEL_DROPS(X) \
	X(fragment, "the outer packet is a fragment: raise the MTU between load balancer and server") \
	X(length, "the lengths of outer and inner packet do not agree, or the frame is cut") \
	X(gue_option, "GUE with options, which nobody here understands") \
	X(untrusted, "the outer source is in no prefix given by --trust") \
	X(ecn, "congestion was marked on the way and the inner packet cannot carry the mark (RFC 6040)") \
	X(no_room, "the kernel could not move the frame's begin")

/* `client_counts` (per CPU array): connections accepted, but for `other_family`, which counts answers. */
#define CLIENT_COUNTS(X) \
	X(restored_ipv4, "from a trusted address, with an IPv4 client's address") \
	X(restored_ipv6, "from a trusted address, with an IPv6 client's address") \
	X(late, "of these, told by the first data, not by the handshake") \
	X(absent, "from a trusted address, without a client's address in the handshake") \
	X(malformed, "from a trusted address, with a client's address that is cut or of an unknown length") \
	X(untrusted, "with a client's address from a source in no prefix given by --trust, which is ignored") \
	X(other_family, "times an IPv4 socket had to show the load balancer's address, as its client's is IPv6")

#define X(id, words) KIND_##id,
enum tunnel_kind { TUNNEL_KINDS(X) KIND_COUNT };
#undef X
#define X(id, words) TUNNEL_DROP_##id,
enum tunnel_drop { TUNNEL_DROPS(X) TUNNEL_DROP_COUNT };
#undef X
#define X(id, words) CLIENT_##id,
enum client_count { CLIENT_COUNTS(X) CLIENT_COUNT };
#undef X

#endif
