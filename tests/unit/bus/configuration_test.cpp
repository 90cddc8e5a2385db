#include "tests/unit/bus/broker_fixture.hpp"

namespace ballast::bus {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

config::Model model_of(const std::string& router) {
  config::Model model;
  model.global.router_id = router;
  return model;
}

class Configuration : public BrokerTest {
 protected:
  void offer(const std::string& router) {
    broker.offer(model_of(router),
                 [this](Result<> result) { outcomes.push_back(result ? "taken" : result.error().message); });
  }
  void ack(ConnectionId id, int generation, const std::string& error = "") {
    nlohmann::json frame{{"op", "ack"}, {"generation", generation}, {"ok", error.empty()}};
    if (!error.empty()) frame["error"] = error;
    broker.receive(id, frame);
  }
  void agree_and_work(ConnectionId id, int generation) {
    broker.receive(id, {{"op", "ack"}, {"generation", generation}, {"ok", true}, {"says_applied", true}});
  }
  void applied(ConnectionId id, int generation) { broker.receive(id, {{"op", "applied"}, {"generation", generation}}); }
  ConnectionId daemon(const std::string& role) {
    const auto id = join(role, true);
    return id;
  }
  std::vector<std::string> outcomes;
};

TEST_F(Configuration, KeysAreForVrrpdAlone) {
  const auto vrrpd = daemon("vrrpd");
  const auto checkd = daemon("checkd");
  auto model = model_of("a");
  auto& instance = model.vrrp_instances.emplace_back();
  instance.name = "VI_1";
  instance.auth_pass.text = "hunter2";
  instance.auth_hmac = config::AuthHmac{{{1, {"0011"}}}, 1};
  broker.offer(model, [](Result<>) {});
  const auto told = [&](ConnectionId id) {
    std::string all;
    for (const auto& frame : read(id)) all += frame.dump();
    return all;
  };
  EXPECT_THAT(told(vrrpd), testing::AllOf(HasSubstr("hunter2"), HasSubstr("0011")));
  EXPECT_THAT(told(checkd), testing::AllOf(testing::Not(HasSubstr("hunter2")), testing::Not(HasSubstr("0011"))));
}

TEST_F(Configuration, ItIsAppliedWhenAllHaveAgreed) {
  const auto vrrpd = daemon("vrrpd");
  const auto checkd = daemon("checkd");
  join("ctl");
  offer("a");
  EXPECT_THAT(lines(vrrpd), ElementsAre("config config/1/global", "commit"));
  EXPECT_THAT(lines(checkd), ElementsAre("config config/1/global", "commit"));
  ack(vrrpd, 1);
  EXPECT_THAT(lines(vrrpd), IsEmpty()) << "nobody runs ahead";
  EXPECT_THAT(outcomes, IsEmpty());
  ack(checkd, 1);
  EXPECT_THAT(lines(vrrpd), ElementsAre("apply"));
  EXPECT_THAT(lines(checkd), ElementsAre("apply"));
  EXPECT_THAT(outcomes, ElementsAre("taken"));
}

TEST_F(Configuration, OneRefusalAbortsItEverywhere) {
  const auto vrrpd = daemon("vrrpd");
  const auto checkd = daemon("checkd");
  const auto forwardd = daemon("forwardd");
  offer("a");
  for (const auto id : {vrrpd, checkd, forwardd}) ack(id, 1);
  offer("b");
  for (const auto id : {vrrpd, checkd, forwardd}) lines(id);
  ack(vrrpd, 2);
  ack(forwardd, 2, "no interface eth9");
  EXPECT_THAT(outcomes, ElementsAre("taken", "forwardd refuses the configuration: no interface eth9"));
  EXPECT_THAT(lines(vrrpd), ElementsAre("abort"));
  EXPECT_THAT(lines(checkd), ElementsAre("abort")) << "though it had not answered";
  EXPECT_THAT(lines(forwardd), IsEmpty()) << "it knows";
  broker.disconnected(checkd);
  daemon("checkd");
  EXPECT_EQ(early.front().at("value").at("router_id"), "a") << "what is in force";
}

TEST_F(Configuration, WhoComesLateGetsWhatIsInForce) {
  offer("a");
  EXPECT_THAT(outcomes, ElementsAre("taken")) << "nobody is there to refuse it";
  const auto checkd = daemon("checkd");
  ASSERT_EQ(early.size(), 2U);
  EXPECT_EQ(early[0].at("topic"), "config/1/global");
  EXPECT_EQ(early[1].at("op"), "commit");
  ack(checkd, 1);
  EXPECT_THAT(lines(checkd), ElementsAre("apply"));
}

TEST_F(Configuration, WhoComesLateAndRefusesIsReported) {
  offer("a");
  const auto checkd = daemon("checkd");
  ack(checkd, 1, "too many services");
  EXPECT_THAT(refusals, ElementsAre("checkd: too many services"));
  EXPECT_THAT(lines(checkd), IsEmpty());
  offer("b");
  ack(checkd, 2);
  EXPECT_EQ(lines(checkd).back(), "apply") << "the next one is another chance";
}

TEST_F(Configuration, WhoComesInTheMiddleWaitsForTheOutcome) {
  const auto vrrpd = daemon("vrrpd");
  offer("a");
  ack(vrrpd, 1);
  offer("b");
  const auto checkd = daemon("checkd");
  EXPECT_THAT(early, IsEmpty());
  ack(vrrpd, 2);
  EXPECT_THAT(lines(checkd), ElementsAre("config config/2/global", "commit"));
  ack(checkd, 2);
  EXPECT_THAT(lines(checkd), ElementsAre("apply"));
}

TEST_F(Configuration, SilenceFailsItAfterTenSeconds) {
  const auto vrrpd = daemon("vrrpd");
  const auto checkd = daemon("checkd");
  offer("a");
  ack(vrrpd, 1);
  EXPECT_EQ(broker.deadline(), time + ConfigRelay::patience);
  pass(ConfigRelay::patience);
  EXPECT_THAT(outcomes, ElementsAre("checkd: no answer to the configuration within 10 s"));
  EXPECT_EQ(lines(vrrpd).back(), "abort");
  EXPECT_EQ(lines(checkd).back(), "abort");
}

TEST_F(Configuration, TheDeathOfADaemonDoesNotHoldItUp) {
  const auto vrrpd = daemon("vrrpd");
  const auto checkd = daemon("checkd");
  offer("a");
  ack(vrrpd, 1);
  broker.disconnected(checkd);
  EXPECT_THAT(outcomes, ElementsAre("taken"));
  EXPECT_EQ(lines(vrrpd).back(), "apply");
}

TEST_F(Configuration, ALateComerThatIsSilentIsReportedOnceAndStillHeard) {
  offer("a");
  const auto checkd = daemon("checkd");
  pass(ConfigRelay::patience);
  pass(ConfigRelay::patience);
  EXPECT_THAT(refusals, ElementsAre("checkd: no answer within 10 s"));
  ack(checkd, 1);
  EXPECT_THAT(lines(checkd), ElementsAre("apply"));
}

TEST_F(Configuration, ALateComerInterruptedByARefusedOneGetsTheOldOneAgain) {
  const auto vrrpd = daemon("vrrpd");
  offer("a");
  ack(vrrpd, 1);
  const auto checkd = daemon("checkd");
  offer("b");
  lines(checkd);
  ack(checkd, 1);
  EXPECT_THAT(lines(checkd), IsEmpty()) << "an answer to what is no longer asked";
  ack(vrrpd, 2, "no");
  EXPECT_THAT(lines(checkd), ElementsAre("abort", "config config/1/global", "commit"));
  ack(checkd, 1);
  EXPECT_THAT(lines(checkd), ElementsAre("apply"));
}

TEST_F(Configuration, ItIsOverWhenAllHaveCarriedItOut) {
  const auto forwardd = daemon("forwardd");
  const auto checkd = daemon("checkd");
  offer("a");
  for (const auto id : {forwardd, checkd}) agree_and_work(id, 1);
  EXPECT_THAT(lines(forwardd), ElementsAre("config config/1/global", "commit", "apply"));
  applied(checkd, 1);
  EXPECT_THAT(outcomes, IsEmpty()) << "forwardd is still at it";
  applied(forwardd, 1);
  EXPECT_THAT(outcomes, ElementsAre("taken"));
}

TEST_F(Configuration, WhoDiesAtItsWorkHoldsNothingUpAndWhoIsSlowIsReported) {
  const auto forwardd = daemon("forwardd");
  const auto checkd = daemon("checkd");
  offer("a");
  for (const auto id : {forwardd, checkd}) agree_and_work(id, 1);
  broker.disconnected(checkd);
  EXPECT_THAT(outcomes, IsEmpty());
  const auto late = daemon("checkd");
  EXPECT_THAT(early, testing::SizeIs(2)) << "nobody who comes waits for it";
  agree_and_work(late, 1);
  applied(late, 1);
  pass(ConfigRelay::patience);
  EXPECT_THAT(outcomes, ElementsAre("taken"));
  EXPECT_THAT(refusals, ElementsAre("forwardd: not carried out within 10 s"));
  applied(forwardd, 1);
  offer("b");
  for (const auto id : {forwardd, late}) {
    agree_and_work(id, 2);
    applied(id, 2);
  }
  EXPECT_THAT(outcomes, ElementsAre("taken", "taken"));
}

TEST_F(Configuration, OneAtATime) {
  daemon("vrrpd");
  offer("a");
  offer("b");
  EXPECT_THAT(outcomes, ElementsAre(HasSubstr("another configuration")));
}

TEST_F(Configuration, WhoIsNoDaemonHasNoVoice) {
  const auto ctl = daemon("ctl");
  offer("a");
  EXPECT_THAT(outcomes, ElementsAre("taken"));
  EXPECT_THAT(lines(ctl), IsEmpty());
}

TEST_F(Configuration, WhoRunsWhatIsInForceIsToldWhatChangesAlone) {
  const auto checkd = daemon("checkd");
  const auto ack_changes = [&](int generation) {
    broker.receive(checkd, {{"op", "ack"}, {"generation", generation}, {"ok", true}, {"changes", true}});
  };
  auto model = model_of("a");
  for (const char* name : {"tcp:10.0.0.1:80", "tcp:10.0.0.2:80"}) model.virtual_servers.emplace_back().name = name;
  broker.offer(model, [](const Result<>&) {});
  ack_changes(1);
  lines(checkd);
  model.virtual_servers[1].quorum = 2;
  broker.offer(model, [](const Result<>&) {});
  EXPECT_THAT(lines(checkd), ElementsAre("config config/2/virtual_server/tcp:10.0.0.2:80", "commit"));
  ack_changes(2);
  const auto late = daemon("forwardd");
  EXPECT_EQ(early.size(), 4U) << "who is new gets all of it";
  static_cast<void>(late);
}

TEST_F(Configuration, TheWholeOfItArrives) {
  config::Model model = model_of("a");
  model.vrrp_instances.resize(2);
  model.vrrp_instances[0].name = "VI_1";
  model.vrrp_instances[1].name = "VI_2";
  broker.offer(model, [](const Result<>&) {});
  join("vrrpd", true);
  ConfigParticipant participant{nullptr};
  nlohmann::json answer;
  for (const auto& frame : early) {
    if (frame.at("op") == "commit")
      answer = participant.commit(frame);
    else
      participant.object(frame);
  }
  EXPECT_EQ(answer.at("ok"), true) << answer;
  const auto* applied = participant.apply({{"generation", 1}});
  ASSERT_NE(applied, nullptr);
  EXPECT_EQ(*applied, model);
}

}  // namespace
}  // namespace ballast::bus
