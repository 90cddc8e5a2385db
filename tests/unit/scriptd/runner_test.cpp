// Real programs: what they are given, and how they end.
#include "daemons/scriptd/shell/runner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <filesystem>
#include <fstream>

namespace ballast::scriptd {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Running : public testing::Test {
 protected:
  Running() {
    char name[] = "/tmp/scriptd-test-XXXXXX";
    folder = mkdtemp(name);
    std::filesystem::permissions(folder, std::filesystem::perms::all);
  }
  ~Running() override { std::filesystem::remove_all(folder); }

  std::filesystem::path script(const std::string& text) {
    const auto path = folder / "script";
    std::ofstream{path} << "#!/bin/sh\n" << text;
    std::filesystem::permissions(path, std::filesystem::perms{0755});
    return path;
  }
  std::string content(const std::string& name) {
    std::ifstream file{folder / name};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  /// This process's, as /proc shows it.
  static std::string capabilities(const std::string& set) {
    std::ifstream file{"/proc/self/status"};
    for (std::string word; file >> word;) {
      if (word == set && file >> word) return word;
    }
    return {};
  }
  static config::Global global() {
    config::Global made;
    made.script_user = geteuid() == 0 ? "nobody" : getlogin();
    return made;
  }
  Outcome run(const config::Command& command, std::chrono::microseconds timeout = 20s) {
    auto prepared = prepare(command, global());
    if (!prepared) return {false, prepared.error().message};
    asio::io_context io;
    Runner runner{io};
    Outcome outcome;
    asio::co_spawn(io, runner.run(Job{"test", std::move(*prepared), timeout}),
                   [&](const std::exception_ptr&, Outcome result) { outcome = std::move(result); });
    io.run();
    EXPECT_TRUE(runner.idle());
    return outcome;
  }
  std::filesystem::path folder;
};

TEST_F(Running, TheExitStatusIsTheOutcome) {
  EXPECT_TRUE(run({{script("exit 0"), "x"}, "", ""}).success);
  const auto failed = run({{script("exit 3")}, "", ""});
  EXPECT_FALSE(failed.success);
  EXPECT_EQ(failed.how, "exit status 3");
}

TEST_F(Running, ItGetsItsArgumentsAsTheyAreAndNothingOfOurs) {
  const int ours = dup(2);  // not closed on exec
  const auto path = script("for a; do echo \"<$a>\"; done >" + (folder / "out").string() + "\nls -l /proc/$$/fd >>" +
                           (folder / "out").string() + "\nenv >>" + (folder / "out").string() +
                           "\ngrep Cap /proc/$$/status >>" + (folder / "out").string());
  EXPECT_TRUE(run({{path, "a b", "$HOME;*", ""}, "", ""}).success);
  close(ours);
  const auto out = content("out");
  EXPECT_THAT(out, StartsWith("<a b>\n<$HOME;*>\n<>\n"));
  EXPECT_THAT(out, HasSubstr("0 -> /dev/null"));
  EXPECT_THAT(out, Not(HasSubstr(fmt::format(" {} -> ", ours))));
  EXPECT_THAT(out, HasSubstr("PATH=/usr/local/sbin"));
  EXPECT_THAT(out, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(out, HasSubstr("CapPrm:\t0000000000000000"));
}

TEST_F(Running, ItRunsAsItsUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const auto path = script("id -un; id -un >" + (folder / "out").string());
  EXPECT_TRUE(run({{path}, "", ""}).success);
  EXPECT_EQ(content("out"), "nobody\n");
  EXPECT_TRUE(run({{path}, "daemon", "adm"}).success == false) << "nobody's file is not daemon's to write";
  EXPECT_THAT(run({{path}, "no-such-user", ""}).how, HasSubstr("there is no user 'no-such-user'"));
}

TEST_F(Running, RootHasWhatScriptdHasWhereRootIsWritten) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto path = script("grep CapEff /proc/$$/status >" + (folder / "out").string());
  EXPECT_TRUE(run({{path}, "root", ""}).success);
  EXPECT_EQ(content("out"), "CapEff:\t" + capabilities("CapPrm:") + "\n");
}

TEST_F(Running, AfterTheTimeoutTheWholeGroupIsKilled) {
  const auto path =
      script("trap '' TERM\nsleep 300 &\necho $! >" + (folder / "pid").string() + "\nwait\nwait\nsleep 300");
  const auto outcome = run({{path}, "", ""}, 500ms);
  EXPECT_EQ(outcome.how, "killed after 0.5 s");
  const auto child = std::stoi(content("pid"));
  for (int i = 0; i < 1000 && std::filesystem::exists(fmt::format("/proc/{}/fd", child)) && kill(child, 0) == 0; ++i) {
    std::ifstream stat{fmt::format("/proc/{}/stat", child)};
    if (const std::string text{std::istreambuf_iterator<char>{stat}, {}}; text.find(") Z ") != std::string::npos) break;
    usleep(10'000);
  }
  std::ifstream stat{fmt::format("/proc/{}/stat", child)};
  const std::string text{std::istreambuf_iterator<char>{stat}, {}};
  EXPECT_TRUE(text.empty() || text.find(") Z ") != std::string::npos) << text;
}

TEST_F(Running, ManyLinesOfOutputDoNotHoldItUp) {
  EXPECT_TRUE(run({{script("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done")}, "", ""}).success);
}

TEST_F(Running, WhatCannotBeExecutedIsToldInWords) {
  EXPECT_THAT(run({{(folder / "none").string()}, "", ""}).how, HasSubstr("No such file or directory"));
  EXPECT_THAT(run({{"no-such-program-anywhere"}, "", ""}).how, HasSubstr("write its path"));
  const auto path = script("exit 0");
  std::filesystem::permissions(path, std::filesystem::perms{0700});
  if (geteuid() != 0) GTEST_SKIP() << "needs root to ask for another user";
  EXPECT_THAT(run({{path}, "", ""}).how, HasSubstr("Permission denied"));
}

TEST_F(Running, WhatOthersMayWriteIsNotRunAsRootWhereSecurityIsOn) {
  auto settings = global();
  const auto path = script("exit 0");
  const config::Command command{{path}, "root", ""};
  const auto warned = prepare(command, settings);
  ASSERT_TRUE(warned);
  EXPECT_THAT(warned->warning, HasSubstr("others than root may write /tmp"));
  settings.enable_script_security = true;
  EXPECT_THAT(prepare(command, settings).error().message, HasSubstr("enable_script_security"));
  EXPECT_EQ(prepare({{"/bin/true"}, "root", ""}, settings).value().warning, "");
}

}  // namespace
}  // namespace ballast::scriptd
