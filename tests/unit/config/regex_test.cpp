#include "common/config/regex.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/unit/config/support.hpp"

namespace ballast::config::test {
namespace {
using testing::ElementsAre;
using Found = Regex::Found;

BodyRegex regex(const std::string& pattern, std::vector<std::string> options = {}, std::uint32_t min = 0,
                std::uint32_t max = 0) {
  return {pattern, std::move(options), false, min, max};
}

Found search(const BodyRegex& wanted, std::string_view text) { return Regex::compile(wanted).value().search(text); }

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string service(const std::string& url) {
  return "virtual_server 192.0.2.1 80 {\nprotocol TCP\nreal_server 192.0.2.2 80 {\nHTTP_GET {\nurl {\n" + url +
         "\n}\n}\n}\n}\n";
}

TEST(Regex, OptionsMeanWhatPcre2Says) {
  EXPECT_EQ(search(regex("OK"), "ok"), Found::nothing);
  EXPECT_EQ(search(regex("OK", {"caseless"}), "ok"), Found::match);
  EXPECT_EQ(search(regex("a.b"), "a\nb"), Found::nothing);
  EXPECT_EQ(search(regex("a.b", {"dotall"}), "a\nb"), Found::match);
  EXPECT_EQ(search(regex("^b$", {"multiline"}), "a\nb\nc"), Found::match);
  for (const auto name : regex_option_names())
    EXPECT_TRUE(Regex::compile(regex("a", {std::string{name}})) || name.starts_with("never_")) << name;
}

TEST(Regex, OffsetsBoundWhereAMatchBegins) {
  EXPECT_EQ(search(regex("b", {}, 1), "abc"), Found::match);
  EXPECT_EQ(search(regex("b", {}, 2), "abc"), Found::nothing);
  EXPECT_EQ(search(regex("b", {}, 9), "abc"), Found::nothing);
  EXPECT_EQ(search(regex("bc", {}, 0, 2), "abc"), Found::match);
  EXPECT_EQ(search(regex("bc", {}, 0, 1), "abc"), Found::nothing);
}

TEST(Regex, ABodyThatIsNotUtf8IsNoFault) {
  EXPECT_EQ(search(regex("ü", {"utf"}), "\xff\xfe ü"), Found::match);
  EXPECT_EQ(search(regex("x", {"utf"}, 1), "üx"), Found::match);
}

TEST(Regex, NoPatternHoldsUsUpForLong) {
  const std::string many(1U << 20, 'a');
  const std::string blocks = [] {
    std::string text;
    while (text.size() < (1U << 20)) text += std::string(60'000, 'a') + 'c';
    return text;
  }();
  for (const std::string pattern :
       {"(a+)+$", "(a|aa)+$", "a*[bc]", "(a*)*b?[xy]", "(?:a|b)*[xy]", "(.*)(.*)(.*)(.*)[xy]", "(a+)\\1[xy]",
        "a{60000}[xy]", "(?s).*.*.*=.*", "(?:(?:a*)*)*[xy]", "(?=(a+))\\1{3}[xy]"}) {
    for (const auto& text : {many, blocks, std::string(30, 'a') + "b"}) {
      const auto begin = processor_seconds();
      search(regex(pattern), text);
      EXPECT_LT(processor_seconds() - begin, 0.5) << pattern;
    }
  }
  EXPECT_EQ(search(regex("(a+)+$"), many + "b"), Found::given_up);
}

TEST(Regex, AnOrdinaryPatternIsFoundInALongBody) {
  EXPECT_EQ(search(regex("state: [a-z]+"), std::string(1'000'000, 'x') + "state: ok"), Found::match);
}

TEST(Regex, AFaultSaysWhere) {
  EXPECT_EQ(Regex::compile(regex("a(b")).error().message, "missing closing parenthesis, at character 4 of the regex");
  EXPECT_FALSE(Regex::compile(regex("(?:(?:a{100}){1000}){1000}")));
}

TEST(Regex, AFaultOfTheFileIsToldWithItsPlace) {
  EXPECT_THAT(faults(read_text(service("regex_options extended\nregex \"a(b\""))),
              ElementsAre("7:7: error: missing closing parenthesis, at character 4 of the regex"));
  EXPECT_THAT(faults(read_text(service("regex \"\\x{100}\""))), testing::SizeIs(1));
  EXPECT_THAT(faults(read_text(service("regex_options colourless\nregex a"))),
              ElementsAre("6:15: error: 'colourless' is no option of a regex"));
}

}  // namespace
}  // namespace ballast::config::test
