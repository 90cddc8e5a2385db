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
  EXPECT_THAT(diff(before, after), ElementsAre("vrrp_instance VI_2 removed",
                                               "vrrp_instance VI_1: preempt true -> false, priority 100 -> 150",
                                               "vrrp_instance VI_3 added"));
}

TEST(ModelDiff, ListsAreNamedOnly) {
  auto before = model_of(instance("VI_1", 51, 100));
  auto after = before;
  after.vrrp_instances[0].virtual_addresses.clear();
  EXPECT_THAT(diff(before, after), ElementsAre("vrrp_instance VI_1: virtual_addresses changed"));
}

TEST(ModelDiff, ServersComeGoAndChange) {
  const auto before = model_of(service("rr", server(1, 1) + server(2, 1)));
  const auto after = model_of(service("wlc", server(1, 5) + server(3, 1)));
  EXPECT_THAT(diff(before, after), ElementsAre("virtual_server tcp:10.0.0.1:80: scheduler rr -> wlc",
                                               "virtual_server tcp:10.0.0.1:80: real_server 10.1.0.2:80 removed",
                                               "virtual_server tcp:10.0.0.1:80: real_server 10.1.0.1:80: weight 1 -> 5",
                                               "virtual_server tcp:10.0.0.1:80: real_server 10.1.0.3:80 added"));
}

TEST(ModelDiff, AnotherOrderOfServersIsAChange) {
  const auto before = model_of(service("rr", server(1, 1) + server(2, 1)));
  const auto after = model_of(service("rr", server(2, 1) + server(1, 1)));
  EXPECT_THAT(diff(before, after), ElementsAre("virtual_server tcp:10.0.0.1:80: real_servers in another order"));
}

TEST(ModelDiff, GlobalsAndGroups) {
  config::Model before;
  before.vrrp_sync_groups.push_back({"G", {"a"}, {}});
  auto after = before;
  after.global.router_id = "lb2";
  after.vrrp_sync_groups[0].members.push_back("b");
  EXPECT_THAT(diff(before, after),
              ElementsAre("global_defs: router_id none -> lb2", "vrrp_sync_group G: members changed"));
}

}  // namespace
}  // namespace ballast::ballastd
