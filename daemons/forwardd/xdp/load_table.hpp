#pragma once
#include <atomic>
#include <span>

#include "daemons/forwardd/xdp/bpf_map.hpp"
#include "daemons/forwardd/xdp/layout.hpp"

namespace ballast::forwardd::xdp {

/// An array of server_load in the kernel's memory, read and corrected without system calls. Only pages that are touched
/// become resident.
class LoadTable {
 public:
  LoadTable() = default;
  static Result<LoadTable> map(const Map& map);
  LoadTable(LoadTable&& other) noexcept : entries_{std::exchange(other.entries_, {})} {}
  LoadTable& operator=(LoadTable&& other) noexcept {
    std::swap(entries_, other.entries_);
    return *this;
  }
  ~LoadTable();

  [[nodiscard]] layout::server_load get(std::uint32_t server) const;
  /// Open or not yet forgotten ones.
  [[nodiscard]] bool has_connections(std::uint32_t server) const;
  void reset(std::uint32_t server);
  /// Adds differences (modulo 2^32) while the data path goes on counting.
  void add(std::uint32_t server, std::uint32_t active, std::uint32_t inactive);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  std::span<layout::server_load> entries_;
};

}  // namespace ballast::forwardd::xdp
