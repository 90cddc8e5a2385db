#pragma once
#include <deque>
#include <vector>

#include "common/bus/messages.hpp"

namespace ballast::bus {

/// The last events, oldest first.
class EventRing {
 public:
  static constexpr std::size_t capacity = 10'000;

  void add(Event event) {
    if (events_.size() == capacity) events_.pop_front();
    events_.push_back(std::move(event));
  }
  /// The last `limit` of them.
  [[nodiscard]] std::vector<Event> last(std::size_t limit) const {
    const auto count = std::min(limit, events_.size());
    return {events_.end() - static_cast<std::ptrdiff_t>(count), events_.end()};
  }

 private:
  std::deque<Event> events_;
};

}  // namespace ballast::bus
