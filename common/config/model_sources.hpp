#pragma once
// Real servers that are not written down: looked up, and looked up again.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/duration.hpp"
#include "common/net/ip_address.hpp"

namespace ballast::config {

enum class SourceKind : std::uint8_t { dns, dns_srv, file, etcd };
constexpr auto enum_names(SourceKind*) {
  using enum SourceKind;
  using std::pair;
  using std::string_view;
  return std::array{pair{dns, string_view{"dns"}}, pair{dns_srv, string_view{"dns_srv"}},
                    pair{file, string_view{"file"}}, pair{etcd, string_view{"etcd"}}};
}

/// Where servers are looked up: the first line of a `real_servers_from`. What servers are like is a RealServer whose
/// address is unspecified (ServerSource in model.hpp).
struct SourceQuery {
  SourceKind kind = SourceKind::dns;
  std::string name;                        ///< a DNS name, a path, or the prefix of etcd's keys
  std::uint16_t port = 0;                  ///< of servers whose source names none (dns, file)
  std::vector<net::Endpoint> nameservers;  ///< dns: empty: those of /etc/resolv.conf
  std::vector<std::string> endpoints;      ///< etcd: http://HOST:PORT, tried in this order
  std::string ca_file;                     ///< etcd by https: PEM; empty: the system's authorities
  Duration interval = 0s;                  ///< dns: no sooner than so, whatever the TTL says; file: looked at so often
  unsigned most = 256;                     ///< servers; what is beyond is left out, and said
  bool operator==(const SourceQuery&) const = default;
};

/// What a source may say of one server.
struct FoundServer {
  net::Endpoint endpoint;
  std::optional<int> weight;
  auto operator<=>(const FoundServer&) const = default;
};

}  // namespace ballast::config
