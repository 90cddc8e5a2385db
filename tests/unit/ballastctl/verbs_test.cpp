#include "tools/ballastctl/verbs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::ctl {
namespace {
using testing::ElementsAre;

std::string error_of(std::vector<std::string> arguments) {
  const auto result = expand_verbs(std::move(arguments));
  return result ? "no error" : result.error().message;
}

TEST(Verbs, AUniquePrefixIsEnough) {
  EXPECT_THAT(*expand_verbs({"st", "--json"}), ElementsAre("status", "--json"));
  EXPECT_THAT(*expand_verbs({"--run-dir", "/tmp/st", "h"}), ElementsAre("--run-dir", "/tmp/st", "health"));
  EXPECT_THAT(*expand_verbs({"--run-dir=/tmp/x", "e", "-n", "5"}),
              ElementsAre("--run-dir=/tmp/x", "events", "-n", "5"));
}

TEST(Verbs, AWholeWordIsItself) {
  EXPECT_THAT(*expand_verbs({"check", "c"}), ElementsAre("check", "c")) << "what follows is not a verb";
}

TEST(Verbs, TheVerbsOfServerMayBeAbbreviatedToo) {
  EXPECT_THAT(*expand_verbs({"se", "dr", "10.1.0.2:80"}), ElementsAre("server", "drain", "10.1.0.2:80"));
  EXPECT_EQ(error_of({"server", "stop", "x"}), "no verb 'stop'; there are disable, drain, enable");
}

TEST(Verbs, AWrongWordIsAnsweredByTheValidOnes) {
  EXPECT_EQ(
      error_of({"stauts"}),
      "no verb 'stauts'; there are check, config, connections, doctor, drops, events, failover, health, maintenance, "
      "reload, server, "
      "status, top, trace");
}

TEST(Verbs, AnAmbiguousPrefixIsAnsweredByItsCandidates) {
  EXPECT_EQ(error_of({"con"}), "'con' may be config or connections");
  EXPECT_EQ(error_of({"s"}), "'s' may be server or status");
}

TEST(Verbs, OptionsAloneAreLeftToTheParser) {
  EXPECT_THAT(*expand_verbs({"--version"}), ElementsAre("--version"));
  EXPECT_THAT(*expand_verbs({}), ElementsAre());
  EXPECT_THAT(*expand_verbs({"--run-dir"}), ElementsAre("--run-dir"));
}

}  // namespace
}  // namespace ballast::ctl
