#include "common/netlink/socket.hpp"

#include <gmock/gmock.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "tests/unit/netlink/network_namespace.hpp"

namespace ballast::netlink {
namespace {

using ::testing::HasSubstr;

class NetlinkSocket : public test::InNetworkNamespace {
 protected:
  void SetUp() override {
    InNetworkNamespace::SetUp();
    if (IsSkipped()) return;
    ip({"link", "add", "left", "type", "veth", "peer", "name", "right"});
    ip({"link", "set", "left", "up"});
    ip({"link", "set", "right", "up"});
  }

  static Address vip(int link, const char* prefix) {
    Address address;
    address.link = link;
    address.prefix = *net::Prefix::parse(prefix);
    address.protocol = ballast_address_protocol;
    return address;
  }

  std::optional<Address> find(const char* prefix) {
    for (const auto& address : socket_->addresses().value()) {
      if (address.prefix == *net::Prefix::parse(prefix)) return address;
    }
    return std::nullopt;
  }

  Socket& socket() {
    if (!socket_) socket_.emplace(Socket::open().value());
    return *socket_;
  }
  std::optional<Socket> socket_;
};

TEST_F(NetlinkSocket, KnowsLinksByNameAndInTheList) {
  const auto left = socket().link("left");
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(left->kind, "veth");
  EXPECT_TRUE(left->admin_up);
  EXPECT_EQ(left->mtu, 1500U);
  EXPECT_FALSE(left->mac.is_zero());
  EXPECT_EQ(left->peer_index, socket().link("right")->index);
  EXPECT_THAT(*socket().links(), ::testing::SizeIs(3));
  EXPECT_THAT(*socket().links(), ::testing::Contains(*left));
}

TEST_F(NetlinkSocket, KnowsWhatAMacvlanStandsOn) {
  ip({"link", "add", "link", "left", "name", "above", "type", "macvlan"});
  const auto device = socket().link("above");
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ(device->kind, "macvlan");
  EXPECT_EQ(device->peer_index, socket().link("left")->index);
  EXPECT_FALSE(device->peer_elsewhere);
  EXPECT_EQ(device->vlan, 0);
}

TEST_F(NetlinkSocket, NamesAnInterfaceThatIsNotThere) {
  EXPECT_EQ(socket().link("eth77").error().message, "there is no interface eth77");
  EXPECT_THAT(socket().link("a-name-longer-than-fifteen").error().message, HasSubstr("a-name-longer-than-fifteen"));
}

TEST_F(NetlinkSocket, AddsAndRemovesAnAddressAnyNumberOfTimes) {
  const auto link = socket().link("left")->index;
  auto wanted = vip(link, "203.0.113.10/32");
  wanted.label = "left:vip";
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(socket().add_address(wanted));
    const auto found = find("203.0.113.10/32");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->link, link);
    EXPECT_EQ(found->label, "left:vip");
    EXPECT_EQ(found->protocol, ballast_address_protocol);
  }
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(socket().remove_address(wanted));
    EXPECT_FALSE(find("203.0.113.10/32"));
  }
}

TEST_F(NetlinkSocket, AnIpv6AddressAnswersAtOnce) {
  const auto link = socket().link("left")->index;
  ASSERT_TRUE(socket().add_address(vip(link, "2001:db8::10/128")));
  const auto found = find("2001:db8::10/128");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->flags & IFA_F_TENTATIVE, 0U);
  EXPECT_EQ(found->protocol, ballast_address_protocol);
  ASSERT_TRUE(socket().add_address(vip(link, "2001:db8::10/128")));
  ASSERT_TRUE(socket().remove_address(vip(link, "2001:db8::10/128")));
  EXPECT_FALSE(find("2001:db8::10/128"));
}

TEST_F(NetlinkSocket, ADeprecatedAddressIsNoSourceByItself) {
  const auto link = socket().link("left")->index;
  ip({"-6", "address", "add", "2001:db8::1/64", "dev", "left", "nodad"});
  auto address = vip(link, "2001:db8::100/64");
  address.flags = IFA_F_DEPRECATED;
  ASSERT_TRUE(socket().add_address(address));
  EXPECT_NE(find("2001:db8::100/64").value().flags & IFA_F_DEPRECATED, 0U);
  EXPECT_EQ(socket().route_to(*net::IpAddress::parse("2001:db8::2"))->source,
            net::IpAddress::parse("2001:db8::1").value());
}

TEST_F(NetlinkSocket, AnErrorNamesTheAddressAndTheInterface) {
  auto gone = vip(4242, "203.0.113.10/32");
  EXPECT_THAT(socket().add_address(gone).error().message,
              ::testing::AllOf(HasSubstr("203.0.113.10/32"), HasSubstr("interface 4242"), HasSubstr("No such device")));
  EXPECT_TRUE(socket().remove_address(gone)) << "with the interface the address is gone, too";
}

TEST_F(NetlinkSocket, TellsHowAPacketWouldLeave) {
  ip({"addr", "add", "10.9.0.1/24", "dev", "left"});
  ip({"route", "add", "192.0.2.0/24", "via", "10.9.0.7"});
  const auto link = socket().link("left")->index;
  const auto direct = socket().route_to(*net::IpAddress::parse("10.9.0.2"));
  ASSERT_TRUE(direct) << direct.error().message;
  EXPECT_EQ(direct->link, link);
  EXPECT_FALSE(direct->gateway);
  EXPECT_EQ(direct->source->to_string(), "10.9.0.1");
  const auto routed = socket().route_to(*net::IpAddress::parse("192.0.2.33"));
  ASSERT_TRUE(routed) << routed.error().message;
  EXPECT_EQ(routed->gateway->to_string(), "10.9.0.7");
  EXPECT_TRUE(socket().route_to(*net::IpAddress::parse("10.9.0.1"))->local);
  EXPECT_THAT(socket().route_to(*net::IpAddress::parse("198.51.100.1")).error().message,
              HasSubstr("no route to 198.51.100.1"));
}

TEST_F(NetlinkSocket, HasTheKernelResolveANeighbour) {
  ip({"addr", "add", "10.9.0.1/24", "dev", "left"});
  const auto link = socket().link("left")->index;
  const auto address = *net::IpAddress::parse("10.9.0.2");
  ASSERT_TRUE(socket().manage_neighbour(link, address));
  ASSERT_TRUE(socket().manage_neighbour(link, address)) << "asking twice is no error";
  const auto is_it = [&](const Neighbour& neighbour) { return neighbour.link == link && neighbour.address == address; };
  EXPECT_THAT(*socket().neighbours(), ::testing::Contains(::testing::Truly(is_it)));
  EXPECT_TRUE(socket().release_neighbour(link, address));
  EXPECT_TRUE(socket().release_neighbour(link, *net::IpAddress::parse("10.9.0.99"))) << "one that never was";
}

TEST_F(NetlinkSocket, SeesAResolvedNeighboursMac) {
  ip({"addr", "add", "10.9.0.1/24", "dev", "left"});
  ip({"neigh", "add", "10.9.0.3", "lladdr", "02:00:00:00:00:03", "dev", "left"});
  for (const auto& neighbour : *socket().neighbours()) {
    if (neighbour.address != *net::IpAddress::parse("10.9.0.3")) continue;
    EXPECT_EQ(neighbour.mac.to_string(), "02:00:00:00:00:03");
    EXPECT_TRUE(neighbour.resolved());
    return;
  }
  FAIL() << "the neighbour is not in the list";
}

}  // namespace
}  // namespace ballast::netlink
