#pragma once
#include <functional>
#include <map>
#include <optional>
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
    TimePoint deadline;
  };
  static constexpr std::chrono::seconds patience{60};  ///< askers have shorter limits of their own
  static constexpr std::size_t limit_per_connection = 256;

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
  std::map<std::uint64_t, Pending> pending_;  // all wait equally long: in the order of their deadlines
  std::uint64_t next_ = 1;
};

}  // namespace ballast::bus
