#include "common/bus/request_table.hpp"

#include <algorithm>

namespace ballast::bus {

std::uint64_t RequestTable::add(Pending pending) {
  pending_.emplace(next_, std::move(pending));
  return next_++;
}

std::optional<RequestTable::Pending> RequestTable::answered(std::uint64_t number, ConnectionId target) {
  const auto found = pending_.find(number);
  if (found == pending_.end() || found->second.target != target) return std::nullopt;
  auto result = std::move(found->second);
  pending_.erase(found);
  return result;
}

std::vector<RequestTable::Pending> RequestTable::left(ConnectionId id) {
  std::vector<Pending> result;
  std::erase_if(pending_, [&](auto& entry) {
    if (entry.second.asker == id) return true;
    if (entry.second.target != id) return false;
    result.push_back(std::move(entry.second));
    return true;
  });
  return result;
}

std::vector<RequestTable::Pending> RequestTable::expired(TimePoint now) {
  std::vector<Pending> result;
  while (!pending_.empty() && pending_.begin()->second.deadline <= now) {
    result.push_back(std::move(pending_.begin()->second));
    pending_.erase(pending_.begin());
  }
  return result;
}

std::size_t RequestTable::count_of(ConnectionId asker) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(pending_, [asker](const auto& entry) { return entry.second.asker == asker; }));
}

std::optional<RequestTable::TimePoint> RequestTable::deadline() const {
  if (pending_.empty()) return std::nullopt;
  return pending_.begin()->second.deadline;
}

}  // namespace ballast::bus
