#include "daemons/forwardd/xdp/migration.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "daemons/forwardd/xdp/map_writer.hpp"

namespace ballast::forwardd::xdp {
namespace {

using Words = const std::uint32_t*;

Words words(const __u8 (&address)[16]) { return reinterpret_cast<Words>(address); }

bool has_bit(const __u8 (&bits)[layout::FILTER_BITS / 8], const __u8 (&address)[16]) {
  const auto hash = layout::address_hash(words(address));
  return (bits[hash >> 3] & (1U << (hash & 7U))) != 0;
}

bool is_same(const layout::flow& a, const layout::flow& b) {
  return a.protocol == b.protocol && a.client_port == b.client_port && a.vip_port == b.vip_port &&
         std::memcmp(a.client, b.client, sizeof a.client) == 0 && std::memcmp(a.vip, b.vip, sizeof a.vip) == 0;
}

bool swap(__u32& word, std::uint32_t from, std::uint32_t to) {
  return std::atomic_ref{word}.compare_exchange_strong(from, to, std::memory_order_acq_rel);
}

/// So many established ones as can be are to find room; the others come after them.
bool is_proved(const layout::flow& flow) {
  const auto state = CONTROL_STATE(flow.control);
  return state == layout::STATE_ESTABLISHED || state == layout::STATE_UDP;
}

}  // namespace

Result<Migration> Migration::between(const Object& from, const Object& to) {
  Migration made;
  made.from_ = &from;
  made.to_ = &to;
  auto constants = constants_of(to.maps);
  if (!constants) return constants.error();
  made.constants_ = *constants;
  auto filters = to.maps.at("filters").get<layout::filters>(0);
  if (!filters) return filters.error();
  made.filters_ = *filters;
  auto old = FlowTable::map(from.maps.at("flows"));
  if (!old) return old.error();
  made.old_ = std::move(*old);
  auto next = FlowTable::map(to.maps.at("flows"));
  if (!next) return next.error();
  made.next_ = std::move(*next);
  auto returns = MappedArray<layout::return_line>::of(to.maps.at("returns"));
  if (!returns) return returns.error();
  made.returns_ = std::move(*returns);
  made.copies_.resize(made.old_.size());
  return made;
}

void Migration::copy() {
  for (const bool proved_ones : {true, false}) {
    for (std::uint32_t index = 0; index < old_.size(); ++index) visit(index, proved_ones);
  }
}

void Migration::visit(std::uint32_t index, bool proved_ones) {
  auto& copy = copies_[index];
  const auto flow = old_.read(index);
  if (copy.line != none && (!flow || CONTROL_USE(flow->control) != CONTROL_USE(copy.control))) take_back(copy);
  if (!flow || is_proved(*flow) != proved_ones) return;
  if (copy.line == none)
    insert(index, *flow, copy);
  else
    refresh(index, *flow, copy);
}

std::uint64_t Migration::hash_of(const layout::flow& flow) const {
  const bool by_client = has_bit(filters_.by_client, flow.vip);
  const auto salt = by_client ? 0 : layout::vip_salt(words(flow.vip), flow.vip_port);
  return layout::flow_hash(words(flow.client), flow.client_port, flow.protocol, salt,
                           reinterpret_cast<const __u64*>(constants_.seed.data()));
}

/// A line that is ours to write; none: there is no free one, or the connection is there already.
std::uint32_t Migration::claim(const layout::flow& flow) {
  const auto hash = hash_of(flow);
  const auto buckets = constants_.flow_lines / layout::FLOW_WAYS;
  std::array<std::uint32_t, 2> free{none, none};
  std::array<unsigned, 2> count{};
  for (std::uint32_t step = 0; step < layout::FLOW_CANDIDATES; ++step) {
    const auto line = layout::flow_candidate(hash, step, buckets);
    const auto other = next_.read(line);
    if (other && is_same(*other, flow)) return none;
    if (CONTROL_STATE(std::atomic_ref{next_.line(line).control}.load()) != layout::STATE_FREE) continue;
    const auto half = step / layout::FLOW_WAYS;
    if (count[half]++ == 0) free[half] = line;
  }
  for (const auto line : count[1] > count[0] ? std::array{free[1], free[0]} : std::array{free[0], free[1]}) {
    if (line == none) continue;
    auto& control = next_.line(line).control;
    const auto seen = std::atomic_ref{control}.load();
    const auto busy = CONTROL(layout::STATE_BUSY, 0, CONTROL_USE(seen) + 1U);
    if (CONTROL_STATE(seen) == layout::STATE_FREE && swap(control, seen, busy)) return line;
  }
  return none;
}

void Migration::insert(std::uint32_t index, const layout::flow& flow, Copy& copy) {
  const auto line = claim(flow);
  if (line == none) return;
  auto& to = next_.line(line);
  const auto busy = std::atomic_ref{to.control}.load();
  const auto free = CONTROL(layout::STATE_FREE, 0, CONTROL_USE(busy));
  std::memcpy(&to.last_seen, &flow.last_seen, sizeof flow - offsetof(layout::flow, last_seen));
  const bool detailed = (CONTROL_FLAGS(flow.control) & layout::FLOW_DETAILED) != 0;
  if ((flow.local_port != 0 && !enter_return(flow, line)) || (detailed && !copy_detail(index, line))) {
    to.local_port = 0;
    std::atomic_ref{to.control}.store(free);
    return;
  }
  const auto written = CONTROL(CONTROL_STATE(flow.control), CONTROL_FLAGS(flow.control), CONTROL_USE(busy));
  std::atomic_ref{to.control}.store(written);
  copy = {.line = line, .control = flow.control, .last_seen = flow.last_seen, .written = written};
}

/// Only where the new table's program has not gone on with it: then that knows better.
void Migration::refresh(std::uint32_t index, const layout::flow& flow, Copy& copy) {
  if (flow.control == copy.control && flow.last_seen == copy.last_seen) return;
  auto& to = next_.line(copy.line);
  const auto written = CONTROL(CONTROL_STATE(flow.control), CONTROL_FLAGS(flow.control), CONTROL_USE(copy.written));
  if ((CONTROL_FLAGS(flow.control) & layout::FLOW_DETAILED) != 0 && !copy_detail(index, copy.line)) return;
  if (!swap(to.control, copy.written, written)) return;
  to.last_seen = std::max(to.last_seen, flow.last_seen);
  to.lifetime = flow.lifetime;
  copy.control = flow.control;
  copy.last_seen = flow.last_seen;
  copy.written = written;
}

/// It ended in the old table.
void Migration::take_back(Copy& copy) {
  auto& to = next_.line(copy.line);
  const auto line = std::exchange(copy.line, none);
  const auto busy = CONTROL(layout::STATE_BUSY, 0, CONTROL_USE(copy.written) + 1U);
  if (!swap(to.control, copy.written, busy)) return;
  if (to.local_port != 0) drop_return(to, line);
  if ((CONTROL_FLAGS(copy.written) & layout::FLOW_DETAILED) != 0) (void)to_->maps.at("flow_details").drop(line);
  to.local_port = 0;
  std::atomic_ref{to.control}.store(CONTROL(layout::STATE_FREE, 0, CONTROL_USE(busy)));
}

/// 0: its LIP or server is another by now, and nothing it sends would be taken for this connection's.
std::uint64_t Migration::hash_of_return(const layout::flow& flow) const {
  const auto local = to_->maps.at("locals").get<layout::local>(flow.local);
  const auto server = to_->maps.at("servers").get<layout::server>(flow.server);
  if (!local || !server || static_cast<std::uint8_t>(local->generation) != flow.local_generation ||
      static_cast<std::uint16_t>(server->generation) != flow.server_generation) {
    return 0;
  }
  return layout::return_hash(words(local->address), flow.local_port, words(server->address),
                             server->port != 0 ? server->port : flow.vip_port, flow.protocol, constants_.seed[0]);
}

bool Migration::enter_return(const layout::flow& flow, std::uint32_t line) {
  const auto hash = hash_of_return(flow);
  if (hash == 0) return false;
  auto& entries = returns_[static_cast<std::uint64_t>(static_cast<std::uint32_t>(hash)) * returns_.size() >> 32U];
  const auto others = [&] {
    return std::ranges::count_if(
        entries.entry, [&](__u64& entry) { return std::atomic_ref{entry}.load() >> 32U == layout::return_mark(hash); });
  };
  if (others() != 0) return false;
  for (auto& entry : entries.entry) {
    __u64 empty = 0;
    if (!std::atomic_ref{entry}.compare_exchange_strong(empty, layout::return_entry(hash, line))) continue;
    // Of the program and us, who both want one tuple, at least one sees the other, as in enter_return() of returns.h.
    if (others() == 1) return true;
    drop_return(flow, line);
    return false;
  }
  return false;
}

void Migration::drop_return(const layout::flow& flow, std::uint32_t line) {
  const auto hash = hash_of_return(flow);
  auto& entries = returns_[static_cast<std::uint64_t>(static_cast<std::uint32_t>(hash)) * returns_.size() >> 32U];
  for (auto& entry : entries.entry) {
    __u64 own = layout::return_entry(hash, line);
    std::atomic_ref{entry}.compare_exchange_strong(own, 0);
  }
}

bool Migration::copy_detail(std::uint32_t from, std::uint32_t to) {
  const auto detail = from_->maps.at("flow_details").get<layout::flow_detail>(from);
  return detail && to_->maps.at("flow_details").put(to, *detail);
}

Migration::Outcome Migration::finish(LoadTable& load) {
  Outcome outcome;
  for (std::uint32_t index = 0; index < old_.size(); ++index) {
    const auto flow = old_.read(index);
    if (!flow) continue;
    if (copies_[index].line != none) {
      ++outcome.moved;
      continue;
    }
    ++outcome.left;
    const bool active = CONTROL_STATE(flow->control) == layout::STATE_ESTABLISHED;
    load.add(flow->server, active ? -1U : 0U, active ? 0U : -1U);
  }
  return outcome;
}

}  // namespace ballast::forwardd::xdp
