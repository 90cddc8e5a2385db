#pragma once
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/netlink/socket.hpp"
#include "daemons/vrrpd/protocol/kernel_plan.hpp"
#include "daemons/vrrpd/shell/host.hpp"

namespace ballast::vrrpd {

/// Something of the plan that cannot be there for now.
struct Problem {
  std::string owner;  ///< an instance; empty: static
  std::string group;  ///< the track_group of something static
  std::string text;
  auto operator<=>(const Problem&) const = default;
};

/// Routes and rules of MASTER instances and static ones. Touches only those of the configuration, this one or the one
/// before.
class RouteKeeper {
 public:
  RouteKeeper(netlink::Socket& kernel, Host& host) : kernel_{kernel}, host_{host} {}

  /// These were of the configuration before: `apply` may remove them.
  void know(const std::vector<config::Route>& routes);
  void know(const std::vector<config::Rule>& rules);
  /// The smallest difference. What was removed by somebody else is put back, but for objects with no_track.
  void apply(const KernelPlan& plan, std::vector<Problem>& problems);
  /// Whether an entry that went away was ours.
  [[nodiscard]] bool is_ours(const netlink::RouteEntry& entry) const;
  [[nodiscard]] bool is_ours(const netlink::RuleEntry& entry) const;
  [[nodiscard]] bool has_any() const { return !routes_.known.empty() || !rules_.known.empty(); }

 private:
  using RouteKey = std::tuple<net::Prefix, std::uint32_t, std::uint32_t, std::uint8_t>;
  using RuleKey = std::tuple<net::Family, std::uint32_t>;
  template <class Object, class Entry, class Key>
  struct Table {
    std::set<Key> known;                 ///< of the configurations: what may be removed
    std::set<std::uint8_t> protocols;    ///< that they are marked with
    std::vector<Owned<Object>> settled;  ///< was there once: put back only if tracked
    std::vector<Entry> foreign;          ///< ours under another protocol's number
  };
  static RouteKey key_of(const netlink::RouteEntry& entry);
  static RuleKey key_of(const netlink::RuleEntry& entry);
  Result<std::vector<netlink::RouteEntry>> read_routes();
  void apply_routes(const KernelPlan& plan, std::vector<Problem>& problems);
  void apply_rules(const KernelPlan& plan, std::vector<Problem>& problems);

  netlink::Socket& kernel_;
  Host& host_;
  Table<config::Route, netlink::RouteEntry, RouteKey> routes_;
  Table<config::Rule, netlink::RuleEntry, RuleKey> rules_;
};

}  // namespace ballast::vrrpd
