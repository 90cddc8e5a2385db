/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* TOA: the TCP option by which a load balancer tells a real server the client's address and port. No includes but types:
 * for whoever writes the option as well as for who reads it. */
#ifndef BALLAST_REALSERVER_TOA_H
#define BALLAST_REALSERVER_TOA_H

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

enum toa_found { TOA_ABSENT, TOA_FOUND, TOA_MALFORMED };

/* Where among the options the first of TOA's two forms begins; TCP_OPTIONS_MOST: nowhere. Its bytes may still be cut.
 * `malformed` is set where one of this kind has neither form's length.
 * Goes from byte to byte and counts down those within an option: the verifier follows that far faster than computed places. */
static inline __attribute__((always_inline)) __u32 toa_locate(const __u8 *options, const void *end, int *malformed)
{
	__u32 within = 0;

	for (__u32 i = 0; i < TCP_OPTIONS_MOST; i++) {
		const __u8 *at = options + i;

		if ((const void *)(at + 2) > end)
			break;
		if (within) {
			within--;
			continue;
		}
		if (at[0] == TCP_OPTION_NOP)
			continue;
		if (at[0] == TCP_OPTION_END || at[1] < 2)
			break;
		if (at[0] == TOA_KIND) {
			if (at[1] == TOA_IPV4_LENGTH || at[1] == TOA_IPV6_LENGTH)
				return i;
			*malformed = 1;
		}
		within = at[1] - 1;
	}
	return TCP_OPTIONS_MOST;
}

/* Looks through TCP options, from behind the fixed header to `end`, the end of the whole header. `client` is set where
 * it is found. */
static inline __attribute__((always_inline)) enum toa_found toa_find(const __u8 *options, const void *end,
								     struct toa_client *client)
{
	int malformed = 0;
	__u32 offset = toa_locate(options, end, &malformed);
	const __u8 *at;

	if (offset >= TCP_OPTIONS_MOST)
		return malformed ? TOA_MALFORMED : TOA_ABSENT;
	at = options + offset;
	if ((const void *)(at + TOA_IPV4_LENGTH) > end)
		return TOA_MALFORMED;
	client->port = ((const struct toa_ipv4 *)at)->port;
	client->pad[0] = client->pad[1] = 0;
	if (at[1] == TOA_IPV4_LENGTH) {
		__builtin_memset(client->address, 0, 10);
		client->address[10] = client->address[11] = 0xff;
		__builtin_memcpy(client->address + 12, ((const struct toa_ipv4 *)at)->address, 4);
		return TOA_FOUND;
	}
	if ((const void *)(at + TOA_IPV6_LENGTH) > end)
		return TOA_MALFORMED;
	__builtin_memcpy(client->address, ((const struct toa_ipv6 *)at)->address, 16);
	return TOA_FOUND;
}

#endif
