#pragma once
// What a DNS reply says of servers. Pure.
#include <string_view>
#include <vector>

#include "common/net/dns_message.hpp"

namespace ballast::checkd {

struct Addresses {
  std::vector<net::IpAddress> list;
  std::uint32_t ttl = 0;  ///< seconds: the shortest of the records that led here
};

struct Targets {
  std::vector<net::DnsSrv> list;  ///< those of the lowest priority
  std::uint32_t ttl = 0;
};

/// The addresses of that type and name, by way of the CNAMEs in the reply; none is no error, NXDOMAIN is one.
Result<Addresses> addresses_in(const net::DnsReply& reply, std::string_view name, std::uint16_t type);
/// Where the service of that name is to be had. A target `.` is none (RFC 2782).
Result<Targets> targets_in(const net::DnsReply& reply, std::string_view name);
/// The addresses that came along with an SRV reply.
Addresses additional_addresses(const net::DnsReply& reply, std::string_view name, std::uint16_t type);

/// `NXDOMAIN`
std::string rcode_name(std::uint8_t rcode);

/// The nameservers of a resolv.conf(5), at most 3; none: 127.0.0.1.
std::vector<net::Endpoint> parse_resolv_conf(std::string_view text);

}  // namespace ballast::checkd
