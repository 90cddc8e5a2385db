#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>

#include "daemons/vrrpd/protocol/timing.hpp"

namespace ballast::vrrpd::sim {

/// Numbers that follow from a seed alone, the same with every compiler and library (SplitMix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} { state_ = next() ^ 0x2545'f491'4f6c'dd1dU; }

  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9e37'79b9'7f4a'7c15U;
    mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11ebU;
    return mixed ^ mixed >> 31;
  }
  /// 0 to count - 1.
  unsigned below(unsigned count) { return static_cast<unsigned>(next() % count); }
  bool chance(unsigned percent) { return below(100) < percent; }
  Duration between(Duration least, Duration most) {
    return least + Duration{static_cast<std::int64_t>(next() % static_cast<std::uint64_t>((most - least).count() + 1))};
  }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<unsigned>(values.size()))];
  }

 private:
  std::uint64_t state_;
};

}  // namespace ballast::vrrpd::sim
