// Only what has changed is computed anew, and it is what computing everything gives.
#include <gmock/gmock.h>

#include <random>

#include "tests/unit/forwardd/computed.hpp"

namespace ballast::forwardd {
namespace {
using ::testing::ElementsAre;
using ::testing::IsEmpty;

net::Endpoint endpoint(const std::string& text) { return *net::Endpoint::parse(text); }

config::VirtualServer service(int number) {
  config::VirtualServer made;
  made.name = fmt::format("tcp:203.0.113.{}:80", number);
  made.endpoints = {endpoint(fmt::format("203.0.113.{}:80", number))};
  for (int server = 1; server <= 3; ++server) {
    auto& added = made.real_servers.emplace_back();
    added.endpoint = endpoint(fmt::format("10.0.{}.{}:80", number, server));
    added.checks.emplace_back();
  }
  return made;
}

class ComputationTest : public ::testing::Test {
 protected:
  ComputationTest() {
    for (int number = 1; number <= 4; ++number) model.virtual_servers.push_back(service(number));
    instance("VI_1", {"203.0.113.1/32", "203.0.113.2/32"});
    computation.configure(model);
    changed();
  }
  void instance(const char* name, std::vector<const char*> addresses) {
    auto& made = model.vrrp_instances.emplace_back();
    made.name = name;
    for (const char* address : addresses) made.virtual_addresses.emplace_back().prefix = *net::Prefix::parse(address);
  }
  std::string name(int number) { return fmt::format("tcp:203.0.113.{}:80", number); }
  void health(int number, int server, bool up) {
    const auto key = server_key(name(number), endpoint(fmt::format("10.0.{}.{}:80", number, server)));
    inputs.health[key].up = up;
    inputs.health[key].took_ms = 1;
    computation.service_changed(name(number));
  }
  /// Names of services computed anew.
  std::vector<std::string> changed() {
    std::vector<std::string> names;
    for (const auto& report : computation.update(inputs, now).reports) names.push_back(report.now->name);
    return names;
  }

  config::Model model;
  Inputs inputs;
  double now = 100;
  Computation computation;
};

TEST_F(ComputationTest, NothingChangesAndNothingIsComputed) {
  EXPECT_THAT(changed(), IsEmpty());
  computation.configure(model);
  EXPECT_THAT(changed(), IsEmpty());
}

TEST_F(ComputationTest, AServersHealthConcernsItsServiceAlone) {
  const auto before = computation.state();
  health(3, 1, false);
  EXPECT_THAT(changed(), ElementsAre(name(3)));
  EXPECT_NE(computation.state().services.shared(2), before.services.shared(2));
  EXPECT_EQ(computation.state().services.shared(3), before.services.shared(3)) << "others are shared";
}

TEST_F(ComputationTest, AChangedServiceIsComputedAndOthersKeepTheirPast) {
  model.virtual_servers[1].real_servers[0].weight = 7;
  computation.configure(model);
  EXPECT_THAT(changed(), ElementsAre(name(2)));
  EXPECT_EQ(computation.state().services[1].servers[0].weight, 7);
}

TEST_F(ComputationTest, WhatIsRemovedIsToldAndWhatMovesIsNotComputed) {
  config::Model next = model;
  next.virtual_servers.clear();
  for (const std::size_t place : {3U, 0U, 2U}) next.virtual_servers.push_back(model.virtual_servers.shared(place));
  computation.configure(next);
  const auto changes = computation.update(inputs, now);
  EXPECT_THAT(changes.gone, ElementsAre(name(2)));
  EXPECT_THAT(changes.reports, IsEmpty());
  EXPECT_EQ(computation.state().services[0].name, name(4));
  EXPECT_EQ(computation.reports()[1].name, name(1));
}

TEST_F(ComputationTest, ARoleConcernsTheReportsOfItsServicesAndNoServer) {
  const auto before = computation.state();
  inputs.roles["VI_1"] = bus::VrrpRole::master;
  computation.role_changed("VI_1");
  EXPECT_THAT(changed(), ElementsAre(name(1), name(2)));
  EXPECT_TRUE(computation.reports()[0].forwarding);
  EXPECT_EQ(computation.state().services.shared(0), before.services.shared(0)) << "the engine has one word to write";
  EXPECT_THAT(computation.state().roles, ElementsAre(std::pair{"VI_1", RoleState{true, true}}));
}

TEST_F(ComputationTest, AVipThatComesToAnInstanceConcernsItsService) {
  instance("VI_2", {"203.0.113.4/32"});
  computation.configure(model);
  EXPECT_THAT(changed(), ElementsAre(name(4)));
  EXPECT_EQ(computation.state().services[3].role, "VI_2");
}

TEST_F(ComputationTest, TimeoutsOfAllConcernAll) {
  model.global.lvs_timeouts.tcp = std::chrono::seconds{77};
  computation.configure(model);
  EXPECT_EQ(changed().size(), 4U);
}

TEST_F(ComputationTest, AWeightThatRisesIsComputedWhenItIsTime) {
  model.virtual_servers[0].slow_start = std::chrono::seconds{10};
  model.virtual_servers[0].scheduler = config::Scheduler::wrr;
  computation.configure(model);
  for (const bool up : {true, false, true}) {
    health(1, 1, up);
    changed();
  }
  now += 0.5;
  EXPECT_THAT(changed(), IsEmpty());
  now += 5;
  EXPECT_THAT(changed(), ElementsAre(name(1)));
}

TEST_F(ComputationTest, AnyOrderOfChangesGivesWhatComputingAllGives) {
  std::mt19937 random{7};
  const auto draw = [&](int most) { return std::uniform_int_distribution{1, most}(random); };
  for (int round = 0; round < 300; ++round) {
    switch (draw(5)) {
      case 1:
        model.virtual_servers[static_cast<std::size_t>(draw(4) - 1)].real_servers[0].weight = draw(3);
        computation.configure(model);
        break;
      case 2:
        inputs.roles["VI_1"] = draw(2) == 1 ? bus::VrrpRole::master : bus::VrrpRole::backup;
        computation.role_changed("VI_1");
        break;
      default:
        health(draw(4), draw(3), draw(2) == 1);
    }
    changed();
    Computation anew;
    const auto all = Computed::by(anew, model, inputs, now);
    ASSERT_EQ(computation.state(), all.state) << "round " << round;
    ASSERT_EQ(nlohmann::json(computation.reports()), nlohmann::json(all.reports)) << "round " << round;
  }
}

}  // namespace
}  // namespace ballast::forwardd
