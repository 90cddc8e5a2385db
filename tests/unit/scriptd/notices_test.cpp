#include "daemons/scriptd/policy/notices.hpp"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::scriptd {
namespace {

using bus::VrrpRole;
using testing::ElementsAre;
using testing::IsEmpty;

config::Command command(const std::string& text) { return {{text}, "", ""}; }

config::Model model(bool says_deleted = true) {
  config::VrrpInstance instance;
  instance.name = "VI_1";
  instance.notify.master = command("/m");
  instance.notify.backup = command("/b");
  instance.notify.stop = command("/s");
  instance.notify.deleted = command("/d");
  instance.notify.fault = command("/f");
  instance.notify.lower_priority = command("/lower");
  instance.notify.any = command("/any");
  instance.notify.says_deleted = says_deleted;
  instance.notify.priority_changes = true;
  config::VrrpSyncGroup group;
  group.name = "G";
  group.notify.any = command("/group");
  config::Model made;
  made.vrrp_instances.push_back(instance);
  made.vrrp_sync_groups.push_back(group);
  return made;
}

bus::VrrpState state(VrrpRole role, int priority = 150, std::uint64_t rivals = 0) {
  bus::VrrpState made;
  made.name = "VI_1";
  made.state = role;
  made.priority = priority;
  made.rivals = rivals;
  return made;
}

std::vector<std::string> text(const std::vector<Notice>& notices) {
  std::vector<std::string> lines;
  for (const auto& notice : notices) {
    auto line = fifo_line(notice);
    line.back() = ':';
    for (const auto& each : notice.commands) line += fmt::format(" [{}]", fmt::join(each.words, " "));
    lines.push_back(line);
  }
  return lines;
}

class Telling : public testing::Test {
 protected:
  std::vector<std::string> hears(VrrpRole role, int priority = 150, std::uint64_t rivals = 0) {
    return text(teller.on_instance("VI_1", state(role, priority, rivals)));
  }
  Teller teller{{}};
};

TEST_F(Telling, ANewRoleIsToldOnceToItsOwnProgramAndThenToNotify) {
  EXPECT_THAT(text(teller.configure(model())), IsEmpty());
  EXPECT_THAT(hears(VrrpRole::init), IsEmpty());
  EXPECT_THAT(hears(VrrpRole::backup),
              ElementsAre("INSTANCE \"VI_1\" BACKUP 150: [/b] [/any INSTANCE VI_1 BACKUP 150]"));
  EXPECT_THAT(hears(VrrpRole::backup), IsEmpty());
  EXPECT_THAT(hears(VrrpRole::master),
              ElementsAre("INSTANCE \"VI_1\" MASTER 150: [/m] [/any INSTANCE VI_1 MASTER 150]"));
}

TEST_F(Telling, WhatComesBeforeTheConfigurationIsToldWithIt) {
  EXPECT_THAT(hears(VrrpRole::master), IsEmpty());
  EXPECT_THAT(text(teller.configure(model())), testing::SizeIs(1));
}

TEST_F(Telling, WhatWasToldBeforeARestartIsNotToldAgain) {
  teller.configure(model());
  hears(VrrpRole::master);
  Teller successor{from_record(to_record(teller.told()))};
  successor.configure(model());
  EXPECT_THAT(successor.on_instance("VI_1", state(VrrpRole::master)), IsEmpty());
  EXPECT_THAT(successor.on_instance("VI_1", state(VrrpRole::backup)), testing::SizeIs(1));
}

TEST_F(Telling, AnOrderlyEndOfVrrpdIsStop) {
  teller.configure(model());
  hears(VrrpRole::master);
  auto last = state(VrrpRole::init);
  last.stopped = true;
  EXPECT_THAT(text(teller.on_instance("VI_1", last)),
              ElementsAre("INSTANCE \"VI_1\" STOP 150: [/s] [/any INSTANCE VI_1 STOP 150]"));
}

TEST_F(Telling, RemovedFromTheConfigurationIsDeletedOnceVrrpdHasLetGo) {
  teller.configure(model());
  hears(VrrpRole::master);
  EXPECT_THAT(teller.configure({}), IsEmpty());
  EXPECT_THAT(hears(VrrpRole::init), IsEmpty());
  EXPECT_THAT(text(teller.on_instance("VI_1", std::nullopt)),
              ElementsAre("INSTANCE \"VI_1\" DELETED 0: [/d] [/any INSTANCE VI_1 DELETED 0]"));
}

TEST_F(Telling, WhereNotifyDeletedIsNotWrittenItIsFault) {
  teller.configure(model(false));
  hears(VrrpRole::master);
  teller.on_instance("VI_1", std::nullopt);
  EXPECT_THAT(text(teller.configure({})), ElementsAre("INSTANCE \"VI_1\" FAULT 0: [/f] [/any INSTANCE VI_1 FAULT 0]"));
}

TEST_F(Telling, PrioritiesGoToTheFifosAndRivalsToTheirProgram) {
  teller.configure(model());
  hears(VrrpRole::master, 150, 7);
  EXPECT_THAT(hears(VrrpRole::master, 130, 7), ElementsAre("INSTANCE \"VI_1\" MASTER_PRIORITY 130:"));
  EXPECT_THAT(hears(VrrpRole::master, 130, 8), ElementsAre("INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 130: [/lower]"));
}

TEST_F(Telling, AGroupHasNoPriority) {
  teller.configure(model());
  EXPECT_THAT(text(teller.on_group("G", bus::VrrpGroupState{"G", VrrpRole::master, false})),
              ElementsAre("GROUP \"G\" MASTER 0: [/group GROUP G MASTER 0]"));
}

TEST(NoticeQueue, ANewerRoleTakesThePlaceOfOneThatWaits) {
  NoticeQueue queue;
  const auto notice = [](Occasion occasion) { return Notice{{false, "A"}, occasion, 1, {}}; };
  EXPECT_FALSE(queue.push(notice(Occasion::backup)));
  EXPECT_FALSE(queue.push(notice(Occasion::lower_priority)));
  EXPECT_TRUE(queue.push(notice(Occasion::master)));
  EXPECT_EQ(queue.next()->occasion, Occasion::lower_priority);
  EXPECT_EQ(queue.next()->occasion, Occasion::master);
  EXPECT_FALSE(queue.next());
}

TEST(Told, ARecordThatIsNotUnderstoodCountsForNothing) {
  EXPECT_THAT(from_record(nlohmann::json::parse(R"([1, {"name": "A"}, {"group": false, "name": "A", "told": "X"}])")),
              IsEmpty());
  EXPECT_THAT(from_record(nullptr), IsEmpty());
}

}  // namespace
}  // namespace ballast::scriptd
