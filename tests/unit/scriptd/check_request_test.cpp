// What checkd may have run.
#include "daemons/scriptd/policy/check_request.hpp"

#include <gmock/gmock.h>

#include "daemons/scriptd/policy/commands.hpp"

namespace ballast::scriptd {
namespace {

using nlohmann::json;
using testing::HasSubstr;

config::Model model() {
  config::RealServer server;
  config::Check check;
  check.kind = config::CheckKind::misc;
  check.misc = config::MiscCheck{{{"/check", "a b"}, "nobody", ""}, {}, false};
  server.checks.push_back(check);
  server.notify_up = config::Command{{"/up"}, "", ""};
  config::VirtualServer service;
  service.quorum_down = {{"/lost"}, "", ""};
  service.real_servers.push_back(server);
  config::ServerSource source;
  check.misc->command = {{"/found"}, "", ""};
  source.like.checks.push_back(check);
  service.sources.push_back(source);
  config::Model made;
  made.virtual_servers.push_back(service);
  return made;
}

TEST(CheckRequest, IsReadWithItsTimeWithinBounds) {
  json params{{"words", {"/check", "a b"}}, {"user", "nobody"}, {"group", ""}, {"timeout", 2.5}};
  const auto request = check_request_of(params);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->command, (config::Command{{"/check", "a b"}, "nobody", ""}));
  EXPECT_EQ(request->timeout, std::chrono::milliseconds{2'500});
  params["timeout"] = 1e300;
  EXPECT_EQ(check_request_of(params)->timeout, std::chrono::hours{1});
  params["timeout"] = -1;
  EXPECT_EQ(check_request_of(params)->timeout, std::chrono::milliseconds{1});
}

TEST(CheckRequest, SaysWhatIsWrongWithIt) {
  json params{{"words", {"/check"}}, {"user", ""}, {"group", ""}};
  EXPECT_THAT(check_request_of(params).error().message, HasSubstr("timeout"));
  EXPECT_FALSE(check_request_of(json::array()));
  EXPECT_FALSE(check_request_of({{"words", "/check"}, {"user", ""}, {"group", ""}, {"timeout", 1}}));
  EXPECT_FALSE(check_request_of({{"words", {1}}, {"user", ""}, {"group", ""}, {"timeout", 1}}));
  params = {{"words", {std::string{"/check\0x", 8}}}, {"user", ""}, {"group", ""}, {"timeout", 1}};
  EXPECT_THAT(check_request_of(params).error().message, HasSubstr("byte 0"));
}

TEST(KnownChecks, AreThoseOfTheConfigurationWordForWord) {
  KnownChecks known;
  EXPECT_FALSE(known.contains({{"/check", "a b"}, "nobody", ""}));
  known.adopt(model());
  EXPECT_TRUE(known.contains({{"/check", "a b"}, "nobody", ""}));
  EXPECT_TRUE(known.contains({{"/found"}, "", ""}));
  EXPECT_FALSE(known.contains({{"/check", "a", "b"}, "nobody", ""}));
  EXPECT_FALSE(known.contains({{"/check", "a b"}, "root", ""}));
  EXPECT_FALSE(known.contains({{"/check", "a b"}, "nobody", "root"}));
  EXPECT_FALSE(known.contains({{"/up"}, "", ""})) << "a program, and no check";
  EXPECT_FALSE(known.contains({}));
  known.adopt({});
  EXPECT_FALSE(known.contains({{"/found"}, "", ""}));
}

TEST(Commands, AreAllThatAConfigurationNames) {
  std::vector<std::string> names;
  const auto made = model();
  for (const auto* command : commands_of(made)) names.push_back(command->words.front());
  EXPECT_THAT(names, testing::UnorderedElementsAre("/lost", "/up", "/check", "/found"));
}

}  // namespace
}  // namespace ballast::scriptd
