// The configuration's objects as the kernel takes them.
#include "daemons/vrrpd/shell/kernel_entries.hpp"

#include <gmock/gmock.h>
#include <linux/icmpv6.h>
#include <linux/if_addr.h>

namespace ballast::vrrpd {
namespace {

std::optional<int> links(const std::string& name) { return name == "eth0" ? std::optional{2} : std::nullopt; }

config::Route route(const char* destination) {
  config::Route made;
  made.destination = net::Prefix::parse(destination).value();
  made.hops.push_back({net::IpAddress::parse("192.0.2.1").value(), "eth0", 1, false, 0});
  return made;
}

TEST(KernelEntries, ARouteCarriesTheMarkAndItsInterfacesIndex) {
  const auto entry = to_entry(route("10.0.0.0/8"), links);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->protocol, netlink::ballast_route_protocol);
  EXPECT_EQ(entry->hops.front().link, 2);
  auto elsewhere = route("10.0.0.0/8");
  elsewhere.hops.front().interface = "eth9";
  EXPECT_EQ(to_entry(elsewhere, links).error().message, "eth9 does not exist");
}

TEST(KernelEntries, ARoutesMetricsAreTheKernels) {
  auto wanted = route("10.0.0.0/8");
  wanted.metrics = {{"mtu", 1400}, {"features", 1}, {"fastopen_no_cookie", 1}};
  wanted.locked = {"mtu", "congctl"};
  wanted.congestion_control = "cubic";
  const auto entry = to_entry(wanted, links);
  EXPECT_EQ(entry->metrics, (std::map<std::uint16_t, std::uint32_t>{{RTAX_LOCK, 1U << RTAX_MTU | 1U << RTAX_CC_ALGO},
                                                                    {RTAX_MTU, 1400},
                                                                    {RTAX_FEATURES, 1},
                                                                    {RTAX_FASTOPEN_NO_COOKIE, 1}}));
  EXPECT_EQ(entry->congestion_control, "cubic");
}

TEST(KernelEntries, WeightsAreOneLessThanWritten) {
  auto wanted = route("10.0.0.0/8");
  wanted.hops.push_back(wanted.hops.front());
  wanted.hops.back().weight = 256;
  EXPECT_EQ(to_entry(wanted, links)->hops.back().weight, 255);
}

TEST(KernelEntries, ARuleForAllHasNoPrefix) {
  config::Rule rule;
  rule.from = net::Prefix::parse("0.0.0.0/0").value();
  rule.action = config::RuleAction::jump;
  rule.target = 500;
  const auto entry = to_entry(rule);
  EXPECT_FALSE(entry.from);
  EXPECT_EQ(entry.target, 500U);
  EXPECT_EQ(entry.table, 0U);
}

config::VirtualAddress address(const char* prefix) { return {net::Prefix::parse(prefix).value(), "eth0", {}, {}, {}}; }

TEST(KernelEntries, AnIpv6AddressThatMovesIsDeprecatedUnlessItSaysOtherwise) {
  EXPECT_EQ(to_kernel(address("2001:db8::1/64"), 2, true).flags, IFA_F_DEPRECATED);
  EXPECT_EQ(to_kernel(address("2001:db8::1/64"), 2, false).flags, 0U);
  EXPECT_EQ(to_kernel(address("192.0.2.1/24"), 2, true).flags, 0U);
  auto preferred = address("2001:db8::1/64");
  preferred.options.preferred = config::forever;
  EXPECT_EQ(to_kernel(preferred, 2, true).flags, 0U);
  EXPECT_FALSE(to_kernel(preferred, 2, true).preferred);
  preferred.options.preferred = 300;
  EXPECT_EQ(to_kernel(preferred, 2, true).preferred, 300U);
  preferred.options.preferred = 0;
  EXPECT_EQ(to_kernel(preferred, 2, false).flags, IFA_F_DEPRECATED);
}

TEST(KernelEntries, AnAddressHasTheFlagsOfItsOptions) {
  auto all = address("2001:db8::1/64");
  all.options.home = all.options.temporaries = all.options.no_prefix_route = all.options.join = true;
  all.options.detect_duplicates = true;
  const auto made = to_kernel(all, 2, false);
  EXPECT_EQ(made.flags,
            std::uint32_t{IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN});
  EXPECT_TRUE(made.detect_duplicates);
}

}  // namespace
}  // namespace ballast::vrrpd
