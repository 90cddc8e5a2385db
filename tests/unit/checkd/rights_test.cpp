#include "daemons/checkd/rights.hpp"

#include <gmock/gmock.h>

namespace ballast::checkd {
namespace {

using testing::StartsWith;

config::Model model_with(config::CheckKind kind, const std::string& target, std::uint32_t mark = 0) {
  config::Check check;
  check.kind = kind;
  check.target = net::Endpoint::parse(target).value();
  check.fwmark = mark;
  config::Model model;
  model.virtual_servers.emplace_back().real_servers.emplace_back().checks.push_back(check);
  return model;
}

TEST(Rights, PlainChecksNeedNone) {
  EXPECT_EQ(needs_raw({}, false, false), "");
  EXPECT_EQ(needs_raw(model_with(config::CheckKind::tcp, "10.0.0.2:80"), false, false), "");
}

TEST(Rights, AMarkNeedsOneWhateverTheCheck) {
  EXPECT_EQ(needs_raw(model_with(config::CheckKind::tcp, "10.0.0.2:80", 7), true, true),
            "fwmark 7 of a check of 10.0.0.2:80");
}

TEST(Rights, APingNeedsOneWhereItsFamilyHasNoPingSocket) {
  const auto four = model_with(config::CheckKind::ping, "10.0.0.2:0");
  EXPECT_EQ(needs_raw(four, true, false), "");
  EXPECT_THAT(needs_raw(four, false, true), StartsWith("PING_CHECK of 10.0.0.2 "));
  EXPECT_THAT(needs_raw(model_with(config::CheckKind::ping, "[2001:db8::2]:0"), true, false),
              StartsWith("PING_CHECK of 2001:db8::2 "));
}

TEST(Rights, TheServersOfASourceCount) {
  config::Model model;
  auto& source = model.virtual_servers.emplace_back().sources.emplace_back();
  source.like.checks.emplace_back().fwmark = 9;
  EXPECT_THAT(needs_raw(model, true, true), StartsWith("fwmark 9 "));
}

}  // namespace
}  // namespace ballast::checkd
