#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/bus/retained.hpp"
#include "common/runtime/clock.hpp"

namespace ballast::bus {

/// Requests handed on to a daemon that have not been answered yet.
class RequestTable {
 public:
  using TimePoint = runtime::TimePoint;
  struct Pending {
    ConnectionId asker = nobody;
    nlohmann::json id;  ///< the asker's own number of it
    ConnectionId target = nobody;
    std::string to;
    std::string method;
    std::chrono::milliseconds patience{RequestTable::patience};
    TimePoint deadline;
  };
  static constexpr std::chrono::seconds patience{60};  ///< for an asker that has named no limit of its own
  static constexpr std::chrono::seconds longest_patience{3'600};
  static constexpr std::size_t limit_of_people = 256;     ///< that wait at a time, of one connection
  static constexpr std::size_t limit_of_daemons = 8'192;  ///< such as one for each program that is a check

  /// The number under which the daemon is asked.
  std::uint64_t add(Pending pending);
  /// The request that an answer is for, if that daemon was asked it.
  std::optional<Pending> answered(std::uint64_t number, ConnectionId target);
  /// The requests to a daemon that is gone. Those of an asker that is gone are forgotten.
  std::vector<Pending> left(ConnectionId id);
  std::vector<Pending> expired(TimePoint now);
  [[nodiscard]] std::size_t count_of(ConnectionId asker) const;
  [[nodiscard]] std::optional<TimePoint> deadline() const;

 private:
  using Entry = std::map<std::uint64_t, Pending>::iterator;
  Pending take(Entry entry);

  std::map<std::uint64_t, Pending> pending_;
  std::set<std::pair<TimePoint, std::uint64_t>> due_;
  std::map<ConnectionId, std::size_t> counts_;
  std::uint64_t next_ = 1;
};

}  // namespace ballast::bus
