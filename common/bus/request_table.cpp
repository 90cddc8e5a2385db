#include "common/bus/request_table.hpp"

namespace ballast::bus {

std::uint64_t RequestTable::add(Pending pending) {
  due_.emplace(pending.deadline, next_);
  ++counts_[pending.asker];
  pending_.emplace(next_, std::move(pending));
  return next_++;
}

RequestTable::Pending RequestTable::take(Entry entry) {
  auto result = std::move(entry->second);
  due_.erase({result.deadline, entry->first});
  if (const auto count = counts_.find(result.asker); --count->second == 0) counts_.erase(count);
  pending_.erase(entry);
  return result;
}

std::optional<RequestTable::Pending> RequestTable::answered(std::uint64_t number, ConnectionId target) {
  const auto found = pending_.find(number);
  if (found == pending_.end() || found->second.target != target) return std::nullopt;
  return take(found);
}

std::vector<RequestTable::Pending> RequestTable::left(ConnectionId id) {
  std::vector<Pending> result;
  for (auto entry = pending_.begin(); entry != pending_.end();) {
    const auto current = entry++;
    const bool asked = current->second.target == id;
    if (!asked && current->second.asker != id) continue;
    auto pending = take(current);
    if (asked && pending.asker != id) result.push_back(std::move(pending));
  }
  return result;
}

std::vector<RequestTable::Pending> RequestTable::expired(TimePoint now) {
  std::vector<Pending> result;
  while (!due_.empty() && due_.begin()->first <= now) result.push_back(take(pending_.find(due_.begin()->second)));
  return result;
}

std::size_t RequestTable::count_of(ConnectionId asker) const {
  const auto found = counts_.find(asker);
  return found == counts_.end() ? 0 : found->second;
}

std::optional<RequestTable::TimePoint> RequestTable::deadline() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

}  // namespace ballast::bus
