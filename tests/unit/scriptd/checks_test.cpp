// Programs that are checks, run for checkd.
#include "daemons/scriptd/shell/checks.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>

namespace ballast::scriptd {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using testing::HasSubstr;

class CheckRuns : public testing::Test {
 protected:
  CheckRuns() {
    config::RealServer server;
    config::Check check;
    check.kind = config::CheckKind::misc;
    for (const auto* text : {"exit 0", "exit 7", "kill -9 $$", "sleep 100", "sleep 0.3"}) {
      check.misc = config::MiscCheck{{{"/bin/sh", "-c", text}, "", ""}, {}, false};
      server.checks.push_back(check);
    }
    check.misc = config::MiscCheck{{{"/no/such"}, "", ""}, {}, false};
    server.checks.push_back(check);
    config::VirtualServer service;
    service.real_servers.push_back(server);
    config::Model model;
    model.global.script_user = geteuid() == 0 ? "nobody" : getlogin();
    model.virtual_servers.push_back(service);
    checks.apply(model);
  }
  static json params(const std::vector<std::string>& words, double timeout = 20) {
    return {{"words", words}, {"user", ""}, {"group", ""}, {"timeout", timeout}};
  }
  static json shell(const std::string& text, double timeout = 20) { return params({"/bin/sh", "-c", text}, timeout); }
  void ask(const json& wanted, const std::string& role = "checkd", const std::string& method = "check") {
    asio::co_spawn(io, checks.request({role, false}, method, wanted),
                   [this](const std::exception_ptr&, Result<json> answer) { answers.push_back(std::move(answer)); });
  }
  Result<json> answer_to(const json& wanted, const std::string& role = "checkd") {
    answers.clear();
    ask(wanted, role);
    io.restart();
    io.run();
    return answers.at(0);
  }
  asio::io_context io;
  Runner runner{io};
  Checks checks{io, runner};
  std::vector<Result<json>> answers;
};

TEST_F(CheckRuns, TheAnswerIsHowItEnded) {
  EXPECT_EQ(answer_to(shell("exit 0"))->at("status"), 0);
  const auto seven = answer_to(shell("exit 7"));
  EXPECT_EQ(seven->at("status"), 7);
  EXPECT_EQ(seven->at("how"), "exit status 7");
  EXPECT_GE(seven->at("seconds").get<double>(), 0);
  EXPECT_EQ(answer_to(shell("kill -9 $$"))->at("signal"), 9);
  const auto late = answer_to(shell("sleep 100", 0.2));
  EXPECT_TRUE(late->at("killed").get<bool>());
  EXPECT_EQ(late->at("how"), "killed after 0.2 s");
}

TEST_F(CheckRuns, NothingIsRunButAChecksProgramForCheckd) {
  EXPECT_THAT(answer_to(shell("exit 1")).error().message, HasSubstr("no MISC_CHECK"));
  EXPECT_THAT(answer_to(params({"/bin/sh", "-c"})).error().message, HasSubstr("no MISC_CHECK"));
  EXPECT_THAT(answer_to(shell("exit 0"), "ctl").error().message, HasSubstr("only checkd"));
  EXPECT_THAT(answer_to(params({"/no/such"})).error().message, HasSubstr("No such file"));
  answers.clear();
  ask(shell("exit 0"), "checkd", "run");
  io.restart();
  io.run();
  EXPECT_FALSE(answers.at(0));
}

TEST_F(CheckRuns, SoManyRunAtOnceAndWhatOthersWaitIsNotTheirTime) {
  for (std::size_t i = 0; i < Checks::most_running; ++i) ask(shell("sleep 0.3", 20));
  ask(shell("exit 0", 20));
  io.poll();
  EXPECT_TRUE(answers.empty());
  io.restart();
  io.run();
  ASSERT_EQ(answers.size(), Checks::most_running + 1);
  for (const auto& answer : answers) EXPECT_EQ(answer->at("status"), 0);
  EXPECT_EQ(runner.idle(), true);
}

TEST_F(CheckRuns, TheEndOfScriptdIsNoAnswer) {
  ask(shell("sleep 100"));
  io.poll();
  runner.stop();
  io.restart();
  io.run();
  EXPECT_EQ(answers.at(0).error().message, "killed: scriptd ends");
  EXPECT_EQ(answer_to(shell("exit 0")).error().message, "not started: scriptd ends");
}

}  // namespace
}  // namespace ballast::scriptd
