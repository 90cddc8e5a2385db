// What `ballastctl trace` tells: the way that the packet would take, though nothing takes it.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

using ::testing::ElementsAre;

class Trace : public Scenario {
 protected:
  std::vector<std::string> steps(const Packet& packet) {
    std::vector<std::string> names;
    for (const auto& step : path().trace(packet)) names.push_back(step.step);
    return names;
  }
  std::string text(const Packet& packet, const std::string& name) {
    for (const auto& step : path().trace(packet)) {
      if (step.step == name) return step.text;
    }
    return "";
  }
};

TEST_P(Trace, ANewConnectionNamesServiceAndServerAndLeavesNothing) {
  have(service(vip(), {server(1), server(2)}));
  const auto request = from_client().syn();
  EXPECT_THAT(steps(request), ElementsAre("service", "server", "nat", "send", "verdict"));
  EXPECT_EQ(text(request, "server"), "server " + name(1));
  EXPECT_EQ(text(request, "service"), fmt::format("service tcp:{}", vip()));
  EXPECT_EQ(path().entries(), 0U);
  EXPECT_EQ(path().total_load(), Load{});
  EXPECT_EQ(path().stats(name(1)).packets_in, 0U);
  EXPECT_EQ(send(request), transmitted(to_server(request, 1))) << "the turn was not taken by asking";
}

TEST_P(Trace, AKnownConnectionAndItsNextState) {
  have(service(vip(), {server(1)}));
  establish_nat(from_client(), 1);
  EXPECT_THAT(steps(from_client().ack()), ElementsAre("flow", "server", "nat", "send", "verdict"));
  EXPECT_EQ(text(from_client().fin().ack(), "state"), "TCP state becomes CLOSE_WAIT");
  EXPECT_EQ(path().connection(from_client())->state, "ESTABLISHED");
  EXPECT_THAT(steps(answer(from_client().ack(), 1)), ElementsAre("flow", "answer", "send", "verdict"));
}

TEST_P(Trace, ADropSaysWhyAndIsNotCounted) {
  have(service(vip(), {server(1)}));
  EXPECT_THAT(steps(from_client().ack()), ElementsAre("service", "dropped", "verdict"));
  EXPECT_THAT(text(from_client().ack(), "dropped"), ::testing::StartsWith("dropped: no_connection ("));
  EXPECT_EQ(path().drops("no_connection"), 0U);
}

TEST_P(Trace, WhatIsLeftToTheKernelSaysWhy) {
  auto web = service(vip(), {server(1)});
  web.role = "VI_1";
  desired.roles["VI_1"] = {.forwarding = false, .known = true};
  have(web);
  EXPECT_THAT(steps(from_client().syn()), ElementsAre("service", "standby", "verdict"));
  EXPECT_THAT(steps(tcp(client(), vip(22)).syn()), ElementsAre("no_service", "verdict"));
  EXPECT_THAT(steps(tcp(client(), vip(80, 77)).syn()), ElementsAre("not_ours", "verdict"));
}

TEST_P(Trace, ATunnelIsNamed) {
  auto one = server(1, 1, Method::tun, 80);
  one.tunnel = {.type = config::TunnelType::gue, .port = 6080};
  have(service(vip(), {one}));
  EXPECT_EQ(text(from_client().syn(), "tunnel"), "wrapped for the server, kind GUE");
}

BALLAST_BOTH_FAMILIES(Trace);

}  // namespace
}  // namespace ballast::packet
