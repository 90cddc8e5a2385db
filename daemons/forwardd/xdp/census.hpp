#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "daemons/forwardd/xdp/layout.hpp"

namespace ballast::forwardd::xdp {

/// Finds counters that drifted. A census takes a while in which connections come and go, so a difference to it means
/// something only when the next census finds the very same. Pure.
class DriftFinder {
 public:
  /// What has to be added (modulo 2^32) to the load of this server to make it true.
  std::optional<layout::server_load> compare(std::uint32_t server, layout::server_load counted,
                                             layout::server_load load);

 private:
  std::map<std::uint32_t, layout::server_load> suspects_;
};

}  // namespace ballast::forwardd::xdp
