// Real processes that are started, killed, taken over and stopped.
#include "daemons/ballastd/member.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "daemons/ballastd/family.hpp"

namespace ballast::ballastd {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

class MemberTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "memberXXXXXX";
    folder = mkdtemp(name.data());
    begin();
  }
  void TearDown() override {
    if (member) stop();
    std::filesystem::remove_all(folder);
  }
  /// As a new ballastd would.
  void begin(std::vector<std::string> arguments = {"600"}, const std::filesystem::path& program = "/bin/sleep") {
    member.reset();
    file = std::make_unique<FamilyFile>(folder);
    member =
        std::make_unique<Member>(io, *file,
                                 MemberOptions{.role = "vrrpd",
                                               .program = program,
                                               .arguments = std::move(arguments),
                                               .event = [this](bus::Event event) { events.push_back(event.message); },
                                               .clean_up = [this]() -> asio::awaitable<void> {
                                                 ++clean_ups;
                                                 co_return;
                                               }});
    member->start();
  }
  bool until(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io.restart();
      io.run_one_until(limit);
    }
    return true;
  }
  pid_t recorded() {
    const auto& records = file->records();
    return records.contains("vrrpd") ? records.at("vrrpd").pid : 0;
  }
  pid_t running() {
    EXPECT_TRUE(until([this] { return recorded() != 0 && runtime::start_time_of(recorded()); }));
    return recorded();
  }
  void stop() {
    bool stopped = false;
    asio::co_spawn(io, member->stop(), [&](const std::exception_ptr&) { stopped = true; });
    EXPECT_TRUE(until([&] { return stopped && file->records().empty(); }));
    member.reset();
  }

  asio::io_context io;
  std::filesystem::path folder;
  std::unique_ptr<FamilyFile> file;
  std::unique_ptr<Member> member;
  std::vector<std::string> events;
  int clean_ups = 0;
};

TEST_F(MemberTest, OneThatIsKilledIsStartedAgainAndTheEventSaysWhy) {
  const auto first = running();
  ASSERT_EQ(kill(first, SIGKILL), 0);
  ASSERT_TRUE(until([&] { return recorded() != first; }));
  EXPECT_NE(running(), first);
  EXPECT_THAT(events, ElementsAre(fmt::format("vrrpd (pid {}) killed by signal 9 (Killed); starting it again", first)));
  EXPECT_EQ(clean_ups, 0);
}

TEST_F(MemberTest, StoppingEndsItAndLeavesNoRecord) {
  const auto pid = running();
  stop();
  EXPECT_FALSE(runtime::start_time_of(pid));
  EXPECT_THAT(events, IsEmpty()) << "that was meant";
}

TEST_F(MemberTest, OneThatIsStoppedBeforeItKnowsHowToEndIsCleanedUpAfter) {
  running();
  stop();  // sleep dies of SIGTERM
  EXPECT_EQ(clean_ups, 1);
}

TEST_F(MemberTest, OneThatIsDeadWhenAllIsStoppedIsCleanedUpAfter) {
  stop();
  clean_ups = 0;
  begin({}, "/nonexistent/vrrpd");
  ASSERT_TRUE(until([&] { return events.size() == 2; }));  // and waits to be started again
  stop();
  EXPECT_EQ(clean_ups, 1);
}

TEST_F(MemberTest, OneThatEndsInOrderNeedsNoCleaningUp) {
  stop();
  clean_ups = 0;
  const auto ready = folder / "ready";
  begin({"-c", "trap 'exit 0' TERM; : > " + ready.string() + "; while :; do sleep 0.05; done"}, "/bin/sh");
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (!std::filesystem::exists(ready) && std::chrono::steady_clock::now() < limit) {
    io.restart();
    io.run_for(10ms);
  }
  ASSERT_TRUE(std::filesystem::exists(ready));
  stop();
  EXPECT_EQ(clean_ups, 0);
}

TEST_F(MemberTest, ARecordNamesTheProcessForItsSuccessor) {
  const auto pid = running();
  const FamilyFile successor{folder};
  ASSERT_THAT(successor.records(), SizeIs(1));
  EXPECT_EQ(successor.records().at("vrrpd").pid, pid);
  EXPECT_EQ(successor.records().at("vrrpd").start_time, runtime::start_time_of(pid).value());
}

TEST_F(MemberTest, ARecordOfAnotherProcessIsNotTakenOver) {
  const auto before = running();
  auto record = file->records().at("vrrpd");
  record.pid = getpid();  // the same number, begun at another time
  record.start_time = runtime::start_time_of(getpid()).value() - 1;
  stop();
  ASSERT_TRUE(FamilyFile{folder}.set("vrrpd", record));
  begin();
  EXPECT_TRUE(until([&] { return recorded() != getpid(); }));
  EXPECT_NE(running(), before);
}

TEST_F(MemberTest, AProgramThatCannotRunIsTriedLessAndLessOftenAndCleanedUpAfter) {
  stop();
  clean_ups = 0;
  begin({}, "/nonexistent/vrrpd");
  member->set_patience(150ms);
  ASSERT_TRUE(until([&] { return events.size() >= 3; }));
  EXPECT_THAT(events[0], testing::EndsWith("ended with exit status 127; starting it again"));
  EXPECT_THAT(events[1], testing::EndsWith("starting it again in 100 ms"));
  EXPECT_THAT(events[2],
              testing::HasSubstr("it does not stay up: its addresses are withdrawn; starting it again in 200 ms"));
  EXPECT_TRUE(until([&] { return clean_ups == 1; }));
}

/// A ballastd that is killed cannot be played within its own process; a process that it has left behind can.
TEST_F(MemberTest, OneThatRunsAlreadyIsTakenOverAndWatched) {
  stop();
  const pid_t left = fork();
  if (left == 0) {
    execl("/bin/sleep", "sleep", "600", nullptr);
    _exit(127);
  }
  ASSERT_TRUE(FamilyFile{folder}.set("vrrpd", {left, runtime::start_time_of(left).value(), {"600"}}));
  begin();
  io.restart();
  io.poll();
  EXPECT_EQ(recorded(), left) << "no second one";
  EXPECT_THAT(events, IsEmpty());
  ASSERT_EQ(kill(left, SIGKILL), 0);
  ASSERT_TRUE(until([&] { return recorded() != left; })) << "its death is seen";
  EXPECT_THAT(events, SizeIs(1));
}

TEST_F(MemberTest, OneThatRunsWithOtherOptionsIsReplaced) {
  stop();
  const pid_t left = fork();
  if (left == 0) {
    execl("/bin/sleep", "sleep", "600", nullptr);
    _exit(127);
  }
  ASSERT_TRUE(FamilyFile{folder}.set("vrrpd", {left, runtime::start_time_of(left).value(), {"600"}}));
  begin({"700"});
  ASSERT_TRUE(until([&] { return recorded() != left; }));
  EXPECT_FALSE(runtime::start_time_of(left));
  const auto successor = running();
  EXPECT_NE(successor, left);
  io.restart();
  io.run_for(200ms);
  EXPECT_EQ(recorded(), successor) << "it is left alone";
  EXPECT_THAT(events, IsEmpty()) << "that was meant";
}

TEST(Patience, IsThreeAdvertisementsOfTheQuickestInstance) {
  config::Model model;
  EXPECT_EQ(patience_of(model).absence, 3s);
  model.vrrp_instances.resize(2);
  model.vrrp_instances[1].advert_interval = 100ms;
  EXPECT_EQ(patience_of(model).absence, 300ms);
}

TEST(Patience, GivesAShutdownScriptItsTime) {
  config::Model model;
  EXPECT_EQ(patience_of(model).shutdown, 0s);
  model.global.scripts.shutdown.words = {"/bin/true"};
  model.global.scripts.shutdown_timeout = 1'500ms;
  EXPECT_EQ(patience_of(model).shutdown, 2s);
}

}  // namespace
}  // namespace ballast::ballastd
