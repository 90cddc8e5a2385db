// Routes, rules and links as the kernel takes them and tells them again.
#include <gmock/gmock.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>

#include "common/netlink/route_reconciler.hpp"
#include "common/netlink/socket.hpp"
#include "tests/unit/netlink/network_namespace.hpp"

namespace ballast::netlink {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

net::IpAddress ip_address(const char* text) { return *net::IpAddress::parse(text); }
net::Prefix prefix(const char* text) { return *net::Prefix::parse(text); }

class KernelObjects : public test::InNetworkNamespace {
 protected:
  void SetUp() override {
    InNetworkNamespace::SetUp();
    if (IsSkipped()) return;
    ip({"link", "add", "left", "type", "veth", "peer", "name", "right"});
    ip({"link", "set", "left", "up"});
    ip({"link", "set", "right", "up"});
    ip({"address", "add", "192.0.2.1/24", "dev", "left"});
    ip({"-6", "address", "add", "2001:db8::1/64", "dev", "left", "nodad"});
    left_ = socket().link("left")->index;
  }

  Socket& socket() {
    if (!socket_) socket_.emplace(Socket::open().value());
    return *socket_;
  }

  RouteEntry route(const char* destination, const char* gateway = nullptr) {
    RouteEntry made;
    made.destination = prefix(destination);
    NextHop hop{left_, {}, 0, false, 0};
    if (gateway != nullptr) hop.gateway = ip_address(gateway);
    made.hops = {hop};
    return made;
  }

  std::vector<RouteEntry> routes() { return socket().routes(ballast_route_protocol).value(); }

  /// What was added is told as it was asked for, and is gone after its removal.
  void goes_through(const RouteEntry& wanted) {
    const auto added = socket().add_route(wanted);
    ASSERT_TRUE(added) << wanted.destination.to_string() << ": " << added.error().message;
    ASSERT_EQ(routes().size(), 1U);
    EXPECT_TRUE(satisfies(routes().front(), wanted)) << wanted.destination.to_string();
    ASSERT_TRUE(socket().remove_route(routes().front()));
    EXPECT_THAT(routes(), IsEmpty());
  }

  void goes_through(const RuleEntry& wanted) {
    const auto added = socket().add_rule(wanted);
    ASSERT_TRUE(added) << wanted.priority << ": " << added.error().message;
    EXPECT_THAT(socket().rules().value(), ::testing::Contains(wanted));
    ASSERT_TRUE(socket().remove_rule(wanted));
    EXPECT_THAT(socket().rules().value(), ::testing::Not(::testing::Contains(wanted)));
  }

  std::optional<Socket> socket_;
  int left_ = 0;
};

TEST_F(KernelObjects, RoutesOfEachKindGoThrough) {
  goes_through(route("10.1.0.0/16"));
  goes_through(route("10.1.0.0/16", "192.0.2.9"));
  goes_through(route("0.0.0.0/0", "192.0.2.9"));
  goes_through(route("2001:db8:1::/48", "2001:db8::9"));
  goes_through(route("::/0", "2001:db8::9"));
  goes_through(route("10.1.0.0/16", "2001:db8::9"));  // IPv4 by an IPv6 gateway
  for (const auto kind : {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT, RTN_THROW}) {
    for (const auto* destination : {"10.1.0.0/16", "2001:db8:1::/48"}) {
      auto wanted = route(destination);
      wanted.type = static_cast<std::uint8_t>(kind);
      wanted.hops.clear();
      goes_through(wanted);
    }
  }
}

TEST_F(KernelObjects, RoutesWithEveryOptionGoThrough) {
  auto wanted = route("10.1.0.0/16", "198.51.100.1");
  wanted.hops.front().onlink = true;
  wanted.tos = 0x10;
  wanted.table = 1000;
  wanted.metric = 7;
  wanted.source = ip_address("192.0.2.1");
  wanted.realm = 4U << 16 | 5U;
  wanted.metrics = {{RTAX_LOCK, 1U << RTAX_MTU}, {RTAX_MTU, 1400},    {RTAX_ADVMSS, 1300},
                    {RTAX_HOPLIMIT, 44},         {RTAX_INITCWND, 20}, {RTAX_RTO_MIN, 300}};
  wanted.congestion_control = "cubic";
  goes_through(wanted);
  auto six = route("2001:db8:1::/48", "2001:db8::9");
  six.metric = 88;
  six.preference = ICMPV6_ROUTER_PREF_HIGH;
  six.source = ip_address("2001:db8::1");
  six.metrics = {{RTAX_MTU, 1400}};
  goes_through(six);
}

TEST_F(KernelObjects, RoutesOfSeveralNextHopsGoThrough) {
  for (const auto& [destination, first, second] :
       {std::tuple{"10.1.0.0/16", "192.0.2.8", "192.0.2.9"}, {"2001:db8:1::/48", "2001:db8::8", "2001:db8::9"}}) {
    auto wanted = route(destination, first);
    wanted.hops.front().weight = 4;
    wanted.hops.push_back({left_, ip_address(second), 0, false, 0});
    goes_through(wanted);
  }
}

TEST_F(KernelObjects, ARouteThatCannotBeIsRefusedInTheKernelsWords) {
  const auto refused = socket().add_route(route("10.1.0.0/16", "203.0.113.1"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("invalid gateway"));
}

TEST_F(KernelObjects, RoutesOfOthersAreNotTold) {
  ip({"route", "add", "10.7.0.0/16", "via", "192.0.2.9"});
  EXPECT_THAT(routes(), IsEmpty());
}

TEST_F(KernelObjects, RulesWithEveryOptionGoThrough) {
  RuleEntry wanted;
  wanted.priority = 500;
  wanted.table = 1000;
  goes_through(wanted);
  wanted.from = prefix("10.1.0.0/16");
  wanted.to = prefix("10.2.0.0/16");
  wanted.tos = 0x10;
  wanted.mark = {24, 12};
  wanted.input = "left";
  wanted.output = "right";
  wanted.suppress_prefix_length = 0;
  wanted.suppress_group = 3;
  wanted.users = {1000, 1999};
  wanted.ip_protocol = 17;
  wanted.source_ports = {10, 20};
  wanted.destination_ports = {30, 40};
  wanted.realm = 30U << 16 | 20U;
  wanted.invert = true;
  goes_through(wanted);
  RuleEntry six;
  six.family = net::Family::ipv6;
  six.priority = 501;
  six.from = prefix("2001:db8::/32");
  six.table = 100;
  goes_through(six);
  RuleEntry jump;
  jump.priority = 502;
  jump.action = FR_ACT_GOTO;
  jump.target = 32766;
  goes_through(jump);
  for (const auto action : {FR_ACT_BLACKHOLE, FR_ACT_PROHIBIT, FR_ACT_UNREACHABLE, FR_ACT_NOP}) {
    RuleEntry drop;
    drop.priority = 503;
    drop.action = static_cast<std::uint8_t>(action);
    goes_through(drop);
  }
}

TEST_F(KernelObjects, AMacvlanIsMadeWithItsAddressAndMarkAndMakesNoAddressOfItsOwn) {
  const ChildLink wanted{.name = "vrrp.51",
                         .parent = left_,
                         .mac = *net::MacAddress::parse("00:00:5e:00:01:33"),
                         .group = {},
                         .alias = "ballast"};
  const auto added = socket().add_link(wanted);
  ASSERT_TRUE(added) << added.error().message;
  const auto made = socket().link("vrrp.51");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->kind, "macvlan");
  EXPECT_EQ(made->mac, wanted.mac);
  EXPECT_EQ(made->peer_index, left_);
  EXPECT_EQ(made->alias, "ballast");
  EXPECT_FALSE(made->admin_up);
  ASSERT_TRUE(socket().make_no_link_local_address(made->index));
  ASSERT_TRUE(socket().set_link_up(made->index));
  EXPECT_TRUE(socket().link("vrrp.51")->admin_up);
  for (const auto& address : socket().addresses().value()) EXPECT_NE(address.link, made->index);
  EXPECT_THAT(socket().add_link(wanted).error().message, HasSubstr("cannot make vrrp.51 on left: File exists"));
  ASSERT_TRUE(socket().remove_link(made->index));
  EXPECT_FALSE(socket().link("vrrp.51"));
  EXPECT_TRUE(socket().remove_link(made->index));
}

TEST_F(KernelObjects, Ipv4SettingsAreReadAndWritten) {
  const auto before = socket().ipv4_settings(left_);
  ASSERT_TRUE(before);
  ASSERT_TRUE(before->contains(IPV4_DEVCONF_ARP_IGNORE));
  ASSERT_TRUE(socket().set_ipv4_settings(left_, {{IPV4_DEVCONF_ARP_IGNORE, 1}, {IPV4_DEVCONF_ARPFILTER, 1}}));
  const auto after = socket().ipv4_settings(left_);
  EXPECT_EQ(after->at(IPV4_DEVCONF_ARP_IGNORE), 1U);
  EXPECT_EQ(after->at(IPV4_DEVCONF_ARPFILTER), 1U);
  EXPECT_EQ(after->at(IPV4_DEVCONF_FORWARDING), before->at(IPV4_DEVCONF_FORWARDING));
}

}  // namespace
}  // namespace ballast::netlink
