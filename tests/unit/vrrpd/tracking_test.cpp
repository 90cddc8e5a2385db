// What trackers do to an instance: scenarios of the core.
#include <gtest/gtest.h>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {
namespace {

using config::Track;
using config::TrackKind;
using namespace std::chrono_literals;

config::VrrpInstance settings(std::vector<Track> tracks) {
  config::VrrpInstance made;
  made.name = "VI_1";
  made.interface = "eth0";
  made.virtual_router_id = 51;
  made.priority = 150;
  made.version = 3;
  made.advert_interval = 1s;
  made.tracks = std::move(tracks);
  return made;
}

class Tracking : public testing::Test {
 protected:
  void begin(std::vector<Track> tracks) {
    core_.emplace(settings(std::move(tracks)));
    on(LinkChanged{"eth0", true, "eth0 is up"});
    on(SourceChanged{net::IpAddress::parse("10.0.0.1").value(), "sends from 10.0.0.1"});
    on(Start{});
  }
  void become_master() {
    now_ = core_->due(Timer::master_down);
    on(Expired{Timer::master_down, 1});
    for (std::uint64_t generation = 2; core_->role() != Role::master && generation < 20; ++generation)
      on(Expired{Timer::master_down, generation});
    ASSERT_EQ(core_->role(), Role::master);
  }
  void on(const Event& event) {
    for (const auto& action : core_->on(event, now_)) {
      if (const auto* note = std::get_if<Note>(&action)) told_ = note->text;
      if (const auto* become = std::get_if<Become>(&action)) told_ = become->reason;
      if (const auto* sent = std::get_if<SendAdvertisement>(&action)) sent_ = sent->priority;
    }
  }
  void says(TrackKind kind, const std::string& name, int value, const std::string& reason) {
    on(TrackChanged{{kind, name}, {value, reason}});
  }

  std::optional<Instance> core_;
  TimePoint now_{1s};
  std::string told_;
  std::optional<std::uint8_t> sent_;
};

TEST_F(Tracking, AWeightIsAddedWhileItsScriptIsUpAndTheReasonIsTold) {
  begin({{TrackKind::script, "chk", 20, false}});
  EXPECT_EQ(core_->priority(), 150);
  says(TrackKind::script, "chk", 1, "script chk succeeded");
  EXPECT_EQ(core_->priority(), 170);
  EXPECT_EQ(told_, "priority 150 -> 170 (script chk succeeded)");
  says(TrackKind::script, "chk", 0, "script chk failed: exit status 1, 3 times");
  EXPECT_EQ(core_->priority(), 150);
  EXPECT_EQ(told_, "priority 170 -> 150 (script chk failed: exit status 1, 3 times)");
}

TEST_F(Tracking, ANegativeWeightCountsWhileItIsDownAndSeveralAddUp) {
  begin({{TrackKind::script, "a", -30, false}, {TrackKind::process, "b", -40, false}});
  says(TrackKind::script, "a", 0, "a");
  says(TrackKind::process, "b", 0, "b");
  EXPECT_EQ(core_->priority(), 80);
  says(TrackKind::script, "a", 1, "a");
  EXPECT_EQ(core_->priority(), 110);
}

TEST_F(Tracking, ReverseTurnsTheSign) {
  begin({{TrackKind::script, "a", 30, true}});
  says(TrackKind::script, "a", 1, "a");
  EXPECT_EQ(core_->priority(), 120);
}

TEST_F(Tracking, ThePriorityStaysWithin1And254) {
  begin({{TrackKind::script, "a", -253, false}, {TrackKind::file, "f", 1, false}});
  says(TrackKind::script, "a", 0, "a");
  EXPECT_EQ(core_->priority(), 1);
  says(TrackKind::script, "a", 1, "a");
  says(TrackKind::file, "f", 2'000'000'000, "f");
  EXPECT_EQ(core_->priority(), 254);
}

TEST_F(Tracking, WithoutAWeightItsFailureIsAFaultAndItComesBack) {
  begin({{TrackKind::script, "chk", 0, false}});
  says(TrackKind::script, "chk", 1, "script chk succeeded");
  become_master();
  says(TrackKind::script, "chk", 0, "script chk failed: killed after 1 s");
  EXPECT_EQ(core_->role(), Role::fault);
  EXPECT_EQ(told_, "script chk failed: killed after 1 s");
  EXPECT_EQ(sent_, 0);
  says(TrackKind::script, "chk", 1, "script chk succeeded");
  EXPECT_EQ(core_->role(), Role::backup);
}

TEST_F(Tracking, NobodyKnowsBeforeTheFirstWordSoTheInstanceWaitsForIt) {
  begin({{TrackKind::script, "chk", 0, false}});
  EXPECT_EQ(core_->role(), Role::init);
  EXPECT_EQ(core_->reason(), "waits for the first word about script chk");
  says(TrackKind::script, "chk", 1, "script chk succeeded");
  EXPECT_EQ(core_->role(), Role::backup);
}

TEST_F(Tracking, AMasterThatGoesOnAfterARestartWaitsForTheFirstWordToo) {
  core_.emplace(settings({{TrackKind::script, "chk", 0, false}}));
  on(LinkChanged{"eth0", true, "eth0 is up"});
  on(SourceChanged{net::IpAddress::parse("10.0.0.1").value(), "sends from 10.0.0.1"});
  on(Start{"it was MASTER", {}});
  EXPECT_EQ(core_->role(), Role::init);
  says(TrackKind::script, "chk", 1, "script chk succeeded");
  EXPECT_EQ(core_->role(), Role::master);
}

TEST_F(Tracking, AStopWhileItWaitsIsTheEnd) {
  begin({{TrackKind::script, "chk", 0, false}});
  on(Stop{"stopped"});
  says(TrackKind::script, "chk", 1, "script chk succeeded");
  EXPECT_EQ(core_->role(), Role::init);
}

TEST_F(Tracking, AReloadWithoutTheTrackerEndsTheWait) {
  begin({{TrackKind::script, "chk", 0, false}});
  on(Reconfigured{settings({})});
  EXPECT_EQ(core_->role(), Role::backup);
}

TEST_F(Tracking, AFilesNumberTimesItsWeightIsAdded) {
  begin({{TrackKind::file, "f", -10, false}});
  says(TrackKind::file, "f", 3, "file f says 3");
  EXPECT_EQ(core_->priority(), 120);
  says(TrackKind::file, "f", -2, "file f says -2");
  EXPECT_EQ(core_->priority(), 170);
}

TEST_F(Tracking, AFileThatSaysMinus254IsAFault) {
  begin({{TrackKind::file, "f", 1, false}});
  says(TrackKind::file, "f", -253, "file f says -253");
  EXPECT_EQ(core_->role(), Role::backup);
  EXPECT_EQ(core_->priority(), 1);
  says(TrackKind::file, "f", -254, "file f says -254");
  EXPECT_EQ(core_->role(), Role::fault);
}

TEST_F(Tracking, AFileWithoutAWeightIsAFaultUnlessItSays0) {
  begin({{TrackKind::file, "f", 0, false}});
  says(TrackKind::file, "f", 0, "file f says 0");
  EXPECT_EQ(core_->role(), Role::backup);
  says(TrackKind::file, "f", 1, "file f says 1");
  EXPECT_EQ(core_->role(), Role::fault);
}

TEST_F(Tracking, TheOwnerOfTheAddressesKeepsItsPriority) {
  auto owner = settings({{TrackKind::script, "chk", -100, false}});
  owner.priority = 255;
  core_.emplace(owner);
  says(TrackKind::script, "chk", 0, "down");
  EXPECT_EQ(core_->priority(), 255);
}

}  // namespace
}  // namespace ballast::vrrpd
