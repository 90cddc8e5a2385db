// What an agent says, and what holds on of it.
#include "daemons/checkd/agent_line.hpp"

#include <gmock/gmock.h>

namespace ballast::checkd {
namespace {

using Health = AgentAnswer::Health;
using Use = AgentAnswer::Use;

TEST(AgentLine, UpWithAWeight) {
  const auto answer = parse_agent_line("up 75%\n");
  EXPECT_EQ(answer.health, Health::up);
  EXPECT_EQ(answer.percent, 75);
  EXPECT_FALSE(answer.use);
}

TEST(AgentLine, WordsAreSeparatedByBlanksCommasAndTabsInAnyLetters) {
  const auto answer = parse_agent_line(" \tREADY,Up,,  50%\r\nignored down");
  EXPECT_EQ(answer.use, Use::ready);
  EXPECT_EQ(answer.health, Health::up);
  EXPECT_EQ(answer.percent, 50);
  EXPECT_TRUE(answer.unknown.empty());
}

TEST(AgentLine, ADescriptionFollowsAHash) {
  const auto answer = parse_agent_line("down # disk full, no space\n");
  EXPECT_EQ(answer.health, Health::down);
  EXPECT_EQ(answer.description, "disk full, no space");
  EXPECT_EQ(parse_agent_line("stopped#up").health, Health::stopped);
}

TEST(AgentLine, TheNumberOfConnectionsIsLeftOut) {
  const auto answer = parse_agent_line("maxconn:30");
  EXPECT_FALSE(answer.says_something());
  EXPECT_TRUE(answer.unknown.empty());
}

TEST(AgentLine, OtherWordsAreTold) {
  const auto answer = parse_agent_line("SSH-2.0-OpenSSH\x01 up");
  EXPECT_EQ(answer.unknown, "SSH-2.0-OpenSSH?");
  EXPECT_EQ(answer.health, Health::up);
  for (const auto* text : {"%", "-1%", "1.5%", "99999%", "999999999999%", "7 %"})
    EXPECT_FALSE(parse_agent_line(text).percent) << text;
}

TEST(AgentLine, EveryBeginningOfALineIsALine) {
  const std::string whole = "up,ready\t100% maxconn:9 #all is well\n";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const auto answer = parse_agent_line(whole.substr(0, size));
    EXPECT_EQ(answer.health.has_value(), size >= 2) << size;
  }
}

TEST(AgentState, DownHoldsUntilUpIsSaid) {
  AgentState state;
  state.hear(parse_agent_line("down #maintenance of the disk"));
  EXPECT_EQ(state.verdict("agent X").cause, Cause::said_down);
  EXPECT_EQ(state.verdict("agent X").reason, "agent X: says down (maintenance of the disk)");
  state.hear(parse_agent_line("80%"));
  EXPECT_FALSE(state.verdict("agent X").passed());
  state.hear(parse_agent_line("up"));
  EXPECT_EQ(state.verdict("agent X").reason, "agent X: says up, 80%");
}

TEST(AgentState, DrainIsAWeightOfNothingUntilReadyIsSaid) {
  AgentState state;
  state.hear(parse_agent_line("drain"));
  EXPECT_EQ(state.verdict("a").weight, (WeightWord{WeightWord::Kind::percent, 0}));
  EXPECT_TRUE(state.verdict("a").passed());
  state.hear(parse_agent_line("50% up"));
  EXPECT_EQ(state.verdict("a").weight, (WeightWord{WeightWord::Kind::percent, 0}));
  state.hear(parse_agent_line("ready"));
  EXPECT_EQ(state.verdict("a").weight, (WeightWord{WeightWord::Kind::percent, 50}));
}

TEST(AgentState, MaintIsDownAndIsOtherNewsThanDown) {
  AgentState maint;
  maint.hear(parse_agent_line("maint"));
  AgentState failed;
  failed.hear(parse_agent_line("failed"));
  EXPECT_EQ(maint.verdict("a").reason, "a: says maint");
  EXPECT_EQ(failed.verdict("a").reason, "a: says failed");
  EXPECT_FALSE(maint.verdict("a").same_kind(failed.verdict("a")));
}

TEST(Unescape, KnowsWhatHAProxyKnows) {
  EXPECT_EQ(unescape("state\\n"), "state\n");
  EXPECT_EQ(unescape("a\\r\\t\\\\\\x41"), "a\r\t\\A");
  EXPECT_EQ(unescape("\\q \\x4 \\"), "\\q \\x4 \\");
}

}  // namespace
}  // namespace ballast::checkd
