#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"

namespace ballast::checkd {

/// Health of one service's servers by what the data path sees of new connections (passive_check). Pure: forwardd's
/// reports, ends of probes and wall-clock time come in; which servers are down by this, and which are to be probed at
/// once, comes out.
///
/// What clients can forge is not taken for a server's word. Where its answers are seen (NAT, FNAT), RSTs in answer to
/// SYNs are its own word, and so is silence to everybody. Anything else is a doubt: silence to some only, and all that
/// is seen with DR, TUN and servers of every port. A doubt makes a server's checks probe at once, and their failure
/// counts at once. A server without checks is down by silence to some (NAT, FNAT), else by silence to everybody.
class PassiveWatch {
 public:
  /// Takes the service's configuration, which has a passive_check. Servers that stay keep what is known of them.
  void configure(const config::VirtualServer& service);

  struct Outcome {
    std::vector<std::string> turned;  ///< servers that are down by this now, or are no more
    std::vector<std::string> probe;   ///< servers whose checks are to probe at once
  };
  /// Whether a server would be up, were it not for this.
  using IsUp = std::function<bool(const std::string& server)>;

  Outcome on_traffic(const bus::ServiceTraffic& traffic, const IsUp& is_up, double now);
  /// A probe has passed, and with it the server's checks: back, if it was held long enough.
  Outcome on_passed(const std::string& server, double now);
  /// Ends of holds: who has no checks comes back, others are probed.
  Outcome on_time(double now);
  /// When the next hold ends; none: no server is held.
  [[nodiscard]] std::optional<double> next() const;

  /// Why a server is down by this; null: it is not.
  [[nodiscard]] const std::string* reason(const std::string& server) const;

 private:
  struct Server {
    bool speaks = false;  ///< what it answers is seen (NAT, FNAT), and clients do not choose its port
    bool checked = false;
    std::optional<bus::ServerTraffic> last{};
    std::string reason{};  ///< empty: not down by this
    double hold = 0;       ///< seconds, the last time it was down
    double until = 0;      ///< that hold's end
    double back = 0;       ///< when it came back last
    bool asked = false;    ///< for a probe after the hold
  };
  enum class Judgement : std::uint8_t { well, doubtful, down };
  struct Suspect {
    std::string name;
    Judgement judgement;
    std::uint64_t failed;
    std::uint64_t total;
    std::string words;
  };
  /// Of one interval, from one report to the next.
  struct Interval {
    std::uint64_t answered = 0, unanswered = 0, refused = 0;
    unsigned clients = 0;
    [[nodiscard]] std::uint64_t failed() const { return unanswered + refused; }
    [[nodiscard]] std::uint64_t total() const { return answered + failed(); }
  };

  static std::optional<Interval> between(const std::optional<bus::ServerTraffic>& before,
                                         const bus::ServerTraffic& now);
  [[nodiscard]] bool is_much(std::uint64_t failed, std::uint64_t total) const;
  [[nodiscard]] Judgement judge(const Server& server, const Interval& interval) const;
  [[nodiscard]] std::string describe(const Interval& interval) const;
  [[nodiscard]] bool may_go_down(const IsUp& is_up) const;
  void take_down(Server& server, std::string words, double now) const;
  static void bring_back(Server& server, double now);

  config::PassiveCheck check_;
  std::map<std::string, Server> servers_;
};

}  // namespace ballast::checkd
