/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TOA: the TCP option by which a load balancer tells a real server the client's address and port. No includes but types:
 * for whoever writes the option as well as for who reads it. */
#ifndef BALLAST_TOA_H
#define BALLAST_TOA_H

#include <linux/types.h>

enum { TOA_KIND = 254, TOA_IPV4_LENGTH = 8, TOA_IPV6_LENGTH = 20 };
enum { TCP_OPTION_END = 0, TCP_OPTION_NOP = 1, TCP_OPTIONS_MOST = 40 };

/* The option as on the wire; the address stands at any alignment. */
struct toa_ipv4 {
	__u8 kind;
	__u8 length;
	__be16 port;
	__u8 address[4];
} __attribute__((packed));

struct toa_ipv6 {
	__u8 kind;
	__u8 length;
	__be16 port;
	__u8 address[16];
} __attribute__((packed));

/* A client as TOA tells it: 16 bytes, IPv4 mapped; the port as on the wire. */
struct toa_client {
	__u8 address[16];
	__be16 port;
	__u8 pad[2];
};

_Static_assert(sizeof(struct toa_ipv4) == TOA_IPV4_LENGTH, "as on the wire");
_Static_assert(sizeof(struct toa_ipv6) == TOA_IPV6_LENGTH, "as on the wire");

/* Reads the option at `at`; 0 where it is none of TOA's two forms, or is cut. */
static inline __attribute__((always_inline)) int toa_read(const __u8 *at, const void *end, struct toa_client *client)
{
	if (at[1] == TOA_IPV4_LENGTH && (const void *)(at + TOA_IPV4_LENGTH) <= end) {
		const struct toa_ipv4 *option = (const void *)at;

		__builtin_memset(client, 0, sizeof(*client));
		client->address[10] = client->address[11] = 0xff;
		__builtin_memcpy(client->address + 12, option->address, 4);
		client->port = option->port;
		return 1;
	}
	if (at[1] == TOA_IPV6_LENGTH && (const void *)(at + TOA_IPV6_LENGTH) <= end) {
		const struct toa_ipv6 *option = (const void *)at;

		__builtin_memcpy(client->address, option->address, 16);
		client->port = option->port;
		client->pad[0] = client->pad[1] = 0;
		return 1;
	}
	return 0;
}

/* Looks through TCP options from `at`, behind the fixed header, to `end`, the end of the whole header. 1: `client` is set. */
static inline __attribute__((always_inline)) int toa_find(const __u8 *at, const void *end, struct toa_client *client)
{
	for (int i = 0; i < TCP_OPTIONS_MOST; i++) {
		__u8 length;

		if ((const void *)(at + 1) > end || at[0] == TCP_OPTION_END)
			return 0;
		if (at[0] == TCP_OPTION_NOP) {
			at++;
			continue;
		}
		if ((const void *)(at + 2) > end)
			return 0;
		if (at[0] == TOA_KIND && toa_read(at, end, client))
			return 1;
		length = at[1];
		if (length < 2 || length > TCP_OPTIONS_MOST)
			return 0;
		at += length;
	}
	return 0;
}

#endif
