#include "tools/realserver/options.hpp"

#include <gmock/gmock.h>

#include "tests/unit/realserver/machine.hpp"

namespace ballast::realserver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string fault(const Words& words) {
  const auto parsed = parse(words);
  return parsed ? "" : parsed.error().message;
}

Words dr(std::vector<std::string> vips) {
  Words words;
  words.mode = "dr";
  words.vips = std::move(vips);
  return words;
}

TEST(RealServerOptions, ListsArePartedByCommasOrRepeated) {
  auto words = dr({"192.0.2.1,192.0.2.2", "2001:db8::1", "192.0.2.1"});
  words.interfaces = {"eth0,eth1"};
  const auto parsed = parse(words);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->vips, ElementsAre(ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1")));
  EXPECT_THAT(parsed->interfaces, ElementsAre("eth0", "eth1"));
}

TEST(RealServerOptions, TrustIsAddressesAndPrefixes) {
  Words words;
  words.mode = "fnat";
  words.trust = {"10.0.1.10,2001:db8::/64"};
  words.cgroup = "/sys/fs/cgroup";
  const auto parsed = parse(words);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->trust, ElementsAre(prefix("10.0.1.10/32"), prefix("2001:db8::/64")));
  EXPECT_EQ(parsed->cgroup, "/sys/fs/cgroup");
}

TEST(RealServerOptions, WhatCannotBeAVip) {
  for (const auto* bad : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.18", "255.255.255.255", "169.254.1.1",
                          "::", "::1", "fe80::1", "ff02::12"}) {
    EXPECT_THAT(fault(dr({bad})), HasSubstr("not an address that clients can reach")) << bad;
  }
  for (const auto* bad : {"", "192.0.2", "192.0.2.1/32", "www.example.org", "192.0.2.1,"}) {
    EXPECT_THAT(fault(dr({bad})), HasSubstr("--vip: ")) << bad;
  }
}

TEST(RealServerOptions, EachOptionHasItsModes) {
  auto words = dr({"192.0.2.1"});
  words.gue_port = 6080;
  EXPECT_EQ(fault(words), "--gue-port belongs to --mode tun, not to dr");
  words = dr({"192.0.2.1"});
  words.cgroup = "/sys/fs/cgroup";
  EXPECT_EQ(fault(words), "--cgroup belongs to --mode fnat, not to dr");
  words = dr({});
  words.mode = "fnat";
  words.trust = {"10.0.0.1"};
  words.interfaces = {"eth0"};
  EXPECT_EQ(fault(words), "--interface belongs to --mode dr or tun, not to fnat");
}

TEST(RealServerOptions, InterfacesThatCannotBeMeant) {
  for (const auto* bad : {"lo", "all", "..", "../../kernel", ""}) {
    auto words = dr({"192.0.2.1"});
    words.interfaces = {bad};
    EXPECT_THAT(fault(words), HasSubstr("name an interface by which packets arrive")) << bad;
  }
}

TEST(RealServerOptions, GuePort) {
  auto words = dr({"192.0.2.1"});
  words.mode = "tun";
  EXPECT_EQ(parse(words)->gue_port, default_gue_port);
  words.gue_port = 0;
  EXPECT_EQ(parse(words)->gue_port, 0);
  words.gue_port = 65536;
  EXPECT_EQ(fault(words), "--gue-port 65536: 0 (none) to 65535");
}

}  // namespace
}  // namespace ballast::realserver
