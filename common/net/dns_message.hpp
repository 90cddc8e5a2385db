#pragma once
// DNS queries and replies (RFC 1035 section 4): a query into bytes, a reply's bytes into values.
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/net/ip_address.hpp"
#include "common/result.hpp"

namespace ballast::net {

namespace dns_type {
constexpr std::uint16_t a = 1;
constexpr std::uint16_t ns = 2;
constexpr std::uint16_t cname = 5;
constexpr std::uint16_t soa = 6;
constexpr std::uint16_t aaaa = 28;
constexpr std::uint16_t srv = 33;  ///< RFC 2782
}  // namespace dns_type

namespace dns_rcode {
constexpr std::uint8_t no_error = 0;
constexpr std::uint8_t server_failure = 2;
constexpr std::uint8_t no_such_name = 3;
}  // namespace dns_rcode
/// `NXDOMAIN (no such name)`, `rcode 17`.
std::string dns_rcode_in_words(std::uint8_t rcode);

// A name is text: labels with dots between, none at the end; the root is `.`. A byte of a label that is a dot, a
// backslash or not printable is written as \DDD (RFC 1035 section 5.1).

struct DnsCname {
  std::string target;
  auto operator<=>(const DnsCname&) const = default;
};

/// RFC 2782. A target `.`: the service is decidedly not there.
struct DnsSrv {
  std::uint16_t priority = 0;  ///< lower ones come first
  std::uint16_t weight = 0;    ///< among those of one priority
  std::uint16_t port = 0;
  std::string target;
  auto operator<=>(const DnsSrv&) const = default;
};

struct DnsRecord {
  std::string name;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;  ///< seconds
  /// Of class IN and type A or AAAA: the address. Of any other type: none.
  std::variant<std::monostate, IpAddress, DnsSrv, DnsCname> data{};
};

struct DnsQuestion {
  std::string name;
  std::uint16_t type = 0;
};

struct DnsReply {
  std::uint16_t id = 0;
  std::uint8_t rcode = 0;
  bool truncated = false;  ///< TC: there is more to be had by TCP; what came whole is here
  std::optional<DnsQuestion> question{};
  std::vector<DnsRecord> answers{};
  std::vector<DnsRecord> additional{};  ///< such as the addresses of SRV's targets
};

/// A query of class IN with recursion desired. With udp_size, an OPT record (RFC 6891) lets the reply be so many bytes
/// long; 0: 512. Over TCP two bytes of length go before it. Errors: the name is too long, or has an empty label.
Result<std::vector<std::uint8_t>> encode_query(std::uint16_t id, std::string_view name, std::uint16_t type,
                                               std::uint16_t udp_size = 0);

/// Errors: a query; a message that ends too early (unless it says that it is truncated); a name that is too long, or
/// that points forward.
Result<DnsReply> parse_reply(std::span<const std::uint8_t> message);

/// Whether that reply is to that query: the same id, name (small and capital letters are one) and type. A server that
/// cannot read a query may leave out the question with an rcode.
bool is_reply_to(const DnsReply& reply, std::uint16_t id, std::string_view name, std::uint16_t type);

/// Small and capital letters are one, a dot at the end is none.
bool same_dns_name(std::string_view left, std::string_view right);

}  // namespace ballast::net
