// What Ballast says of keepalived's keywords: of every one, in the file's warnings and on the page of the docs.
#include "common/config/compatibility.hpp"

#include <fstream>
#include <set>

#include "common/config/keywords.hpp"
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

const std::filesystem::path source = BALLAST_SOURCE_DIR;

std::string content(const std::filesystem::path& file) {
  std::ifstream stream{file};
  EXPECT_TRUE(stream) << file;
  return {std::istreambuf_iterator<char>{stream}, {}};
}

struct Named {
  Context context;
  std::string name;
};

/// Of tests/unit/config/keepalived_keywords.txt.
std::vector<Named> keywords_of_keepalived() {
  std::vector<Named> all;
  std::istringstream lines{content(source / "tests/unit/config/keepalived_keywords.txt")};
  std::optional<Context> context;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#') || line.empty()) continue;
    if (line.starts_with('[')) {
      context = from_name<Context>(line.substr(1, line.size() - 2));
      EXPECT_TRUE(context) << line;
    } else if (context) {
      all.push_back({*context, line});
    }
  }
  return all;
}

TEST(Compatibility, EveryKeywordOfKeepalivedIsDoneOrHasAReason) {
  const auto all = keywords_of_keepalived();
  EXPECT_GT(all.size(), 400U);
  for (const auto& [context, name] : all) {
    EXPECT_TRUE(find_keyword(context, name) != nullptr || find_undone(context, name) != nullptr)
        << name << " in " << name_of(context);
  }
}

TEST(Compatibility, EveryKeywordIsKeepalivedsOrToldToBeOurs) {
  std::set<std::pair<Context, std::string>> theirs;
  for (const auto& [context, name] : keywords_of_keepalived()) theirs.emplace(context, name);
  for (const auto& keyword : keywords()) {
    for (const auto context : keyword.contexts) {
      EXPECT_NE(theirs.contains({context, std::string{keyword.name}}), is_our_own(context, keyword.name))
          << keyword.name << " in " << name_of(context);
      for (const auto alias : keyword.aliases)
        EXPECT_NE(theirs.contains({context, std::string{alias}}), is_our_own(context, alias))
            << alias << " in " << name_of(context);
    }
  }
}

TEST(Compatibility, ADifferenceIsOfAKeywordThatIsDone) {
  for (const auto& difference : differences()) {
    for (const auto name : cut_words(difference.names))
      EXPECT_NE(find_keyword(difference.context, name), nullptr) << name << " in " << name_of(difference.context);
  }
}

TEST(Compatibility, WhatIsNotDoneIsAWarningThatSaysWhyAndWhatToDo) {
  for (const auto& undone : undone_keywords()) EXPECT_GT(undone.reason.size(), 15U) << undone.names;
  EXPECT_EQ(faults(read_text("global_defs {\n vrrp_rt_priority 50\n}\n")),
            std::vector<std::string>{
                "2:2: warning: keyword 'vrrp_rt_priority' of keepalived is not needed and is ignored: the "
                "unit files say it: Nice=, CPUSchedulingPolicy= and CPUSchedulingPriority= "
                "(systemctl edit vrrpd)"});
  EXPECT_FALSE(
      read_text("global_defs {\n enable_snmp_vrrp\n}\n", {.config_id = {}, .environment = {}, .strict = true}).ok());
}

TEST(Compatibility, ThePageIsMadeFromTheTables) {
  EXPECT_EQ(content(source / "docs/keepalived-compatibility.md"), compatibility_page())
      << "write it anew: scripts/compatibility";
}

}  // namespace
}  // namespace ballast::config
