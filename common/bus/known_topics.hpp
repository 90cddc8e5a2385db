#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ballast::bus {

/// Which topics a subscriber holds values of, so that it is told of those that vanished while it was not looking.
///
/// A ballastd that has just been started knows only what has been published to it again. What it does not know is not
/// gone: a topic heard from an earlier ballastd is held until its publisher has told all it has (`settled`). So the
/// death of ballastd withdraws nothing. `node/` topics are the exception: a daemon that is not connected is not there.
class KnownTopics {
 public:
  /// Welcomed by the ballastd that calls itself so.
  void connected(const std::string& instance);
  void snapshot_begin(const std::string& prefix);
  void updated(const std::string& topic);
  void withdrawn(const std::string& topic);
  /// The topics below the prefix that are gone; they are forgotten. `settled`: prefixes whose publisher has told all it
  /// has.
  std::vector<std::string> snapshot_end(const std::string& prefix, const std::vector<std::string>& settled);
  /// The same for publishers that became settled later.
  std::vector<std::string> settled(const std::vector<std::string>& prefixes);

 private:
  struct Entry {
    std::uint64_t seen = 0;
    std::uint64_t broker = 0;
  };
  template <class Gone>
  std::vector<std::string> forget(const std::string& prefix, Gone gone);

  std::map<std::string, Entry> entries_;
  std::map<std::string, std::uint64_t> begun_;
  std::string instance_;
  std::uint64_t broker_ = 0;
  std::uint64_t now_ = 0;
};

}  // namespace ballast::bus
