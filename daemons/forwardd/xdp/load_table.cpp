#include "daemons/forwardd/xdp/load_table.hpp"

namespace ballast::forwardd::xdp {
namespace {
std::uint32_t read(__u32& counter) { return std::atomic_ref{counter}.load(std::memory_order_relaxed); }
}  // namespace

Result<LoadTable> LoadTable::map(const Map& map) {
  auto entries = MappedArray<layout::server_load>::of(map);
  if (!entries) return entries.error();
  LoadTable table;
  table.entries_ = std::move(*entries);
  return table;
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
