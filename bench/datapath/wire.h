/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the sink (wire.bpf.c) tells. */
#ifndef BALLAST_BENCH_WIRE_H
#define BALLAST_BENCH_WIRE_H

#include <linux/types.h>

enum { WIRE_STEP = 1024 };

struct wire_count {
	__u64 packets;
	__u64 first, last;    /* nanoseconds: of the first packet, and of the latest that was a multiple of WIRE_STEP */
	__u64 packets_last;   /* before that latest */
};

#endif
