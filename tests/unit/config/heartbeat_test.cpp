// heartbeat_interface: further links for advertisements.
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string instance(const std::string& name, const std::string& interface, const std::string& more,
                     const std::string& address = "10.0.0.100") {
  return fmt::format(
      "vrrp_instance {} {{\ninterface {}\nvirtual_router_id 51\nversion 3\n{}\nvirtual_ipaddress {{\n{}\n}}\n}}\n",
      name, interface, more, address);
}

TEST(HeartbeatInterface, OneLineOrSeveral) {
  for (const auto* text : {"heartbeat_interface eth2 eth3", "heartbeat_interface eth2\nheartbeat_interface eth3"}) {
    const auto loaded = read_text(instance("VI_1", "eth0", text));
    EXPECT_THAT(faults(loaded), IsEmpty());
    EXPECT_THAT(loaded.model.vrrp_instances.at(0).heartbeat_interfaces, ElementsAre("eth2", "eth3"));
    EXPECT_EQ(read_text(print(loaded.model)).model, loaded.model);
  }
}

TEST(HeartbeatInterface, IsAnotherLinkThanTheInstances) {
  EXPECT_THAT(faults(read_text(instance("VI_1", "eth0", "heartbeat_interface eth0"))),
              ElementsAre("5:21: error: eth0 is the interface of vrrp_instance VI_1 already (a heartbeat goes over "
                          "another network)"));
  EXPECT_THAT(faults(read_text(instance("VI_1", "eth0", "heartbeat_interface eth2 eth2"))),
              ElementsAre("5:26: warning: eth2 is listed twice"));
  EXPECT_THAT(faults(read_text(instance("VI_1", "eth0", "heartbeat_interface a/b"))),
              ElementsAre(HasSubstr("5:21: error")));
}

TEST(HeartbeatInterface, IsForMulticast) {
  EXPECT_THAT(faults(read_text(instance("VI_1", "eth0", "heartbeat_interface eth2\nunicast_peer {\n10.0.0.2\n}"))),
              ElementsAre(HasSubstr("heartbeats are multicast")));
}

TEST(HeartbeatInterface, ANumberIsSpokenByOneInstanceThere) {
  const auto beside = [](const std::string& more, const std::string& address) {
    return instance("VI_1", "eth0", "heartbeat_interface eth2") + instance("VI_2", "eth2", more, address);
  };
  EXPECT_THAT(faults(read_text(beside("", "10.9.0.100"))),
              ElementsAre(HasSubstr("vrrp_instance VI_2 has virtual_router_id 51 on eth2 already")));
  EXPECT_THAT(faults(read_text(beside("", "fe80::100"))), IsEmpty()) << "of another family";
  EXPECT_THAT(faults(read_text(instance("VI_1", "eth0", "heartbeat_interface eth2") +
                               instance("VI_2", "eth1", "heartbeat_interface eth2", "10.9.0.100"))),
              ElementsAre(HasSubstr("vrrp_instance VI_1 has virtual_router_id 51 on eth2 already")));
}

}  // namespace
}  // namespace ballast::config
