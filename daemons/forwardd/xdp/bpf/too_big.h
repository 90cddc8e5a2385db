/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A client's packet that is too big for the way to its server: it is told so (RFC 1191, RFC 8201), where it came from. */
#ifndef BALLAST_TOO_BIG_H
#define BALLAST_TOO_BIG_H

#include "report.h"

struct told {
	__u32 second;
	__u32 count;
};
ARRAY_OF(tellings, BPF_MAP_TYPE_PERCPU_ARRAY, 1, struct told, 0);

static __always_inline int may_tell(void)
{
	__u32 zero = 0, now = seconds_now();
	struct told *told = bpf_map_lookup_elem(&tellings, &zero);

	if (!told || tracing)
		return 0;
	if (told->second != now) {
		told->second = now;
		told->count = 0;
	}
	return told->count++ < TOLD_A_SECOND;
}

static __always_inline int quote_packet(const struct packet *p, struct report *report)
{
	void *end = (void *)(long)p->ctx->data_end;

	copy_address(report->source, p->key.destination);
	copy_address(report->destination, p->key.source);
	report->quoted = p->key;
	report->tuple_sum = sum_of_tuple(&report->quoted);
	report->inner_payload = p->payload_length;
	report->l4 = offset_of(p, p->l4);
	report->end = report->l4 + p->payload_length;
	report->is_ipv6 = p->is_ipv6;
	report->traffic_class = CONTROL_CLASS;
	report->ttl = OUTER_TTL;
	report->inner_fragment = 0;
	report->inner_id = 0;
	if (p->is_ipv6) {
		if ((void *)(p->ip6 + 1) > end)
			return 0;
		report->inner_class = bpf_ntohl(*(__be32 *)p->ip6) >> 20;
		report->inner_ttl = p->ip6->hop_limit;
		report->type = ICMP6_TOO_BIG;
		report->code = 0;
	} else {
		if ((void *)(p->ip4 + 1) > end)
			return 0;
		report->inner_class = p->ip4->tos;
		report->inner_ttl = p->ip4->ttl;
		report->inner_fragment = p->ip4->frag_off;
		report->inner_id = p->ip4->id;
		report->type = ICMP4_UNREACHABLE;
		report->code = ICMP4_TOO_BIG;
	}
	return 1;
}

/* The packet becomes a report to its sender, at most TOLD_A_SECOND times a second on a CPU; it is counted as dropped all the same. A
 * later fragment's sender was told about the first. mtu: what it may send. */
static __noinline int tell_too_big(struct packet *p, __u32 mtu)
{
	struct report_room *room = report_of_cpu();
	struct ethhdr *eth = frame_of(p);
	struct ethhdr from;
	__be16 vlan[VLAN_TAGS];
	const struct way way = {
		.ifindex = p->ctx->ingress_ifindex,
		.source_mac = from.h_dest,
		.destination_mac = from.h_source,
		.vlan = vlan,
	};
	const __be16 untagged[VLAN_TAGS] = {};

	if (!room || p->fragment == FRAGMENT_LATER || !may_tell() || (void *)(eth + 1) > (void *)(long)p->ctx->data_end ||
	    !quote_packet(p, &room->report))
		return drop(DROP_too_big);
	from = *eth;
	vlan[0] = p->vlan[0];
	vlan[1] = p->vlan[1];
	room->report.rest = bpf_htonl(mtu);
	if (!write_report(p->ctx))
		return drop(DROP_no_room);
	count_event(EVENT_told_too_big);
	drop(DROP_too_big);
	return send_frame(p->ctx, 0, untagged, &way);
}

#endif
