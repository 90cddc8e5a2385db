#include "tools/ballastctl/verbs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::ctl {
namespace {
using testing::ElementsAre;

Verb verb(const std::string& name, std::vector<Verb> verbs = {}) {
  return {.name = name, .help = {}, .options = {}, .places = {}, .verbs = std::move(verbs)};
}

Operand option(std::vector<std::string> names, bool takes_value) {
  return {.names = std::move(names), .help = {}, .takes_value = takes_value, .choices = {}};
}

Verb program() {
  auto root = verb("ballastctl",
                   {verb("check"), verb("config"), verb("connections"), verb("events"), verb("health"),
                    verb("server", {verb("disable"), verb("drain"), verb("enable")}), verb("status"), verb("words")});
  root.options = {option({"--run-dir"}, true), option({"--version"}, false)};
  root.verbs[3].options = {option({"-n", "--lines"}, true)};
  root.verbs[5].options = {option({"--for"}, true)};
  root.verbs.back().hidden = true;
  return root;
}

Result<std::vector<std::string>> expand(std::vector<std::string> arguments) {
  return expand_verbs(std::move(arguments), program());
}

std::string error_of(std::vector<std::string> arguments) {
  const auto result = expand(std::move(arguments));
  return result ? "no error" : result.error().message;
}

TEST(Verbs, AUniquePrefixIsEnough) {
  EXPECT_THAT(*expand({"st", "--json"}), ElementsAre("status", "--json"));
  EXPECT_THAT(*expand({"--run-dir", "/tmp/st", "h"}), ElementsAre("--run-dir", "/tmp/st", "health"));
  EXPECT_THAT(*expand({"--run-dir=/tmp/x", "e", "-n", "5"}), ElementsAre("--run-dir=/tmp/x", "events", "-n", "5"));
}

TEST(Verbs, AWholeWordIsItself) {
  EXPECT_THAT(*expand({"check", "c"}), ElementsAre("check", "c")) << "what follows is not a verb";
}

TEST(Verbs, TheVerbsOfServerMayBeAbbreviatedToo) {
  EXPECT_THAT(*expand({"se", "dr", "10.1.0.2:80"}), ElementsAre("server", "drain", "10.1.0.2:80"));
  EXPECT_EQ(error_of({"server", "stop", "x"}), "no verb 'stop'; there are disable, drain, enable");
}

TEST(Verbs, AnOptionsValueIsNoVerb) {
  EXPECT_THAT(*expand({"ser", "--for", "disable", "dr"}), ElementsAre("server", "--for", "disable", "drain"));
  EXPECT_THAT(*expand({"server", "--run-dir", "x", "en", "st"}),
              ElementsAre("server", "--run-dir", "x", "enable", "st"));
}

TEST(Verbs, AHiddenVerbIsTypedInFullAndNotToldOf) {
  EXPECT_THAT(*expand({"words", "x"}), ElementsAre("words", "x"));
  EXPECT_EQ(error_of({"wor"}), "no verb 'wor'; there are check, config, connections, events, health, server, status");
}

TEST(Verbs, AWrongWordIsAnsweredByTheValidOnes) {
  EXPECT_EQ(error_of({"stauts"}),
            "no verb 'stauts'; there are check, config, connections, events, health, server, status");
}

TEST(Verbs, AnAmbiguousPrefixIsAnsweredByItsCandidates) {
  EXPECT_EQ(error_of({"con"}), "'con' may be config or connections");
  EXPECT_EQ(error_of({"s"}), "'s' may be server or status");
}

TEST(Verbs, OptionsAloneAreLeftToTheParser) {
  EXPECT_THAT(*expand({"--version"}), ElementsAre("--version"));
  EXPECT_THAT(*expand({}), ElementsAre());
  EXPECT_THAT(*expand({"--run-dir"}), ElementsAre("--run-dir"));
}

}  // namespace
}  // namespace ballast::ctl
