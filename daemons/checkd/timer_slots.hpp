#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace ballast::checkd {

class TimerSlots;

/// Something that is due at some time, kept in a list of those due about then. Leaves it when it ends.
class Alarm {
 public:
  Alarm() = default;
  virtual ~Alarm() { take_out(); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  [[nodiscard]] bool is_set() const { return next_ != nullptr; }
  /// Its time has come; it is set no more. It may set or end itself and others.
  virtual void ring() = 0;
  /// Its time will not come: what waits for it is thrown away. It may end itself.
  virtual void drop() = 0;

 protected:
  void take_out() noexcept;

 private:
  friend class TimerSlots;
  Alarm* previous_ = nullptr;
  Alarm* next_ = nullptr;
  std::uint64_t due_ = 0;
};

/// Tens of thousands of alarms, each set and taken out in constant time, with the precision of one tick. Those of one
/// tick ring together: for a process that has something to do all the time, ten at once are cheaper than one ten times.
/// Pure; time is counted from any point on, and never goes back.
class TimerSlots {
 public:
  using Time = std::chrono::nanoseconds;
  static constexpr std::chrono::milliseconds tick{5};

  explicit TimerSlots(Time now);
  ~TimerSlots();
  TimerSlots(const TimerSlots&) = delete;
  TimerSlots& operator=(const TimerSlots&) = delete;

  /// Never rings before `due`; one that was set already is set anew.
  void set(Alarm& alarm, Time due);
  /// Rings all that are due.
  void run(Time now);
  /// Drops all.
  void clear();
  /// When to call `run` next, perhaps for nothing; none: no alarm is set.
  [[nodiscard]] std::optional<Time> next() const;

 private:
  static constexpr std::size_t slot_count = 1024;  // 5 s; what is due later is passed over once each round
  struct Head final : Alarm {
    void ring() override {}
    void drop() override {}
  };
  static void append(Head& head, Alarm& alarm) noexcept;
  static bool is_empty(const Head& head) { return head.next_ == nullptr || head.next_ == &head; }
  void collect(Head& due, std::uint64_t slot);

  std::array<Head, slot_count> slots_;
  std::uint64_t done_;  ///< the last tick that has been run
};

}  // namespace ballast::checkd
