#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

std::string rendered(const std::string& text, const LoadOptions& options = {}) {
  std::string out;
  for (const auto& diagnostic : read_text(text, options).diagnostics) out += render(diagnostic) + "\n";
  return out;
}

TEST(Diagnostics, PointAtTheWordAndSuggestAnother) {
  EXPECT_EQ(rendered("vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_di 51\n    virtual_router_id 51\n"
                     "    virtual_ipaddress { 10.0.0.1 }\n}\n"),
            "f:3:5: error: unknown keyword 'virtual_router_di' in vrrp_instance VI_1\n"
            "    3 |     virtual_router_di 51\n"
            "      |     ^~~~~~~~~~~~~~~~~ did you mean 'virtual_router_id'?\n");
}

TEST(Diagnostics, TellAllFaultsOfAFileInOneRunInItsOrder) {
  EXPECT_EQ(
      rendered("global_defs {\n"
               "  xdp_mode fast\n"
               "  connection_table_size 12\n"
               "}\n"
               "vrrp_instance A {\n"
               "  interface eth0\n"
               "  virtual_router_id 300\n"
               "  priority high\n"
               "}\n"
               "virtual_server 10.0.0.1 80 {\n"
               "  protocol TCP\n"
               "  real_server 10.0.0.300 80 {\n"
               "    TCP_CHECK\n"
               "  }\n"
               "}\n"
               "}\n"),
      "f:2:12: error: 'fast' is none of auto|native|generic\n"
      "    2 |   xdp_mode fast\n"
      "      |            ^~~~\n"
      "f:3:25: error: 12 is out of range: 1024 to 100000000\n"
      "    3 |   connection_table_size 12\n"
      "      |                         ^~\n"
      "f:5:1: warning: vrrp_instance A has no virtual_ipaddress: routers after RFC 9568 refuse its advertisements\n"
      "    5 | vrrp_instance A {\n"
      "      | ^~~~~~~~~~~~~\n"
      "f:7:21: error: 300 is out of range: 1 to 255\n"
      "    7 |   virtual_router_id 300\n"
      "      |                     ^~~\n"
      "f:8:12: error: 'high' is not a whole number (expected 1 to 255)\n"
      "    8 |   priority high\n"
      "      |            ^~~~\n"
      "f:10:1: warning: 10.0.0.1 is in no vrrp_instance: this node serves it whatever its role\n"
      "   10 | virtual_server 10.0.0.1 80 {\n"
      "      | ^~~~~~~~~~~~~~\n"
      "f:12:15: error: '10.0.0.300' is not an IPv4 or IPv6 address\n"
      "   12 |   real_server 10.0.0.300 80 {\n"
      "      |               ^~~~~~~~~~\n"
      "f:13:5: error: 'TCP_CHECK' has no block\n"
      "   13 |     TCP_CHECK\n"
      "      |     ^~~~~~~~~ a '{' is missing\n"
      "f:16:1: error: this '}' closes no block\n"
      "   16 | }\n"
      "      | ^\n");
}

TEST(Diagnostics, CaretsStandBelowWhatTheyMeanAfterTabsAndUmlauts) {
  EXPECT_EQ(rendered("global_defs {\n\trouter_id \"Köln\" oops\n}\n"),
            "f:2:20: warning: surplus word 'oops' after 'router_id' is ignored\n"
            "    2 | \trouter_id \"Köln\" oops\n"
            "      | \t                 ^~~~ expected NAME\n");
}

TEST(Diagnostics, ARepeatedLineIsOneFault) {
  EXPECT_EQ(rendered("~SEQ(N, 1, 50) frob\n"),
            "f:1:16: error: unknown keyword 'frob'\n"
            "    1 | ~SEQ(N, 1, 50) frob\n"
            "      |                ^~~~\n");
}

TEST(Diagnostics, AKeywordToComeIsAWarningByNameAndItsBlockIsSkippedWhole) {
  const std::string text = "bfd_instance chk {\n  script \"x { y\"\n  sub {\n  }\n  frob\n}\n" + instance();
  EXPECT_EQ(rendered(text),
            "f:1:1: warning: keyword 'bfd_instance' of keepalived is not done yet and is ignored: BFD is still to "
            "come: nothing "
            "is tracked by it\n"
            "    1 | bfd_instance chk {\n"
            "      | ^~~~~~~~~~~~\n");
  LoadOptions strict;
  strict.strict = true;
  EXPECT_FALSE(read_text(text, strict).ok());
  EXPECT_TRUE(read_text(text).ok());
}

TEST(Diagnostics, AnUnknownBlockIsSkippedWholeAndTheRestIsRead) {
  const auto loaded = read_text("frobnicate x {\n inner {\n  deep\n }\n}\n" + instance("priority 7"));
  EXPECT_THAT(errors(loaded), ElementsAre("f:1:1: unknown keyword 'frobnicate'"));
  EXPECT_EQ(loaded.model.vrrp_instances.at(0).priority, 7);
}

TEST(Diagnostics, AKeywordInTheWrongBlockIsToldWhereItBelongs) {
  EXPECT_THAT(
      faults(read_text("global_defs {\nvirtual_router_id 5\n}\n")),
      ElementsAre("2:1: error: unknown keyword 'virtual_router_id' in global_defs (it belongs in vrrp_instance)"));
  EXPECT_THAT(faults(read_text("vrrp_instance A {\nvirtual_server 10.0.0.1 80 {\n}\n}\n")),
              Contains(HasSubstr("is a '}' missing above?")));
}

TEST(Diagnostics, WithoutALineNameTheFileAlone) {
  Diagnostic diagnostic;
  diagnostic.file = "/etc/x";
  diagnostic.message = "cannot be read: No such file or directory";
  EXPECT_EQ(render(diagnostic), "/etc/x: error: cannot be read: No such file or directory");
}

TEST(Diagnostics, ALongWordIsShortenedAndALongLineIsNotQuoted) {
  const auto loaded = read_text(std::string(100'000, 'x') + "\n");
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_LT(render(loaded.diagnostics[0]).size(), 200U);
}

TEST(Diagnostics, RoundTripTheirJson) {
  const auto loaded = read_text("frob\n");
  const nlohmann::json json = loaded.diagnostics;
  const auto again = json.get<std::vector<Diagnostic>>();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(render(again[0]), render(loaded.diagnostics[0]));
}

TEST(Diagnostics, TooManyAreCutAndSaidSo) {
  std::string text;
  for (int i = 0; i < 10'100; ++i) text += fmt::format("x{}\n", i);
  const auto loaded = read_text(text);
  EXPECT_EQ(loaded.diagnostics.size(), 10'001U);
  EXPECT_EQ(loaded.diagnostics.back().message, "too many faults: 100 further ones are left out");
  EXPECT_FALSE(loaded.ok());
}

TEST(Diagnostics, InterfacesThatTheMachineHasNotAreWarningsEachOnce) {
  const auto loaded =
      read_text(instance("track_interface {\n eth1\n eth0\n}") + instance("", "VI_2", 52, "10.0.0.2/24 dev eth2"));
  ASSERT_TRUE(loaded.ok());
  std::vector<std::string> told;
  for (const auto& missing : check_machine(loaded, {"lo", "eth0"})) {
    EXPECT_EQ(missing.severity, Severity::warning);
    told.push_back(fmt::format("{}: {}", missing.line, missing.message));
  }
  EXPECT_THAT(told, ElementsAre("8: interface 'eth1' does not exist on this machine",
                                "16: interface 'eth2' does not exist on this machine"));
}

}  // namespace
}  // namespace ballast::config
