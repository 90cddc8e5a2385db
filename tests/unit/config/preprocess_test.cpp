#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// What a global_defs block with these lines gives as router_id; the faults if there are any.
std::string router_id(const std::string& lines, LoadOptions options = {}) {
  const auto loaded = read_text("global_defs {\n" + lines + "\n}\n", std::move(options));
  return loaded.diagnostics.empty() ? loaded.model.global.router_id
                                    : fmt::format("{}", fmt::join(faults(loaded), "; "));
}

std::vector<std::string> addresses(const std::string& lines) {
  const auto loaded = read_text("virtual_server_group G {\n" + lines +
                                "\n}\nvirtual_server group G {\n protocol TCP\n"
                                "real_server 10.9.9.9 80 {\n}\n}\n");
  std::vector<std::string> all = errors(loaded);
  if (loaded.model.virtual_servers.empty()) return all;
  for (const auto& endpoint : loaded.model.virtual_servers[0].endpoints) all.push_back(endpoint.to_string());
  return all;
}

TEST(Conditional, KeepsALineOnItsHostOnly) {
  EXPECT_EQ(router_id("router_id a\n@lb2 router_id b"), "a");
  EXPECT_EQ(router_id("@lb1 router_id a\n@lb2 router_id b"), "a");
  EXPECT_EQ(router_id("@^lb2 router_id a\n@^lb1 router_id b"), "a");
}

TEST(Conditional, StandsAfterABraceToo) {
  const auto loaded = read_text("global_defs { @lb2 router_id b\n}\nglobal_defs { @lb1 router_id a\n}\n");
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.global.router_id, "a");
}

TEST(Conditional, TakesADefinitionWithItsFurtherLines) {
  EXPECT_EQ(router_id("@lb2 $X=\\\nrouter_id b \\\n\n$X=router_id a\n$X"), "a");
}

TEST(Definition, IsReplacedBeforeABlankOrInBraces) {
  EXPECT_EQ(router_id("$A=lb\nrouter_id $A"), "lb");
  EXPECT_EQ(router_id("$A=lb\nrouter_id ${A}1"), "lb1");
  EXPECT_EQ(router_id("$A=\nrouter_id ${A}x"), "x");
}

TEST(Definition, TheLastOneCountsAndExpansionIsLate) {
  EXPECT_EQ(router_id("$A=one\n$A=two\nrouter_id $A"), "two");
  EXPECT_EQ(router_id("$A=x${B}\n$B=1\n$B=2\nrouter_id $A"), "x2");
}

TEST(Definition, WhatIsUnknownStays) { EXPECT_EQ(router_id("router_id ${NOT}$HERE"), "${NOT}$HERE"); }

TEST(Definition, ASlipIsNamed) {
  EXPECT_EQ(router_id("$A=1\nrouter_id $A-x"),
            "3:11: warning: '$A' is not replaced here, only before a blank, ',' or ')' (write ${A})");
}

TEST(Definition, MayHoldLinesAndBlocks) {
  const auto loaded = read_text(
      "$NUM=7\n$VI= \\\nvrrp_instance VI_${NUM} { \\\n interface eth0 \\\n virtual_router_id $NUM \\\n"
      " virtual_ipaddress { \\\n 10.0.${NUM}.1/24 \\\n } \\\n}\n\n$VI\n$NUM=8\n$VI\n");
  EXPECT_THAT(faults(loaded), IsEmpty());
  ASSERT_EQ(loaded.model.vrrp_instances.size(), 2U);
  EXPECT_EQ(loaded.model.vrrp_instances[0].name, "VI_7");
  EXPECT_EQ(loaded.model.vrrp_instances[1].virtual_addresses.at(0).prefix.to_string(), "10.0.8.1/24");
}

TEST(Definition, AFaultInItsLinesIsToldWhereTheyStand) {
  EXPECT_EQ(router_id("$X=\\\nrouter_idd a\\\n\n$X"),
            "3:1: error: unknown keyword 'router_idd' in global_defs (did you mean 'router_id'?)");
}

TEST(Definition, ThatContainsItselfIsNamed) {
  EXPECT_THAT(router_id("$A=$A\nrouter_id $A"), HasSubstr("'$A' never stops being replaced"));
  EXPECT_THAT(router_id("$A=${B}x\n$B=${A}y\nrouter_id $A"), HasSubstr("never stops being replaced"));
  EXPECT_THAT(router_id("$A=\\\nrouter_id x\\\n$A\n$A"), HasSubstr("more than 64 deep"));
}

TEST(BuiltIn, KnowsTheNodeItsFolderAndTheEnvironment) {
  LoadOptions options;
  options.environment = {{"SITE", "berlin"}};
  EXPECT_EQ(router_id("router_id ${_INSTANCE}", options), "lb1");
  EXPECT_EQ(router_id("router_id ${_ENV SITE}", options), "berlin");
  EXPECT_EQ(router_id("router_id a${_HASH}b${_BANG}", options), "a#b!");
  EXPECT_EQ(router_id("router_id ${_PWD}", options), ".");
  EXPECT_EQ(read_files("global_defs {\nrouter_id ${_PWD}\n}\n", {}).model.global.router_id, "/etc/b");
}

TEST(BuiltIn, AValueFromTheEnvironmentIsNotReadAgain) {
  LoadOptions options;
  options.environment = {{"A", "x${_ENV A}"}};
  EXPECT_EQ(router_id("router_id ${_ENV A}", options), "x${_ENV A}");
}

TEST(BuiltIn, RandomNumbersAreTheSameAtEveryReload) {
  const auto first = router_id("router_id ${_RANDOM 100 999}");
  EXPECT_EQ(first, router_id("router_id ${_RANDOM 100 999}"));
  EXPECT_EQ(first.size(), 3U);
  EXPECT_EQ(router_id("router_id ${_RANDOM 5 5}"), "5");
  EXPECT_EQ(router_id("router_id ${_RANDOM 9 1}"), "${_RANDOM 9 1}") << "an empty range is no number";
}

TEST(Sequence, RepeatsTheRestOfTheLine) {
  EXPECT_THAT(addresses("~SEQ(N, 1, 3) 10.0.0.${N} 80"), ElementsAre("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"));
  EXPECT_THAT(addresses("~SEQ(N, 10, -5, 1) 10.0.0.${N} 80"), ElementsAre("10.0.0.10:80", "10.0.0.5:80"));
  EXPECT_THAT(addresses("~SEQ(N, 2) 10.0.0.${N} 80"), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_THAT(addresses("~SEQx(N, 9, 11) 2001:db8::${N} 80"),
              testing::IsSupersetOf({"[2001:db8::9]:80", "[2001:db8::a]:80", "[2001:db8::b]:80"}));
}

TEST(Sequence, Nests) {
  EXPECT_THAT(addresses("~SEQ(A, 1, 2) ~SEQ(B, 1, 2) 10.0.${A}.${B} 80"),
              ElementsAre("10.0.1.1:80", "10.0.1.2:80", "10.0.2.1:80", "10.0.2.2:80"));
}

TEST(Sequence, TellsWhatItExpects) {
  EXPECT_THAT(addresses("~SEQ(N) 10.0.0.1 80"), Contains(HasSubstr("expected ~SEQ(NAME, START, STEP, END)")));
  EXPECT_THAT(addresses("~SEQ(N, 1, x) 10.0.0.1 80"), Contains(HasSubstr("expected ~SEQ(NAME, START, STEP, END)")));
  EXPECT_THAT(addresses("~SEQ(N, 1, 0, 3) 10.0.0.1 80"), Contains(HasSubstr("a step of 0 never ends")));
  EXPECT_THAT(addresses("~SEQ(N, 1, 3 10.0.0.1 80"), Contains(HasSubstr("this has no ')'")));
}

TEST(List, RepeatsForEachValue) {
  EXPECT_THAT(addresses("~LST(H, 7, 9) 10.0.0.${H} 80"), ElementsAre("10.0.0.7:80", "10.0.0.9:80"));
  EXPECT_THAT(addresses("~LST({H, P}, {7, 80}, {9, 81}) 10.0.0.${H} $P"), ElementsAre("10.0.0.7:80", "10.0.0.9:81"));
  EXPECT_THAT(addresses("~LST({H, P}, {7}) 10.0.0.${H} $P"), Contains(HasSubstr("'{7}' has 1 values for 2 names")));
}

TEST(Include, ReadsRelativeToTheIncludingFile) {
  const auto loaded = read_files("include conf.d/*.conf\n", {{"/etc/b/conf.d/1.conf", "include \"../other\"\n"},
                                                             {"/etc/b/conf.d/2.conf", instance()},
                                                             {"/etc/b/other", "global_defs {\nrouter_id x\n}\n"}});
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.global.router_id, "x");
  EXPECT_EQ(loaded.model.vrrp_instances.size(), 1U);
}

TEST(Include, StandsWithinABlockAndSharesDefinitions) {
  const auto loaded =
      read_files("$ID=9\nvrrp_instance A {\ninclude vi\n}\n",
                 {{"/etc/b/vi", "interface eth0\nvirtual_router_id $ID\nvirtual_ipaddress {\n10.0.0.1\n}\n"}});
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.vrrp_instances.at(0).virtual_router_id, 9);
}

TEST(Include, AFaultIsToldInTheFileThatHasIt) {
  const auto loaded = read_files("include vi\n", {{"/etc/b/vi", "\nfrobnicate\n"}});
  EXPECT_THAT(errors(loaded), ElementsAre("/etc/b/vi:2:1: unknown keyword 'frobnicate'"));
}

TEST(Include, AMissingFileIsAWarningOrAnErrorByItsKeyword) {
  EXPECT_THAT(faults(read_files("include gone\n", {})),
              ElementsAre("1:9: warning: there is no file 'gone': nothing is included"));
  EXPECT_THAT(faults(read_files("include gone/*\n", {})), IsEmpty());
  EXPECT_THAT(faults(read_files("includem gone\n", {})), ElementsAre("1:10: error: no file matches 'gone'"));
  EXPECT_THAT(faults(read_files("includew gone/*\n", {})), ElementsAre("1:10: error: no file matches 'gone/*'"));
  EXPECT_THAT(faults(read_files("include\n", {})), ElementsAre("1:1: error: 'include' has no value: expected FILE"));
}

TEST(Include, LoopsAreNamed) {
  EXPECT_THAT(errors(read_files("include main\n", {})), ElementsAre("/etc/b/main:1:9: '/etc/b/main' includes itself"));
  const auto loaded = read_files("include a\n", {{"/etc/b/a", "include b\n"}, {"/etc/b/b", "include ../b/a\n"}});
  EXPECT_THAT(errors(loaded), ElementsAre("/etc/b/b:1:9: '/etc/b/a' includes itself"));
}

TEST(Include, TooDeepIsNamed) {
  std::map<std::filesystem::path, std::string> files;
  for (int i = 0; i < 100; ++i) files[fmt::format("/etc/b/{}", i)] = fmt::format("include {}\n", i + 1);
  EXPECT_THAT(errors(read_files("include 0\n", files)), ElementsAre(HasSubstr("files in files, more than 64 deep")));
}

TEST(Include, AnIncludedFileMayLeaveABlockOpenAndIsNamed) {
  const auto loaded = read_files("include a\n", {{"/etc/b/a", "global_defs {\n"}});
  EXPECT_THAT(errors(loaded), ElementsAre("/etc/b/a:1:1: the block of 'global_defs' is never closed"));
}

TEST(Lines, WindowsEndsAndAByteOrderMarkAreAccepted) {
  const auto loaded = read_text("\xef\xbb\xbfglobal_defs {\r\nrouter_id x\r\n}\r\n");
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.global.router_id, "x");
}

TEST(Lines, ABraceMayStandOnTheNextLine) {
  EXPECT_EQ(read_text("global_defs\n\n# here\n{\nrouter_id x\n}\n").model.global.router_id, "x");
}

}  // namespace
}  // namespace ballast::config
