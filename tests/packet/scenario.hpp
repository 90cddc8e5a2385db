#pragma once
// What most tests start from: a load balancer with one service of three servers, in IPv4 and in IPv6.
#include <gmock/gmock.h>

#include "tests/packet/data_path.hpp"

namespace ballast::packet {

using config::Method;
using config::Protocol;
using config::Scheduler;
using forwardd::DesiredServer;
using forwardd::DesiredService;

class Scenario : public ::testing::TestWithParam<net::Family> {
 protected:
  void SetUp() override {
    if (const auto missing = DataPath::missing(); !missing.empty()) GTEST_SKIP() << missing;
    path_ = std::make_unique<DataPath>(sizes());
  }
  [[nodiscard]] virtual Sizes sizes() const { return {}; }

  [[nodiscard]] bool is_v6() const { return GetParam() == net::Family::ipv6; }
  [[nodiscard]] net::Endpoint at(const char* v4_network, const char* v6_network, unsigned number, unsigned port) const {
    return {address(is_v6() ? fmt::format("{}::{:x}", v6_network, number)
                            : fmt::format("{}.{}.{}", v4_network, number / 256, number % 256)),
            static_cast<std::uint16_t>(port)};
  }
  [[nodiscard]] net::Endpoint client(unsigned port = 40000, unsigned number = 7) const {
    return at("198.51", "2001:db8:c", number, port);
  }
  [[nodiscard]] net::Endpoint vip(unsigned port = 80, unsigned number = 10) const {
    return at("203.0", "2001:db8:aaaa", number, port);
  }
  [[nodiscard]] virtual net::Endpoint real(unsigned number, unsigned port = 8080) const {
    return at("10.0", "fd00:5", number, port);
  }
  [[nodiscard]] std::string name(unsigned number, unsigned port = 8080) const { return real(number, port).to_string(); }
  /// The load balancer's own address towards servers of a family.
  static net::IpAddress outer_source(const net::IpAddress& server) {
    return address(server.is_v6() ? "fd00:5::1b" : "10.0.0.251");
  }
  static net::MacAddress real_mac(unsigned number) {
    return {{2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
  }

  /// A client's packet to the VIP, a new one of another client each.
  [[nodiscard]] Packet from_client(unsigned number = 0) const { return tcp(client(40000 + number), vip()); }
  [[nodiscard]] Packet query(unsigned number = 0) const { return udp(client(40000 + number), vip()); }
  /// A NAT server's answer to a client's packet.
  [[nodiscard]] Packet answer(const Packet& request, unsigned number, unsigned port = 8080) const {
    return request.from(real(number, port)).to(request.source()).via(real_mac(number), balancer_mac);
  }
  /// As NAT sends a client's packet on, and a server's.
  [[nodiscard]] Packet to_server(const Packet& request, unsigned number, unsigned port = 8080) const {
    return request.to(real(number, port)).hop().via(balancer_mac, real_mac(number));
  }
  [[nodiscard]] Packet to_client(const Packet& answer, const net::Endpoint& vip) const {
    return answer.from(vip).hop().via(balancer_mac, client_mac);
  }

  [[nodiscard]] DesiredServer server(unsigned number, int weight = 1, Method method = Method::nat,
                                     unsigned port = 8080) const {
    return {.endpoint = real(number, port), .method = method, .weight = weight, .status = bus::ServerStatus::up};
  }
  [[nodiscard]] static DesiredServer down(DesiredServer server, bool keeps_connections) {
    server.status = bus::ServerStatus::down;
    server.weight = 0;
    server.keeps_connections = keeps_connections;
    return server;
  }
  static DesiredService service(const net::Endpoint& vip, std::vector<DesiredServer> servers,
                                Scheduler scheduler = Scheduler::rr, Protocol protocol = Protocol::tcp) {
    DesiredService made;
    made.name = fmt::format("{}:{}", protocol == Protocol::tcp ? "tcp" : "udp", vip);
    made.endpoints = {vip};
    made.protocol = protocol;
    made.scheduler = scheduler;
    made.servers = std::move(servers);
    return made;
  }

  void have(const std::vector<DesiredService>& services) {
    desired.services.clear();
    for (const auto& service : services) desired.services.push_back(service);
    apply();
  }
  void have(DesiredService only) { have(std::vector{std::move(only)}); }
  void have_nothing() { have(std::vector<DesiredService>{}); }
  void apply() {
    forwardd::xdp::NextHops hops;
    for (const auto& each : desired.services) {
      for (const auto& one : each.servers) {
        const auto bytes = one.endpoint.address.bytes();
        const unsigned number = bytes[bytes.size() - 2] * 256U + bytes.back();
        hops[one.endpoint.address] = {interface, balancer_mac, real_mac(number), outer_source(one.endpoint.address),
                                      mtu,       vlan};
      }
    }
    for (const auto& each : unreachable) hops.erase(each);
    path().set(desired, hops);
  }

  DataPath& path() { return *path_; }
  Outcome send(const Packet& packet) { return path().send(packet); }
  /// The handshake of a NAT connection, with all that it should cause.
  void establish_nat(const Packet& request, unsigned number) {
    EXPECT_EQ(send(request.syn()), transmitted(to_server(request.syn(), number)));
    const auto accepted = answer(request, number).syn().ack();
    EXPECT_EQ(send(accepted), transmitted(to_client(accepted, request.destination())));
    EXPECT_EQ(send(request.ack()), transmitted(to_server(request.ack(), number)));
    EXPECT_EQ(path().connection(request), (Connection{"ESTABLISHED", name(number), true}));
  }
  void establish_dr(const Packet& request, unsigned number) {
    for (const auto& packet : {request.syn(), request.ack()}) {
      EXPECT_EQ(send(packet), transmitted(packet.via(balancer_mac, real_mac(number))));
    }
    EXPECT_EQ(path().connection(request), (Connection{"ESTABLISHED", name(number, request.destination().port), true}));
  }

  forwardd::DesiredState desired;
  std::set<net::IpAddress> unreachable;
  std::array<std::uint16_t, 2> vlan{};  ///< tags of the ways to servers
  unsigned mtu = 0;                     ///< of the ways to servers; 0: not known
  std::uint32_t interface = 1;          ///< by which servers are reached; packets arrive at 1

 private:
  std::unique_ptr<DataPath> path_;
};

inline std::string family_name(const ::testing::TestParamInfo<net::Family>& info) {
  return info.param == net::Family::ipv6 ? "IPv6" : "IPv4";
}

#define BALLAST_BOTH_FAMILIES(Suite)                                                                               \
  INSTANTIATE_TEST_SUITE_P(, Suite, ::testing::Values(::ballast::net::Family::ipv4, ::ballast::net::Family::ipv6), \
                           ::ballast::packet::family_name)

}  // namespace ballast::packet
