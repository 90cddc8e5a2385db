#pragma once
#include <atomic>

#include "daemons/forwardd/xdp/layout.hpp"
#include "daemons/forwardd/xdp/mapped_array.hpp"

namespace ballast::forwardd::xdp {

/// An array of server_load in the kernel's memory.
class LoadTable {
 public:
  static Result<LoadTable> map(const Map& map);

  [[nodiscard]] layout::server_load get(std::uint32_t server) const;
  /// Open or not yet forgotten ones.
  [[nodiscard]] bool has_connections(std::uint32_t server) const;
  void reset(std::uint32_t server);
  /// Adds differences (modulo 2^32) while the data path goes on counting.
  void add(std::uint32_t server, std::uint32_t active, std::uint32_t inactive);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  MappedArray<layout::server_load> entries_;
};

}  // namespace ballast::forwardd::xdp
