// Changes of role as mails.
#include "daemons/scriptd/policy/alert.hpp"

#include <gmock/gmock.h>

namespace ballast::scriptd {
namespace {

using testing::Contains;
using testing::ElementsAre;

const Scene scene{"host1", "2026-01-31 12:00:00 UTC"};

config::Global global() {
  config::Global made;
  made.mail.to = {"a@example.com", "B <b@example.com>"};
  return made;
}

Notice notice(Occasion occasion, bool group = false) {
  Notice made{{group, group ? "VG_1" : "VI_1"}, occasion, 150, {}};
  made.mail = true;
  made.reason = "no advertisement from 10.0.0.1 for 3.61 s";
  return made;
}

TEST(Alert, SaysWhoWhatAndWhy) {
  EXPECT_THAT(
      alert_arguments(notice(Occasion::master), global(), scene),
      ElementsAre("--server=127.0.0.1", "--port=25", "--timeout=30", "--to=a@example.com", "--to=B <b@example.com>",
                  "--subject=[host1] VRRP Instance VI_1 - Entering MASTER state",
                  "--text=Instance VI_1 on host1: MASTER\n\nReason:   no advertisement from 10.0.0.1 for 3.61 s\n"
                  "Priority: 150\nTime:     2026-01-31 12:00:00 UTC\n"));
}

TEST(Alert, TheNodeHasItsNameFromTheConfiguration) {
  auto named = global();
  named.router_id = "lb1";
  named.mail.helo = "lb1.example.com";
  named.mail.from = "lb1@example.com";
  const auto words = alert_arguments(notice(Occasion::stop, true), named, scene);
  EXPECT_THAT(words, Contains("--subject=[lb1] VRRP Group VG_1 - Stopping"));
  EXPECT_THAT(words, Contains("--helo=lb1.example.com"));
  EXPECT_THAT(words, Contains("--from=lb1@example.com"));
  EXPECT_THAT(words.back(), testing::HasSubstr("Host:     host1\n"));
}

TEST(Alert, OfAServerAndOfAServiceHasKeepalivedsSubject) {
  ServiceNotice down{"s/r", false, "[203.0.113.10]:tcp:443", "[10.0.0.1]:tcp:80", {}, true, "refused"};
  const auto words = alert_arguments(down, global(), scene);
  EXPECT_EQ(words[words.size() - 2],
            "--subject=[host1] Realserver [10.0.0.1]:tcp:80 of virtual server [203.0.113.10]:tcp:443 - DOWN");
  EXPECT_EQ(words.back(),
            "--text=Server [10.0.0.1]:tcp:80 of service [203.0.113.10]:tcp:443 on host1: DOWN\n\nReason:   refused\n"
            "Time:     2026-01-31 12:00:00 UTC\n");
  EXPECT_TRUE(is_alert(down, global().mail));
  down.mail = false;
  EXPECT_FALSE(is_alert(down, global().mail));
  const ServiceNotice up{"s", true, "[203.0.113.10]:tcp:443", "", {}, true, ""};
  EXPECT_THAT(alert_arguments(up, global(), scene),
              Contains("--subject=[host1] Virtualserver [203.0.113.10]:tcp:443 - UP"));
}

TEST(Alert, IsWhatIsWantedBySomebody) {
  auto mail = global().mail;
  EXPECT_TRUE(is_alert(notice(Occasion::fault), mail));
  mail.faults = false;
  EXPECT_FALSE(is_alert(notice(Occasion::fault), mail));
  EXPECT_TRUE(is_alert(notice(Occasion::backup), mail));
  auto unwanted = notice(Occasion::backup);
  unwanted.mail = false;
  EXPECT_FALSE(is_alert(unwanted, mail));
  mail.to.clear();
  EXPECT_FALSE(is_alert(notice(Occasion::master), mail));
}

TEST(Alert, RolesAreTheOnlyOnes) {
  config::Model model;
  config::VrrpInstance instance;
  instance.name = "VI_1";
  instance.notify.mail = instance.notify.priority_changes = true;
  model.vrrp_instances.push_back(instance);
  Teller teller{{}};
  teller.configure(model);
  bus::VrrpState state;
  state.name = "VI_1";
  state.state = bus::VrrpRole::master;
  state.priority = 150;
  state.reason = "why";
  const auto first = teller.on_instance("VI_1", state);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(first[0].mail);
  EXPECT_EQ(first[0].reason, "why");
  state.priority = 140;
  const auto second = teller.on_instance("VI_1", state);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_FALSE(second[0].mail);
}

}  // namespace
}  // namespace ballast::scriptd
