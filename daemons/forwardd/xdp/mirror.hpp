#pragma once
// What the data path's maps hold, as forwardd knows it: read at adoption, then kept by applying each written change.
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "daemons/forwardd/xdp/layout.hpp"

namespace ballast::forwardd::xdp {

struct BytesLess {
  template <class T>
  bool operator()(const T& left, const T& right) const {
    return std::memcmp(&left, &right, sizeof(T)) < 0;
  }
};
using Keys = std::map<layout::service_key, std::uint32_t, BytesLess>;

template <class T>
bool same_bytes(const T& left, const T& right) {
  return std::memcmp(&left, &right, sizeof(T)) == 0;
}

/// What is known of a service's table: digests of what it was made from and of its slots; 0: not known.
struct TableDigest {
  std::uint64_t inputs = 0;
  std::uint64_t slots = 0;
};

struct Limits {
  std::uint32_t services = 0;
  std::uint32_t servers = 0;
  std::uint32_t roles = 0;
  std::uint32_t locals = 0;
};

struct Mirror {
  Limits limits;
  Keys keys;
  std::vector<layout::service> services;     ///< up to the last that was ever used
  std::vector<layout::server> servers;       ///< as above; a free one keeps its generation
  std::vector<layout::server_extra> extras;  ///< by server
  std::vector<std::uint32_t> roles;
  std::vector<layout::local> locals;  ///< up to the last that was ever used; a free one keeps its generation
  std::vector<TableDigest> tables;    ///< by service
  layout::filters filters{};
};

// One write into the maps each.
struct PutServer {
  std::uint32_t index;
  layout::server value;
  layout::server_extra extra;
  bool fresh;  ///< another server than before: its counters start at 0
};
struct PutService {
  std::uint32_t index;
  layout::service value;
};
struct PutTable {
  std::uint32_t service;
  std::vector<std::uint32_t> slots;  ///< empty: the service has no table
  TableDigest digest;
  bool known;  ///< the kernel has these slots already: only the digest is remembered
};
struct PutRole {
  std::uint32_t index;
  std::uint32_t value;
};
struct PutLocal {
  std::uint32_t index;
  layout::local value;
};
struct PutFilters {
  std::shared_ptr<const layout::filters> value;
};
struct PutKey {
  layout::service_key key;
  std::uint32_t service;
};
struct DropKey {
  layout::service_key key;
};
using Change = std::variant<PutServer, PutService, PutTable, PutRole, PutLocal, PutFilters, PutKey, DropKey>;

/// Makes the mirror show what a change wrote.
void apply(Mirror& mirror, const Change& change);

std::uint64_t digest_of(std::span<const std::uint32_t> slots);

}  // namespace ballast::forwardd::xdp
