// What is shipped: the examples load without a fault on every host, and the guide tells of every keyword.
#include <fstream>

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

std::vector<std::filesystem::path> examples() {
  std::vector<std::filesystem::path> all{source / "etc/ballast.conf"};
  for (const auto& entry : std::filesystem::directory_iterator{source / "etc/examples"}) all.push_back(entry.path());
  return all;
}

TEST(Examples, LoadWithoutAFaultOnEveryHost) {
  ASSERT_GE(examples().size(), 8U);
  for (const auto& file : examples()) {
    for (const std::string host : {"lb1", "lb2", "lb3", "elsewhere"}) {
      LoadOptions options;
      options.config_id = host;
      const auto loaded = load_file(file, options);
      EXPECT_THAT(faults(loaded), IsEmpty()) << file << " on " << host;
      EXPECT_FALSE(loaded.model.vrrp_instances.empty()) << file;
      EXPECT_EQ(read_text(print(loaded.model)).model, loaded.model) << file;
    }
  }
}

/// The indented examples of a guide, each with the number of its first line.
std::vector<std::pair<std::size_t, std::string>> blocks(const std::string& guide) {
  std::vector<std::pair<std::size_t, std::string>> all;
  std::istringstream lines{guide};
  std::string line;
  bool within = false;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const bool indented = line.starts_with("    ");
    if (indented && !within) all.emplace_back(number, "");
    if (indented) all.back().second += line.substr(4) + "\n";
    within = indented || (within && line.empty());
  }
  return all;
}

TEST(Guides, TheirConfigurationsLoadWithoutAFault) {
  std::size_t seen = 0;
  for (const auto* name : {"docs/guide/quick-start.md", "docs/guide/configuration.md"}) {
    for (const auto& [line, text] : blocks(content(source / name))) {
      if (text.find("vrrp_instance ") != 0 && text.find("virtual_server") != 0 && text.find("global_defs") != 0)
        continue;
      ++seen;
      EXPECT_THAT(faults(read_text(text)), IsEmpty()) << name << ':' << line << '\n' << text;
    }
  }
  EXPECT_GE(seen, 3U);
}

/// The part of the guide from a heading `## …` or `### …` with the word to the next.
std::string section(const std::string& guide, std::string_view word) {
  std::string found;
  std::istringstream lines{guide};
  bool within = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ") || line.starts_with("### ")) within = line.find(word) != std::string::npos;
    if (within) found += line + "\n";
  }
  return found;
}

/// The first line of a text that has the keyword in code style, alone or with a value; empty: none.
std::string line_of(const std::string& text, std::string_view keyword) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.find(fmt::format("`{} ", keyword)) != std::string::npos ||
        line.find(fmt::format("`{}`", keyword)) != std::string::npos) {
      return line;
    }
  }
  return {};
}

TEST(Guides, TheConfigurationGuideTellsOfEveryKeywordWithItsRangeInTheSectionOfItsBlock) {
  const auto guide = content(source / "docs/guide/configuration.md");
  for (const auto& keyword : keywords()) {
    const auto& syntax = keyword.value.syntax;
    const auto open = syntax.find('(');
    const auto range = open == std::string::npos ? "" : syntax.substr(open + 1, syntax.find(')') - open - 1);
    for (const auto context : keyword.contexts) {
      const auto told = line_of(context == Context::top ? guide : section(guide, name_of(context)), keyword.name);
      EXPECT_NE(told, "") << keyword.name << " in " << name_of(context);
      EXPECT_THAT(told, HasSubstr(range)) << keyword.name << " in " << name_of(context);
    }
    for (const auto alias : keyword.aliases) EXPECT_NE(line_of(guide, alias), "") << alias;
  }
}

}  // namespace
}  // namespace ballast::config
