// Alerts by mail: who gets them, about what.
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string file(const std::string& globals, const std::string& more = {}) {
  return "global_defs {\n" + globals + "\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 51\n" + more +
         "\nvirtual_ipaddress {\n192.0.2.100/24\n}\n}\nvrrp_sync_group G {\ngroup {\nA\n}\n}\n";
}

const std::string somebody = "notification_email {\na@example.com \"My admin <b@example.com>\"\nc@example.com\n}\n";

TEST(Mail, WhoWhereAndHow) {
  const auto loaded = read_text(
      file(somebody + "notification_email_from lb@example.com\nsmtp_server mail.example.com 587\nsmtp_helo_name lb1\n"
                      "smtp_connect_timeout 10.5\nno_email_faults"));
  EXPECT_THAT(faults(loaded), IsEmpty());
  const auto& mail = loaded.model.global.mail;
  EXPECT_THAT(mail.to, ElementsAre("a@example.com", "My admin <b@example.com>", "c@example.com"));
  EXPECT_EQ(mail.from, "lb@example.com");
  EXPECT_EQ(mail.server, "mail.example.com");
  EXPECT_EQ(mail.port, 587);
  EXPECT_EQ(mail.helo, "lb1");
  EXPECT_EQ(mail.timeout, 10'500ms);
  EXPECT_FALSE(mail.faults);
  EXPECT_EQ(read_text(print(loaded.model)).model, loaded.model);
}

TEST(Mail, TheInnermostWordCounts) {
  const auto alerts = [](const std::string& globals, const std::string& own = {}) {
    const auto loaded = read_text(file(somebody + globals, own));
    EXPECT_THAT(faults(loaded), IsEmpty());
    return std::pair{loaded.model.vrrp_instances.at(0).notify.mail, loaded.model.vrrp_sync_groups.at(0).notify.mail};
  };
  EXPECT_EQ(alerts(""), (std::pair{false, false}));
  EXPECT_EQ(alerts("", "smtp_alert"), (std::pair{true, false}));
  EXPECT_EQ(alerts("smtp_alert"), (std::pair{true, true}));
  EXPECT_EQ(alerts("smtp_alert", "smtp_alert off"), (std::pair{false, true}));
  EXPECT_EQ(alerts("smtp_alert\nsmtp_alert_vrrp off"), (std::pair{false, false}));
}

TEST(Mail, ToNobodyIsSaidOnce) {
  EXPECT_THAT(faults(read_text(file("smtp_alert"))),
              ElementsAre(HasSubstr("smtp_alert sends nothing: there is no notification_email")));
}

TEST(Mail, AnAccountWithoutADomainIsLeftOutWithAWarning) {
  const auto loaded = read_text(file("notification_email {\nadmin\nops@example.com\n}"));
  EXPECT_THAT(faults(loaded),
              ElementsAre(HasSubstr("warning: 'admin' has no domain and is left out (write admin@DOMAIN)")));
  EXPECT_THAT(loaded.model.global.mail.to, ElementsAre("ops@example.com"));
}

TEST(Mail, WhatIsNoAddressAndNoHost) {
  EXPECT_THAT(faults(read_text(file("notification_email {\nad,min\n}"))),
              ElementsAre(HasSubstr("'ad,min' is no mail address")));
  EXPECT_THAT(faults(read_text(file("notification_email_from \"a b@c\""))), ElementsAre(HasSubstr("no mail address")));
  EXPECT_THAT(faults(read_text(file("smtp_server \"a b\""))), ElementsAre(HasSubstr("no name of a host")));
  EXPECT_THAT(faults(read_text(file("smtp_server -x 99999"))), testing::SizeIs(2));
  EXPECT_THAT(faults(read_text(file("smtp_helo_name \"x\ty\""))), ElementsAre(HasSubstr("no name of a host")));
}

}  // namespace
}  // namespace ballast::config
