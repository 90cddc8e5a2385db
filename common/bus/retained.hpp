#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/bus/framing.hpp"

namespace ballast::bus {

using ConnectionId = std::uint64_t;
constexpr ConnectionId nobody = 0;  ///< no connection: ballastd itself

/// The last value of every topic, as the frame that tells it.
class Retained {
 public:
  struct Entry {
    FrameBytes frame;
    ConnectionId publisher = nobody;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  /// The frame to hand on, or nothing when the value is what it was.
  FrameBytes set(const std::string& topic, const nlohmann::json& value, ConnectionId publisher);
  /// The frame that tells of the end, or nothing when there was no such topic.
  FrameBytes erase(const std::string& topic);
  /// Topics below a prefix.
  [[nodiscard]] std::vector<std::string> below(const std::string& prefix) const;
  /// Topics below a prefix that others than this connection told.
  [[nodiscard]] std::vector<std::string> not_of(ConnectionId publisher, const std::string& prefix) const;
  /// The value; null when there is none.
  [[nodiscard]] nlohmann::json value(const std::string& topic) const;
  [[nodiscard]] const Entries& entries() const { return entries_; }

 private:
  Entries entries_;
};

}  // namespace ballast::bus
