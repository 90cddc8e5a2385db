#include "daemons/ballastd/model_diff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/loader.hpp"

namespace ballast::ballastd {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

config::Model model_of(const std::string& text) {
  const auto loaded = config::load_text(text, "test.conf", {.config_id = "lb1", .environment = {}, .strict = false});
  EXPECT_TRUE(loaded.ok()) << text;
  return loaded.model;
}

std::string instance(const std::string& name, int id, int priority, const std::string& more = "") {
  return fmt::format(
      "vrrp_instance {} {{\n interface eth0\n virtual_router_id {}\n priority {}\n virtual_ipaddress {{\n "
      "10.0.0.{}/24\n }}\n{}}}\n",
      name, id, priority, id, more);
}

std::string service(const std::string& scheduler, const std::string& servers) {
  return fmt::format("virtual_server 10.0.0.1 80 {{\n lb_algo {}\n lb_kind NAT\n protocol TCP\n{}}}\n", scheduler,
                     servers);
}

std::string server(int last, int weight) {
  return fmt::format(" real_server 10.1.0.{} 80 {{\n weight {}\n }}\n", last, weight);
}

TEST(ModelDiff, NothingIsSaidOfWhatIsTheSame) {
  const auto model = model_of(instance("VI_1", 51, 100) + service("rr", server(1, 1)));
  EXPECT_THAT(diff(model, model), IsEmpty());
}

TEST(ModelDiff, InstancesComeGoAndChange) {
  const auto before = model_of(instance("VI_1", 51, 100) + instance("VI_2", 52, 100));
  const auto after = model_of(instance("VI_1", 51, 150, " nopreempt\n") + instance("VI_3", 53, 100));
  EXPECT_THAT(diff(before, after),
              ElementsAre("vrrp_instance VI_2 removed", "vrrp_instance VI_1: priority 100 -> 150, nopreempt added",
                          "vrrp_instance VI_3 added"));
}

TEST(ModelDiff, MembersOfListsAreNamed) {
  const auto before = model_of(instance("VI_1", 51, 100, " virtual_ipaddress_excluded {\n 10.0.1.1\n 10.0.1.2\n }\n"));
  const auto after =
      model_of(instance("VI_1", 51, 100, " virtual_ipaddress_excluded {\n 10.0.1.2 dev eth1\n 10.0.1.3\n }\n"));
  EXPECT_THAT(diff(before, after), ElementsAre("vrrp_instance VI_1: virtual_ipaddress_excluded 10.0.1.1/32 removed, "
                                               "virtual_ipaddress_excluded 10.0.1.2/32 -> 10.0.1.2/32 dev eth1, "
                                               "virtual_ipaddress_excluded 10.0.1.3/32 added"));
}

TEST(ModelDiff, OfALongListSomeAreNamedAndTheRestIsCounted) {
  std::string addresses = " virtual_ipaddress_excluded {\n";
  for (int i = 1; i <= 20; ++i) addresses += fmt::format(" 10.0.1.{}\n", i);
  const auto lines = diff(model_of(instance("VI_1", 51, 100)), model_of(instance("VI_1", 51, 100, addresses + " }\n")));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], testing::EndsWith("virtual_ipaddress_excluded 10.0.1.8/32 added, 12 more of "
                                          "virtual_ipaddress_excluded"));
}

TEST(ModelDiff, ServersComeGoAndChange) {
  const auto before = model_of(service("rr", server(1, 1) + server(2, 1)));
  const auto after = model_of(service("wlc", server(1, 5) + server(3, 1)));
  EXPECT_THAT(diff(before, after),
              ElementsAre("virtual_server tcp:10.0.0.1:80: lvs_sched rr -> wlc, real_server 10.1.0.2:80 removed, "
                          "real_server 10.1.0.3:80 added",
                          "virtual_server tcp:10.0.0.1:80: real_server 10.1.0.1:80: weight 1 -> 5"));
}

std::string checked(const std::string& checks) {
  return service("rr", " real_server 10.1.0.1 80 {\n" + checks + " }\n");
}

TEST(ModelDiff, AFieldOfACheckIsNamedByItsKeyword) {
  const std::string http = " HTTP_GET {\n url {\n path /a\n status_code 200\n }\n url {\n path /b\n }\n }\n";
  const std::string other = " HTTP_GET {\n url {\n path /a\n status_code 204\n }\n url {\n path /b\n }\n }\n";
  const auto before = model_of(checked(" TCP_CHECK {\n }\n" + http));
  const auto after = model_of(checked(" TCP_CHECK {\n connect_timeout 1\n }\n" + other + " PING_CHECK {\n }\n"));
  const std::string label = "virtual_server tcp:10.0.0.1:80: real_server 10.1.0.1:80";
  EXPECT_THAT(diff(before, after),
              ElementsAre(label + ": check PING_CHECK added", label + ": check TCP_CHECK: connect_timeout 5 -> 1",
                          label + ": check HTTP_GET: url 1: status_code 200 -> 204"));
}

TEST(ModelDiff, AnotherOrderOfServersIsAChange) {
  const auto before = model_of(service("rr", server(1, 1) + server(2, 1)));
  const auto after = model_of(service("rr", server(2, 1) + server(1, 1)));
  EXPECT_THAT(diff(before, after), ElementsAre("virtual_server tcp:10.0.0.1:80: real_server in another order"));
}

TEST(ModelDiff, AGroupOfAddressesIsItsServices) {
  const std::string rest = "virtual_server group G {\n protocol TCP\n" + server(1, 1) + "}\n";
  const auto before = model_of("virtual_server_group G {\n 10.0.0.1 80\n}\n" + rest);
  const auto after = model_of("virtual_server_group G {\n 10.0.0.1 80\n 10.0.0.2 80\n}\n" + rest);
  EXPECT_THAT(diff(before, after), ElementsAre("virtual_server tcp:group:G: virtual_server_group G 10.0.0.2 80 added"));
}

TEST(ModelDiff, GlobalsGroupsAndScripts) {
  config::Model before;
  before.vrrp_sync_groups.push_back({"G", {"a"}, {}});
  auto after = before;
  after.global.router_id = "lb2";
  after.global.mail.to = {"ops@example.com"};
  after.vrrp_sync_groups[0].members.push_back("b");
  EXPECT_THAT(diff(before, after),
              ElementsAre("global_defs: router_id lb2 added, notification_email \"ops@example.com\" added",
                          "vrrp_sync_group G: group b added"));
}

TEST(ModelDiff, StaticObjectsAndWhatIsTracked) {
  const auto before = model_of("static_routes {\n 10.0.0.0/8 via 192.0.2.1 dev eth1\n}\n");
  const auto after =
      model_of("static_routes {\n 10.0.0.0/8 via 192.0.2.2 dev eth1\n}\nvrrp_track_file f {\n file /run/f\n}\n");
  const auto lines = diff(before, after);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], testing::StartsWith("static_routes 10.0.0.0/8"));
  EXPECT_THAT(lines[0], testing::HasSubstr(" -> "));
  EXPECT_EQ(lines[1], "vrrp_track_file f added");
}

TEST(ModelDiff, PasswordsAreNotTold) {
  const auto secret = [](const std::string& word) {
    return model_of(instance("VI_1", 51, 100, " authentication {\n auth_type PASS\n auth_pass " + word + "\n }\n"));
  };
  EXPECT_THAT(diff(secret("abc"), secret("xyz")), ElementsAre("vrrp_instance VI_1: authentication: auth_pass changed"));
  const auto keys = [](const std::string& lines) {
    return model_of(instance("VI_1", 51, 100, " version 3\n auth_hmac {\n" + lines + " active_key 1\n }\n"));
  };
  const std::string one = " key 1 hex:" + std::string(64, '1') + "\n";
  const auto lines = diff(keys(one), keys(one + " key 2 hex:" + std::string(64, 'f') + "\n"));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], testing::Not(testing::HasSubstr("ffffff")));
}

TEST(ModelDiff, ThousandsOfServicesAreComparedInNoTime) {
  config::Model before;
  for (int i = 0; i < 10'000; ++i) {
    config::VirtualServer made;
    made.name = fmt::format("tcp:10.{}.{}.1:80", i / 250, i % 250);
    before.virtual_servers.push_back(std::move(made));
  }
  auto after = before;
  after.virtual_servers.erase(after.virtual_servers.end() - 1);
  EXPECT_EQ(diff(before, after).size(), 1U);
}

}  // namespace
}  // namespace ballast::ballastd
