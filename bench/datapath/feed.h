/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the feeding programs (feed.bpf.c) are told: a TCP packet and the range of flows to spread it over. */
#ifndef BALLAST_BENCH_FEED_H
#define BALLAST_BENCH_FEED_H

#include <linux/types.h>

enum { FEED_FRAME4 = 60, FEED_FRAME6 = 78, FEED_SERVERS = 8, FEED_MOST_FLOWS = 1 << 20, FEED_FIRST_PORT = 10240 };

struct feed_state {
	__u32 words[16]; /* what follows the Ethernet header; client's last 16 address bits and port, seq, ack, urgent are 0 */
	__u32 macs[3];
	__u16 protocol;  /* of Ethernet, as on the wire */
	__u16 length;    /* of the frame: one that a program made longer or shorter is brought back to it */
	__u32 first;     /* flows [first, first + count); count is a power of two */
	__u32 count;
	__u32 done;      /* packets so far */
	__u32 stride;    /* from a packet's flow to the next one's, odd: every flow has its turn */
};

/* What a FULLNAT server answers to: which server, which LIP (last byte of its address) and port. */
struct feed_answer {
	__u8 server;
	__u8 local;
	__be16 port;
	__u32 pad; /* arrays in memory have elements of 8 bytes at least */
};

#endif
