// What differs from the file, as a person reads it.
#include "tools/ballastctl/changes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tools/ballastctl/saved_file.hpp"
#include "tools/ballastctl/status.hpp"

namespace ballast::ctl {
namespace {
using config::AmendKind;
using testing::HasSubstr;

constexpr double now = 1'800'000'000;
constexpr auto name = "tcp:10.0.0.100:80";

bus::Change change(std::uint64_t number, AmendKind kind, const std::string& server, double until = 0) {
  bus::Change made;
  made.number = number;
  made.amendment.kind = kind;
  made.amendment.service = name;
  if (config::is_about_server(kind)) made.amendment.server = net::Endpoint::parse(server).value();
  if (kind == AmendKind::add_server) made.amendment.real_server.emplace().endpoint = made.amendment.server;
  made.by = "root";
  made.since = now - 300;
  made.until = until;
  return made;
}

bus::Change weight() {
  auto made = change(2, AmendKind::server_weight, "10.1.0.3:80");
  made.amendment.weight = 5;
  made.weight_before = 1;
  return made;
}

Sources node() {
  bus::ServiceState service;
  service.name = name;
  service.address = "10.0.0.100";
  service.port = 80;
  for (const auto* address : {"10.1.0.2", "10.1.0.3"}) {
    service.servers.emplace_back();
    service.servers.back().address = address;
    service.servers.back().port = 80;
    service.servers.back().weight = 5;
    service.servers.back().reason = "connected";
  }
  Sources sources{"lb1", {}, std::vector{service}, std::nullopt};
  const auto put = [&](const bus::Change& each) { sources.topics[bus::change_topic(each.number)] = each; };
  put(change(1, AmendKind::add_server, "10.1.0.2:80", now + 240));
  put(weight());
  put(change(3, AmendKind::remove_server, "10.1.0.4:80"));
  put(change(10, AmendKind::remove_service, ""));
  return sources;
}

TEST(Status, MarksWhatDiffersFromTheFile) {
  const auto text = render(gather(node()), now, false);
  EXPECT_THAT(text, HasSubstr("connected; + added by root 5 min ago, for 4 min more\n"));
  EXPECT_THAT(text, HasSubstr("5 (file: 1)"));
  EXPECT_THAT(text, HasSubstr("\n    - 10.1.0.4:80 removed by root 5 min ago\n"));
  EXPECT_THAT(text, HasSubstr("\n  - tcp:10.0.0.100:80 removed by root 5 min ago\n"));
}

TEST(Status, JsonHasIt) {
  const auto json = to_json(gather(node()));
  ASSERT_EQ(json.at("changes").size(), 4U);
  EXPECT_EQ(json.at("changes").at(3).at("number"), 10) << "in the order in which they were made";
  const auto& servers = json.at("services").at(0).at("servers");
  EXPECT_EQ(servers.at(0).at("change").at("amendment").at("kind"), "add_server");
  EXPECT_FALSE(servers.at(0).at("change").at("amendment").contains("real_server"));
  EXPECT_EQ(servers.at(1).at("change").at("weight_before"), 1);
}

TEST(Changes, AreListedWithNumberAndEnd) {
  EXPECT_EQ(render_changes({}, now, false), "nothing differs from the file\n");
  const auto text = render_changes({change(1, AmendKind::add_server, "10.1.0.2:80", now + 240), weight()}, now, false);
  EXPECT_THAT(text, HasSubstr("server 10.1.0.2:80 added"));
  EXPECT_THAT(text, HasSubstr("4 min more"));
  EXPECT_THAT(text, HasSubstr("server 10.1.0.3:80 weighs 5 (file: 1)"));
  EXPECT_THAT(text, HasSubstr("until undone"));
}

class SavedFile : public testing::Test {
 protected:
  SavedFile() { std::filesystem::create_directories(folder); }
  ~SavedFile() override { std::filesystem::remove_all(folder); }
  void write(const std::string& file, const std::string& text) { std::ofstream{folder / file} << text; }
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("ballastctl-saved-{}", ::getpid());
};

TEST_F(SavedFile, ReplacesTheWholeWithTheModeOfTheConfiguration) {
  write("ballast.conf", "x");
  ::chmod((folder / "ballast.conf").c_str(), 0640);
  write("ballast-changes.conf", "old and longer");
  ASSERT_TRUE(replace_file(folder / "ballast-changes.conf", "new", folder / "ballast.conf"));
  EXPECT_EQ(read_text((folder / "ballast-changes.conf").string(), 100).value(), "new");
  struct stat info {};
  ASSERT_EQ(::stat((folder / "ballast-changes.conf").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0640U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder}, {}), 2) << "nothing else is left";
}

TEST_F(SavedFile, WhatCannotBeWrittenLeavesNothingBehind) {
  write("ballast-changes.conf", "old");
  EXPECT_FALSE(replace_file(folder / "ballast-changes.conf", "new", folder / "not there"));
  EXPECT_EQ(read_text((folder / "ballast-changes.conf").string(), 100).value(), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder}, {}), 1);
  EXPECT_FALSE(replace_file(folder / "no folder" / "x", "new", folder / "ballast-changes.conf"));
}

TEST_F(SavedFile, TextsAreBounded) {
  write("big", std::string(1000, 'x'));
  EXPECT_THAT(read_text((folder / "big").string(), 999).error().message, HasSubstr("larger than"));
  EXPECT_TRUE(read_text((folder / "big").string(), 1000));
  EXPECT_FALSE(read_text((folder / "none").string(), 1000));
}

}  // namespace
}  // namespace ballast::ctl
