#include "daemons/forwardd/xdp/load_table.hpp"

#include <sys/mman.h>

#include <cerrno>

namespace ballast::forwardd::xdp {
namespace {
std::uint32_t read(__u32& counter) { return std::atomic_ref{counter}.load(std::memory_order_relaxed); }
}  // namespace

Result<LoadTable> LoadTable::map(const Map& map) {
  if (map.info().value_size != sizeof(layout::server_load)) {
    return fail("map {} has values of {} bytes, expected {}", map.name(), map.info().value_size,
                sizeof(layout::server_load));
  }
  const std::size_t count = map.info().max_entries;
  void* memory = mmap(nullptr, count * sizeof(layout::server_load), PROT_READ | PROT_WRITE, MAP_SHARED, map.fd(), 0);
  if (memory == MAP_FAILED) return fail("cannot map {} into memory: {}", map.name(), reason(errno));
  LoadTable table;
  table.entries_ = {static_cast<layout::server_load*>(memory), count};
  return table;
}

LoadTable::~LoadTable() {
  if (!entries_.empty()) munmap(entries_.data(), entries_.size_bytes());
}

layout::server_load LoadTable::get(std::uint32_t server) const {
  if (server >= entries_.size()) return {};
  return {.active = read(entries_[server].active),
          .inactive = read(entries_[server].inactive),
          .overloaded = read(entries_[server].overloaded),
          .pad = 0};
}

bool LoadTable::has_connections(std::uint32_t server) const {
  const auto now = get(server);
  return now.active > 0 || now.inactive > 0;
}

void LoadTable::reset(std::uint32_t server) {
  if (server >= entries_.size()) return;
  std::atomic_ref{entries_[server].active}.store(0, std::memory_order_relaxed);
  std::atomic_ref{entries_[server].inactive}.store(0, std::memory_order_relaxed);
  std::atomic_ref{entries_[server].overloaded}.store(0, std::memory_order_relaxed);
}

void LoadTable::add(std::uint32_t server, std::uint32_t active, std::uint32_t inactive) {
  if (server >= entries_.size()) return;
  std::atomic_ref{entries_[server].active}.fetch_add(active, std::memory_order_relaxed);
  std::atomic_ref{entries_[server].inactive}.fetch_add(inactive, std::memory_order_relaxed);
}

}  // namespace ballast::forwardd::xdp
