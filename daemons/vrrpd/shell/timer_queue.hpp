#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <queue>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {

/// All instances' timers behind one timerfd on CLOCK_BOOTTIME. A timer that is put off (as each advertisement does to
/// master_down) costs a hash look-up, no system call and no allocation. The ones next in line that may expire early do
/// so when another one is due.
class TimerQueue {
 public:
  using Handler = std::function<void(std::uint32_t owner, Timer timer, std::uint64_t generation)>;

  TimerQueue(boost::asio::io_context& io, Handler handler);
  void set(std::uint32_t owner, const SetTimer& timer);
  void remove(std::uint32_t owner);

 private:
  struct Slot {
    TimePoint at;
    std::uint64_t generation = 0;
    bool armed = false;
    bool queued = false;
    TimePoint queued_at;  ///< of its entry in the heap that counts
    Duration early{};
  };
  struct Entry {
    TimePoint at;
    std::uint64_t key;
    bool operator>(const Entry& other) const { return at > other.at; }
  };

  static std::uint64_t key_of(std::uint32_t owner, Timer timer) {
    return std::uint64_t{owner} << 8 | static_cast<std::uint64_t>(timer);
  }
  void push(Slot& slot, std::uint64_t key);
  void arm();
  void wait();
  void expire(TimePoint now);

  boost::asio::posix::stream_descriptor descriptor_;
  Handler handler_;
  boost::unordered_flat_map<std::uint64_t, Slot> slots_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;
  TimePoint armed_for_ = TimePoint::max();
  bool expiring_ = false;
};

}  // namespace ballast::vrrpd
