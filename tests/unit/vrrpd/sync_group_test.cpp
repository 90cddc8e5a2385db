#include "daemons/vrrpd/protocol/sync_group.hpp"

#include "tests/unit/vrrpd/scenario.hpp"

namespace ballast::vrrpd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Two routers of one group on interfaces of their own; orders are carried out as the shell does.
struct SyncGroup : testing::Test {
  SyncGroup() {
    auto second = settings();
    second.name = "VI_2";
    second.interface = "eth1";
    b.instance = Instance{second, true};
    link(a, "eth0", true);
    link(b, "eth1", true);
    on(a, SourceChanged{ip("10.0.0.5"), "sends from 10.0.0.5"});
    on(b, SourceChanged{ip("10.1.0.5"), "sends from 10.1.0.5"});
    on(a, Start{});
    on(b, Start{});
  }

  void on(Scenario& member, const Event& event) {
    const auto before = member.instance.role();
    member.on(event);
    settle(member, before);
  }
  void link(Scenario& member, const std::string& name, bool up) {
    on(member, LinkChanged{name, up, name + (up ? " is up" : " is down")});
  }
  void settle(Scenario& changed, Role before) {
    const std::array<const Instance*, 2> members{&a.instance, &b.instance};
    const std::size_t index = &changed == &a ? 0 : 1;
    for (const auto& [target, order] : consequences("VG_1", members, index, before)) on(target == 0 ? a : b, order);
  }
  void after(Duration span, Scenario& member) {
    const auto before = member.instance.role();
    member.after(span);
    settle(member, before);
  }
  void both_masters() {
    after(4s, a);
    after(4s, b);
    ASSERT_EQ(a.instance.role(), Role::master);
    ASSERT_EQ(b.instance.role(), Role::master);
    a.did();
    b.did();
  }

  Scenario a{settings(), true};
  Scenario b;
};

TEST_F(SyncGroup, BecomesMasterTogetherAndNotBefore) {
  after(4s, a);
  EXPECT_EQ(a.instance.role(), Role::backup) << "VI_2 may still hear a master";
  EXPECT_TRUE(a.instance.wants_master());
  after(4s, b);
  EXPECT_EQ(a.instance.role(), Role::master);
  EXPECT_EQ(b.instance.role(), Role::master);
}

TEST_F(SyncGroup, AMemberThatHearsAMasterHoldsTheOthersBack) {
  for (int i = 0; i < 10; ++i) {
    after(1s, a);
    after(1s, b);
    b.hears("10.1.0.1", 150);
  }
  EXPECT_EQ(a.instance.role(), Role::backup);
  EXPECT_EQ(b.instance.role(), Role::backup);
}

TEST_F(SyncGroup, AMasterHeardAgainEndsTheWish) {
  after(4s, a);
  a.hears("10.0.0.1", 150);
  EXPECT_FALSE(a.instance.wants_master());
  after(4s, b);
  EXPECT_EQ(b.instance.role(), Role::backup);
}

// Found by the simulator: a wish from before a pause made the group MASTER right after it.
TEST_F(SyncGroup, APauseEndsTheWish) {
  after(4s, a);
  ASSERT_TRUE(a.instance.wants_master());
  a.stalls(1min);
  EXPECT_FALSE(a.instance.wants_master());
}

TEST_F(SyncGroup, YieldsTogether) {
  both_masters();
  on(a, Received{150, 1s, ip("10.0.0.2")});
  EXPECT_EQ(b.instance.role(), Role::backup);
  EXPECT_THAT(b.did(),
              ElementsAre("send 0",
                          "MASTER -> BACKUP (VI_1 of group VG_1 yielded: 10.0.0.2 advertises priority 150, ours "
                          "is 100)"));
}

TEST_F(SyncGroup, OnesFaultIsTheFaultOfAllUntilItEnds) {
  both_masters();
  link(b, "eth1", false);
  EXPECT_THAT(a.did(),
              ElementsAre("send 0", "MASTER -> FAULT (VI_2 of group VG_1 is in FAULT: eth1 is down)", "release"));
  link(b, "eth1", true);
  EXPECT_EQ(b.instance.role(), Role::backup);
  EXPECT_THAT(a.did(), ElementsAre("FAULT -> BACKUP (no member of group VG_1 is in FAULT)"));
}

TEST_F(SyncGroup, TwoFaultsMustBothEnd) {
  link(a, "eth0", false);
  link(b, "eth1", false);
  link(a, "eth0", true);
  EXPECT_EQ(a.instance.role(), Role::fault);
  EXPECT_THAT(a.instance.reason(), HasSubstr("VI_2 of group VG_1"));
  link(b, "eth1", true);
  EXPECT_EQ(a.instance.role(), Role::backup);
  EXPECT_EQ(b.instance.role(), Role::backup);
}

}  // namespace
}  // namespace ballast::vrrpd
