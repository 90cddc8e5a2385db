#include <gmock/gmock.h>

#include "tests/unit/forwardd/computed.hpp"

namespace ballast::forwardd {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr auto web = "tcp:203.0.113.10:80";

net::Endpoint endpoint(const char* text) { return *net::Endpoint::parse(text); }

/// Two checked servers of weight 100, 10.0.0.1 and 2, that rise within 20 s.
class SlowStart : public ::testing::Test {
 protected:
  SlowStart() {
    auto& made = model.virtual_servers.emplace_back();
    made.name = web;
    made.endpoints = {endpoint("203.0.113.10:80")};
    made.slow_start = 20s;
    for (const char* server : {"10.0.0.1:80", "10.0.0.2:80"}) {
      auto& added = made.real_servers.emplace_back();
      added.endpoint = endpoint(server);
      added.weight = 100;
      added.checks.emplace_back();
      health(server, true);
    }
  }
  config::VirtualServer& service() { return model.virtual_servers[0]; }
  bus::ServerHealth& health(const char* server, bool up) {
    auto& entry = inputs.health[server_key(web, endpoint(server))];
    entry.up = up;
    entry.took_ms = 1;
    return entry;
  }
  std::vector<int> weights_at(double time) {
    result = Computed::by(computation, model, inputs, time);
    std::vector<int> all;
    for (const auto& server : result.state.services[0].servers) all.push_back(server.weight);
    return all;
  }
  /// Both were up, 10.0.0.1 went down, and came up at the time 100.
  void rise() {
    weights_at(80);
    health("10.0.0.1:80", false);
    weights_at(90);
    health("10.0.0.1:80", true);
  }
  const bus::ServiceServer& shown(std::size_t place) { return result.reports[0].servers[place]; }

  config::Model model;
  Inputs inputs;
  Computation computation;
  Computed result;
};

TEST_F(SlowStart, AServerThatComesUpHasATenthAndThenWhatItsTimeGives) {
  rise();
  EXPECT_THAT(weights_at(100), ElementsAre(10, 100));
  EXPECT_EQ(shown(0).weight, 10);
  EXPECT_EQ(shown(0).reason, "; slow start: 10 % of its weight");
  EXPECT_EQ(result.again, 101);
  EXPECT_THAT(weights_at(101), ElementsAre(10, 100));
  EXPECT_THAT(weights_at(105), ElementsAre(25, 100));
  EXPECT_THAT(weights_at(119), ElementsAre(95, 100));
  EXPECT_THAT(weights_at(120), ElementsAre(100, 100));
  EXPECT_EQ(shown(0).reason, "");
  EXPECT_EQ(result.again, std::nullopt);
  EXPECT_THAT(weights_at(121), ElementsAre(100, 100));
}

TEST_F(SlowStart, NobodyRisesAtTheBeginning) {
  EXPECT_THAT(weights_at(100), ElementsAre(100, 100));
  EXPECT_EQ(result.again, std::nullopt);
}

TEST_F(SlowStart, WhoWaitedForItsFirstProbeDoesNotRise) {
  health("10.0.0.1:80", false).took_ms = 0;
  weights_at(100);
  health("10.0.0.1:80", true);
  EXPECT_THAT(weights_at(101), ElementsAre(100, 100));
}

TEST_F(SlowStart, WhoWasDownAtTheBeginningAndComesUpLaterRises) {
  health("10.0.0.1:80", false);
  weights_at(100);
  health("10.0.0.1:80", true);
  EXPECT_THAT(weights_at(200), ElementsAre(10, 100));
}

TEST_F(SlowStart, AServerThatAReloadAddsDoesNotRise) {
  weights_at(100);
  service().real_servers.push_back(service().real_servers[0]);
  service().real_servers[2].endpoint = endpoint("10.0.0.3:80");
  EXPECT_THAT(weights_at(101), ElementsAre(100, 100, 100));
}

TEST_F(SlowStart, AReloadThatBringsSlowStartMakesNobodyRise) {
  service().slow_start = 0s;
  rise();
  weights_at(100);
  service().slow_start = 20s;
  EXPECT_THAT(weights_at(101), ElementsAre(100, 100));
}

TEST_F(SlowStart, WhoGoesDownWhileItRisesBeginsAgain) {
  rise();
  weights_at(100);
  weights_at(115);
  health("10.0.0.1:80", false);
  EXPECT_THAT(weights_at(116), ElementsAre(0, 100));
  health("10.0.0.1:80", true);
  EXPECT_THAT(weights_at(117), ElementsAre(10, 100));
}

TEST_F(SlowStart, ADrainedServerHasNotBeenAwayButADisabledOneHas) {
  weights_at(100);
  const auto key = server_key(web, endpoint("10.0.0.1:80"));
  inputs.admin[key] = bus::AdminState::drain;
  EXPECT_THAT(weights_at(110), ElementsAre(0, 100));
  inputs.admin.clear();
  EXPECT_THAT(weights_at(120), ElementsAre(100, 100));
  inputs.admin[key] = bus::AdminState::disable;
  weights_at(130);
  inputs.admin.clear();
  EXPECT_THAT(weights_at(140), ElementsAre(10, 100));
}

TEST_F(SlowStart, SmallWeightsAreMultipliedSoThatTheyCanBeDivided) {
  service().real_servers[0].weight = 1;
  service().real_servers[1].weight = 3;
  rise();
  EXPECT_THAT(weights_at(100), ElementsAre(1, 30));
  EXPECT_EQ(result.again, 102) << "its next step";
  EXPECT_EQ(shown(0).weight, 1);
  EXPECT_EQ(shown(1).weight, 3);
  EXPECT_THAT(weights_at(110), ElementsAre(5, 30));
  EXPECT_THAT(weights_at(120), ElementsAre(1, 3));
}

TEST_F(SlowStart, TheQuorumCountsTheWholeWeight) {
  service().quorum = 200;
  rise();
  weights_at(100);
  EXPECT_EQ(result.reports[0].state, bus::ServerStatus::up);
}

TEST_F(SlowStart, SchedulersThatShareByNoWeightHaveNone) {
  using enum config::Scheduler;
  for (const auto scheduler : {rr, lc, sh, dh, fo, ovf}) {
    service().scheduler = scheduler;
    computation = {};
    rise();
    EXPECT_THAT(weights_at(100), ElementsAre(100, 100)) << name_of(scheduler);
  }
  for (const auto scheduler : {wrr, wlc, sed, nq, mh, lblc, lblcr, twos, p2c}) {
    service().scheduler = scheduler;
    computation = {};
    rise();
    EXPECT_THAT(weights_at(100), ElementsAre(10, 100)) << name_of(scheduler);
  }
}

TEST_F(SlowStart, AClockThatStandsStillDoesNoHarm) {
  rise();
  weights_at(100);
  EXPECT_THAT(weights_at(100), ElementsAre(10, 100));
}

}  // namespace
}  // namespace ballast::forwardd
