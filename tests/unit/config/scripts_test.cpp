// vrrp_script and the programs that run when a role changes.
#include "common/config/command.hpp"
#include "common/config/loader.hpp"
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string instance(const std::string& lines) {
  return "vrrp_instance A {\ninterface eth0\nvirtual_router_id 51\n" + lines +
         "\nvirtual_ipaddress {\n192.0.2.100/24\n}\n}\n";
}

std::vector<std::string> cut(std::string_view text) { return split_command(text).value(); }

TEST(Commands, AreCutAtBlanksButNotWithinQuotes) {
  EXPECT_THAT(cut("/bin/x  a\tb"), ElementsAre("/bin/x", "a", "b"));
  EXPECT_THAT(cut("/bin/x 'a b' \"c 'd'\" e\\ f ''"), ElementsAre("/bin/x", "a b", "c 'd'", "e f", ""));
  EXPECT_THAT(cut("/bin/x a'b c'd"), ElementsAre("/bin/x", "ab cd"));
  EXPECT_FALSE(split_command("   "));
  EXPECT_FALSE(split_command("/bin/x 'a"));
  EXPECT_FALSE(split_command("'' a"));
}

TEST(Commands, AreWrittenSoThatTheyReadTheSame) {
  const std::vector<std::string> words{"/bin/x", "", "it's", "a b", "\"q\"", "back\\slash", "$HOME"};
  EXPECT_EQ(cut(command_text(words)), words);
}

TEST(VrrpScript, EveryKeywordIsReadAndPrintsAsItself) {
  const auto loaded = read_text(
      "vrrp_script web {\nscript \"/bin/check 'a b' 80\"\ninterval 2.5\ntimeout 3\nrise 2\nfall 4\n"
      "weight -20 reverse\nuser www-data adm\ninit_fail\n}\n");
  EXPECT_THAT(faults(loaded), IsEmpty());
  const auto& script = loaded.model.vrrp_scripts.at(0);
  EXPECT_EQ(script.name, "web");
  EXPECT_EQ(script.command, (Command{{"/bin/check", "a b", "80"}, "www-data", "adm"}));
  EXPECT_EQ(script.interval, 2500ms);
  EXPECT_EQ(script.timeout, 3s);
  EXPECT_EQ(script.rise, 2U);
  EXPECT_EQ(script.fall, 4U);
  EXPECT_EQ(script.weight, -20);
  EXPECT_TRUE(script.reverse);
  EXPECT_TRUE(script.init_fail);
  EXPECT_EQ(read_text(print(loaded.model)).model, loaded.model);
}

TEST(VrrpScript, WordsWithoutQuotesAreTheCommand) {
  const auto loaded = read_text("vrrp_script web {\nscript /bin/check a b\n}\n");
  EXPECT_THAT(loaded.model.vrrp_scripts.at(0).command.words, ElementsAre("/bin/check", "a", "b"));
}

TEST(VrrpScript, WhatCannotBeIsNamed) {
  EXPECT_THAT(faults(read_text("vrrp_script web {\ninterval 1\n}\n")),
              ElementsAre("1:13: error: vrrp_script web has no script"));
  EXPECT_THAT(faults(read_text("vrrp_script web {\nscript /a\n}\nvrrp_script web {\nscript /b\n}\n")),
              ElementsAre(HasSubstr("vrrp_script web exists already")));
  EXPECT_THAT(faults(read_text("vrrp_script web {\nscript /a\nweight 300\n}\n")), ElementsAre(HasSubstr("3:8: error")));
}

TEST(Notifications, OfInstancesAndGroupsAreReadAndPrintAsThemselves) {
  const auto loaded = read_text(
      "global_defs {\nvrrp_notify_priority_changes\nvrrp_notify_fifo /run/f alice staff\n"
      "vrrp_notify_fifo_script \"/bin/read it\" bob\nstartup_script /bin/up\nshutdown_script_timeout 3\n}\n" +
      instance("notify_master \"/bin/m 1 2\" alice staff\nnotify_backup /bin/b\nnotify_deleted\nnotify /bin/n bob") +
      "vrrp_sync_group G {\ngroup {\nA\n}\nnotify_fault /bin/f\n}\n");
  EXPECT_THAT(faults(loaded), IsEmpty());
  const auto& notify = loaded.model.vrrp_instances.at(0).notify;
  EXPECT_EQ(notify.master, (Command{{"/bin/m", "1", "2"}, "alice", "staff"}));
  EXPECT_EQ(notify.backup, (Command{{"/bin/b"}, "", ""}));
  EXPECT_EQ(notify.any, (Command{{"/bin/n"}, "bob", ""}));
  EXPECT_TRUE(notify.says_deleted);
  EXPECT_TRUE(notify.priority_changes);
  EXPECT_EQ(loaded.model.vrrp_sync_groups.at(0).notify.fault.words.at(0), "/bin/f");
  const auto& scripts = loaded.model.global.scripts;
  EXPECT_EQ(scripts.vrrp_fifo, (NotifyFifo{"/run/f", "alice", "staff", {{"/bin/read", "it"}, "bob", ""}}));
  EXPECT_EQ(scripts.startup.words.at(0), "/bin/up");
  EXPECT_EQ(scripts.shutdown_timeout, 3s);
  EXPECT_EQ(read_text(print(loaded.model)).model, loaded.model);
  EXPECT_EQ(nlohmann::json(loaded.model).get<Model>(), loaded.model);
}

TEST(Notifications, AFifoHasAPathOfItsOwn) {
  EXPECT_THAT(faults(read_text("global_defs {\nnotify_fifo run/f\n}\n")),
              ElementsAre("2:13: error: 'run/f' is no absolute path"));
  EXPECT_THAT(faults(read_text("global_defs {\nnotify_fifo /f\nvrrp_notify_fifo /f\n}\n")),
              ElementsAre(HasSubstr("notify_fifo and vrrp_notify_fifo are both /f")));
}

}  // namespace
}  // namespace ballast::config
