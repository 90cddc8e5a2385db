#pragma once
// Maps that a plan is carried out on, and what must hold between any two writes.
#include <gmock/gmock.h>

#include <set>

#include "daemons/forwardd/xdp/filters.hpp"
#include "daemons/forwardd/xdp/planner.hpp"

namespace ballast::forwardd::xdp {
using bus::ServerStatus;

inline net::Endpoint endpoint(const std::string& text) { return *net::Endpoint::parse(text); }
inline net::IpAddress ip(const std::string& text) { return *net::IpAddress::parse(text); }

inline DesiredServer server(const std::string& text, int weight = 1) {
  return {.endpoint = endpoint(text), .method = config::Method::nat, .weight = weight, .status = ServerStatus::up};
}

inline DesiredService service(const std::string& vip, std::vector<DesiredServer> servers) {
  DesiredService made;
  made.name = "tcp:" + vip;
  made.endpoints = {endpoint(vip)};
  made.scheduler = config::Scheduler::rr;
  made.servers = std::move(servers);
  return made;
}

/// The maps, as far as the planner sees them, and what a running forwardd does with a plan.
class PlannerTest : public ::testing::Test {
 protected:
  PlannerTest() {
    maps.limits = {.services = 8, .servers = 16, .roles = 4, .locals = 16};
    desired.services = {service("203.0.113.10:80", {server("10.0.0.1:80"), server("10.0.0.2:80")})};
  }

  Plan make(PlannedServices before = {}) {
    return make_plan(
        maps, desired, find_in(hops), [this](std::uint32_t server) { return busy.contains(server); },
        std::move(before));
  }

  void run() {
    plan = make(std::move(plan.services));
    for (const auto& change : plan.changes) {
      apply(maps, change);
      check_invariants();
    }
    EXPECT_THAT(make(plan.services).changes, ::testing::SizeIs(make().changes.size()))
        << "what is passed over needs no write";
  }

  /// At no point between two writes may a packet meet a key without its service or an answer pass by.
  void check_invariants() {
    for (const auto& [key, index] : maps.keys) {
      const bool names_vip = key.port == 0 && key.protocol == 0;
      ASSERT_LT(index, maps.services.size());
      EXPECT_EQ(maps.services[index].used, names_vip ? 0U : 1U);
      const auto bit = filter_bit(net::IpAddress::v6(key.address));
      EXPECT_NE(maps.filters.destination[bit / 8] & 1U << (bit % 8), 0) << "a key that the filter hides";
    }
    for (std::uint32_t index = 1; index < maps.servers.size(); ++index) {
      const auto& server = maps.servers[index];
      if ((server.flags & layout::SERVER_USED) == 0 || server.method != layout::METHOD_NAT) continue;
      const auto bit = filter_bit(net::IpAddress::v6(server.address));
      EXPECT_NE(maps.filters.source[bit / 8] & 1U << (bit % 8), 0) << "a NAT server whose answers pass by";
    }
    for (const auto& service : maps.services) {
      for (const auto& range : service.locals) {
        for (std::uint32_t index = range.first; index < range.first + std::uint32_t{range.count}; ++index) {
          const auto& local = maps.locals.at(index);
          EXPECT_EQ(local.used, 1U) << "a new connection would get a LIP that is none";
          const auto bit = filter_bit(net::IpAddress::v6(local.address));
          EXPECT_NE(maps.filters.local[bit / 8] & 1U << (bit % 8), 0) << "a LIP that the filter hides";
        }
      }
    }
  }

  template <class T>
  std::vector<T> changes() {
    std::vector<T> found;
    for (const auto& change : plan.changes) {
      if (const auto* one = std::get_if<T>(&change)) found.push_back(*one);
    }
    return found;
  }

  std::uint32_t index_of(const std::string& name, const std::string& text) {
    return plan.services.at(name).servers.at(text);
  }
  /// The LIPs that new connections of the service get.
  std::vector<std::string> locals_in(const layout::local_range& range) {
    std::vector<std::string> found;
    for (std::uint32_t index = range.first; index < range.first + std::uint32_t{range.count}; ++index)
      found.push_back(net::IpAddress::v6(maps.locals.at(index).address).to_string());
    return found;
  }
  layout::local_range range4(const std::string& name = web_name) {
    return maps.services.at(plan.services.at(name).index).locals[0];
  }
  layout::local_range range6(const std::string& name = web_name) {
    return maps.services.at(plan.services.at(name).index).locals[1];
  }
  void have_locals(DesiredService& service, const std::vector<std::string>& locals) {
    service.local_addresses.clear();
    for (const auto& text : locals) service.local_addresses.push_back(ip(text));
    run();
  }
  std::size_t used_locals() {
    return static_cast<std::size_t>(
        std::ranges::count_if(maps.locals, [](const auto& local) { return local.used != 0; }));
  }

  static constexpr RoleState master{.forwarding = true, .known = true};
  static constexpr RoleState backup{.forwarding = false, .known = true};
  DesiredService& web() { return desired.services[0]; }
  static constexpr auto web_name = "tcp:203.0.113.10:80";

  Mirror maps;
  DesiredState desired;
  NextHops hops;
  std::set<std::uint32_t> busy;  ///< servers that have connections
  Plan plan;
};

}  // namespace ballast::forwardd::xdp
