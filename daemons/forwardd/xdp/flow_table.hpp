#pragma once
// The connection table as user space sees it: the program's own lines, mapped into memory.
#include <atomic>
#include <optional>

#include "daemons/forwardd/xdp/layout.hpp"
#include "daemons/forwardd/xdp/mapped_array.hpp"

namespace ballast::forwardd::xdp {

/// Sizes of the connection maps for so many connections at once.
struct FlowSizes {
  std::uint32_t lines = 0;
  std::uint32_t return_lines = 0;
};
/// Three lines a connection: so full that both buckets of a new one have no line for it, the table is not before.
FlowSizes flow_sizes(std::uint32_t connections);
std::uint32_t connections_of(std::uint32_t lines);

[[nodiscard]] bool is_half_open(std::uint8_t state);

class FlowTable {
 public:
  static Result<FlowTable> map(const Map& map);

  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  /// A copy of a line that is in use and did not change while it was read.
  [[nodiscard]] std::optional<layout::flow> read(std::size_t index) const;
  /// The line itself: the program may change it at any time.
  [[nodiscard]] layout::flow& line(std::size_t index) const { return lines_[index]; }

  /// Calls `take(index, flow)` for every connection until it answers false.
  template <class Take>
  void for_each(Take take) const {
    for (std::size_t index = 0; index < lines_.size(); ++index) {
      if (const auto flow = read(index); flow && !take(index, *flow)) return;
    }
  }

 private:
  MappedArray<layout::flow> lines_;
};

}  // namespace ballast::forwardd::xdp
