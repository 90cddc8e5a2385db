#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"
#include "daemons/checkd/sources/pace.hpp"

namespace ballast::checkd {

/// Which addresses can be servers of a service.
struct Families {
  bool ipv4 = true;
  bool ipv6 = true;
  bool operator==(const Families&) const = default;
};

/// Those of the service's addresses; of both where its method carries the one in the other (TUN) or translates (FNAT,
/// from IPv6).
Families families_of(const config::VirtualServer& service);

/// What one look-up has found.
struct Found {
  std::vector<config::FoundServer> servers;
  std::string note;  ///< what was left out, in words; empty: nothing
};

/// What one source has said, and what is made of it. Pure.
///
/// The last good list stays when a look-up fails or finds nothing. A list that changes again and again is followed 5
/// times at once, then every 5 s: forwarding is rebuilt no more often than so, whatever a source does.
class SourceMemory {
 public:
  struct Now {
    runtime::TimePoint steady;
    double unix = 0;  ///< for people
  };
  struct Step {
    bool publish = false;
    std::vector<bus::Event> events{};
    std::optional<config::Duration> again{};  ///< call on_time() after so long
  };

  SourceMemory(std::string service, unsigned number, config::SourceQuery query, Families wanted);

  /// Begins with what an earlier process had found.
  void recall(const bus::SourceState& kept);
  void renumber(unsigned number) { state_.number = number; }

  Step on_found(Found found, const Now& now);
  Step on_failure(const std::string& why, const Now& now);
  /// A list that waited for its turn is taken.
  Step on_time(const Now& now);

  [[nodiscard]] const bus::SourceState& state() const { return state_; }

 private:
  Step take(std::vector<config::FoundServer> servers, std::string note, const Now& now);
  void adopt(std::vector<config::FoundServer> servers, const Now& now, Step& step);
  void become(bool good, const Now& now, Step& step);
  void say(std::string reason, Step& step);
  [[nodiscard]] bus::Event event(std::string_view severity, std::string_view text, const Now& now) const;

  config::SourceQuery query_;
  Families wanted_;
  std::string title_;  ///< `SRV _http._tcp.example.com`
  bus::SourceState state_;
  std::optional<std::vector<config::FoundServer>> waiting_;
  Allowance changes_;
  Allowance words_;
  bool told_bad_ = false;
};

}  // namespace ballast::checkd
