// Whatever the text is, reading it ends soon and gives a model or words.
#include <random>

#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

std::string large_file() {
  std::string text =
      "$PORT=80\nglobal_defs {\n  router_id \"lb 1\"  # one\n}\n@lb1 $X=5\n@^lb1 $X=6\n" + instance("priority $X");
  text += "virtual_server_group G {\n ~SEQ(N, 1, 3) 10.1.0.${N} 80\n}\n" + service("", "", "group G");
  text += "$LINES= \\\nTCP_CHECK { \\\n connect_timeout 3 \\\n}\n\n";
  text +=
      service("lb_algo wrr\nlb_kind NAT\nquorum_up \"/bin/x {\"", "HTTP_GET {\n url {\n  path \"/a b\"\n }\n}\n$LINES");
  text += "vrrp_script x {\n script \"/bin/true\"\n}\nvrrp_sync_group S {\n group {\n  VI_1\n }\n}\n";
  return text;
}

TEST(Hostile, AFileCutOffAtAnyByteIsReadWithoutHarm) {
  const auto text = large_file();
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto loaded = read_text(text.substr(0, length));
    for (const auto& diagnostic : loaded.diagnostics) ASSERT_FALSE(render(diagnostic).empty());
    if (loaded.ok()) {
      ASSERT_TRUE(read_text(print(loaded.model)).ok()) << "cut at " << length;
    }
  }
}

TEST(Hostile, AFileThatBeginsAtAnyByteIsReadWithoutHarm) {
  const auto text = large_file();
  for (std::size_t from = 0; from < text.size(); ++from) {
    for (const auto& diagnostic : read_text(text.substr(from)).diagnostics) ASSERT_FALSE(render(diagnostic).empty());
  }
}

TEST(Hostile, AnyByteMayBeAnyOther) {
  auto text = large_file();
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'\0', '{', '}', '"', '\n', '$', '@', '~', '\\', '#', '\xff'}) {
      const char kept = std::exchange(text[i], c);
      for (const auto& diagnostic : read_text(text).diagnostics) ASSERT_FALSE(render(diagnostic).empty());
      text[i] = kept;
    }
  }
}

TEST(Hostile, BinaryIsNamedAndNotRepeatedAsItIs) {
  std::mt19937 random{7};
  std::string noise(20'000, '\0');
  for (auto& c : noise) c = static_cast<char>(random());
  const auto loaded = read_text(noise);
  EXPECT_FALSE(loaded.ok());
  EXPECT_THAT(faults(loaded), Contains(HasSubstr("a byte that is not text")));
  for (const auto& diagnostic : loaded.diagnostics) {
    EXPECT_NO_THROW(static_cast<void>(nlohmann::json(diagnostic).dump())) << "JSON is UTF-8";
    EXPECT_EQ(render(diagnostic).find('\x1b'), std::string::npos) << "a terminal obeys control characters";
  }
}

TEST(Hostile, HugeNestingIsNamedOnce) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "x {\n";
  EXPECT_THAT(errors(read_text(text)), Contains(HasSubstr("blocks are nested more than 32 deep")).Times(1));
  EXPECT_FALSE(read_text(std::string(1'000'000, '{')).ok());
  EXPECT_FALSE(read_text(std::string(1'000'000, '}')).ok());
  EXPECT_FALSE(read_text(std::string(1'000'000, '"')).ok());
}

TEST(Hostile, WhatGrowsWithoutEndIsStopped) {
  Limits limits;
  limits.steps = 10'000;
  limits.line_length = 4'096;
  EXPECT_THAT(errors(read_text("~SEQ(A, 1, 1000) ~SEQ(B, 1, 1000) ~SEQ(C, 1, 1000) x\n", {}, limits)),
              Contains(HasSubstr("the configuration grows beyond 10000 lines")));
  std::string laughs = "$A0=ha\n";
  for (int i = 1; i < 60; ++i) laughs += fmt::format("$A{}=${{A{}}}${{A{}}}\n", i, i - 1, i - 1);
  EXPECT_THAT(errors(read_text(laughs + "$A59 \n", {}, limits)), Contains(HasSubstr("never stops being replaced")));
  std::string lines = "$L0=\\\na\\\nb\n";
  for (int i = 1; i < 30; ++i) lines += fmt::format("$L{}=\\\n$L{}\\\n$L{}\n", i, i - 1, i - 1);
  EXPECT_THAT(errors(read_text(lines + "$L29\n", {}, limits)), Contains(HasSubstr("grows beyond 10000 lines")));
}

TEST(Hostile, GroupsHoldABoundedNumberOfAddressesTogether) {
  std::string text = "virtual_server_group G {\n";
  for (int i = 0; i < 5; ++i) text += fmt::format("10.{}.0.0/16 80\n", i);
  EXPECT_THAT(errors(read_text(text + "}\n" + service("", "", "group G"))),
              Contains(HasSubstr("the virtual_server_groups hold more than 65536 addresses")));
}

TEST(Hostile, LocalGroupsHoldABoundedNumberOfAddressesTogether) {
  std::string text;
  for (int i = 0; i < 65; ++i) text += fmt::format("local_address_group G{} {{\n10.{}.0.0/22\n}}\n", i, i);
  EXPECT_THAT(errors(read_text(text)),
              ElementsAre(HasSubstr("the local_address_groups hold more than 65536 addresses")));
}

TEST(Hostile, AMegabyteOfOneLineIsRead) {
  std::string text = "virtual_server_group G {\n 10.0.0.1 80 " + std::string(1U << 20, ' ') + "\n}\n";
  EXPECT_TRUE(read_text(text + service("", "", "group G")).ok());
  EXPECT_FALSE(read_text("global_defs {\nlb_interfaces" + std::string(2'000'000, 'x') + "\n}\n").ok());
}

}  // namespace
}  // namespace ballast::config
