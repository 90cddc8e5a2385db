#include "daemons/forwardd/xdp/flow_table.hpp"

#include <algorithm>
#include <limits>

namespace ballast::forwardd::xdp {
namespace {

constexpr std::uint64_t lines_per_connection = 3;
/// Eight entries for the six flow lines of two connections: where a flood has filled all of those, a line of entries is
/// full now and then, sixteen of sixteen never.
constexpr std::uint32_t connections_per_return_line = 2;
constexpr std::uint32_t least_return_lines = 16;

}  // namespace

FlowSizes flow_sizes(std::uint32_t connections) {
  const auto lines = std::min<std::uint64_t>(connections * lines_per_connection, std::numeric_limits<int>::max());
  const auto buckets = std::max<std::uint64_t>(lines / layout::FLOW_WAYS, 1);
  return {static_cast<std::uint32_t>(buckets * layout::FLOW_WAYS),
          std::max(connections / connections_per_return_line, least_return_lines)};
}

std::uint32_t connections_of(std::uint32_t lines) {
  return static_cast<std::uint32_t>((lines + lines_per_connection - 1) / lines_per_connection);
}

bool is_half_open(std::uint8_t state) {
  return state == layout::STATE_UDP_NEW || (state >= layout::STATE_SYN_RECV && state <= layout::STATE_SYN_ACK);
}

Result<FlowTable> FlowTable::map(const Map& map) {
  auto lines = MappedArray<layout::flow>::of(map);
  if (!lines) return lines.error();
  FlowTable table;
  table.lines_ = std::move(*lines);
  return table;
}

std::optional<layout::flow> FlowTable::read(std::size_t index) const {
  auto& line = lines_[index];
  const std::atomic_ref control{line.control};
  const auto before = control.load(std::memory_order_acquire);
  if (CONTROL_STATE(before) <= layout::STATE_BUSY) return std::nullopt;
  layout::flow copy;
  std::memcpy(&copy, &line, sizeof copy);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (CONTROL_USE(control.load(std::memory_order_relaxed)) != CONTROL_USE(before)) return std::nullopt;
  return copy;
}

}  // namespace ballast::forwardd::xdp
