#pragma once
// FNAT scenarios: a service whose servers see LIPs as clients.
#include "tests/packet/scenario.hpp"

namespace ballast::packet {

using config::ClientAddress;

class FullNatScenario : public Scenario {
 protected:
  [[nodiscard]] virtual bool servers_are_v6() const { return is_v6(); }
  [[nodiscard]] net::Endpoint real(unsigned number, unsigned port = 8080) const override {
    return {address(servers_are_v6() ? fmt::format("fd00:5::{:x}", number) : fmt::format("10.0.0.{}", number)),
            static_cast<std::uint16_t>(port)};
  }
  [[nodiscard]] net::IpAddress lip(unsigned number) const {
    return address(servers_are_v6() ? fmt::format("fd00:6::{:x}", number) : fmt::format("10.0.6.{}", number));
  }
  [[nodiscard]] DesiredService full_nat(ClientAddress how, unsigned lips = 1, unsigned servers = 1,
                                        Protocol protocol = Protocol::tcp) const {
    std::vector<DesiredServer> all;
    for (unsigned number = 1; number <= servers; ++number) all.push_back(server(number, 1, Method::fnat));
    auto made = service(vip(), std::move(all), Scheduler::rr, protocol);
    made.method = Method::fnat;
    made.client_address = how;
    for (unsigned number = 1; number <= lips; ++number) made.local_addresses.push_back(lip(number));
    return made;
  }

  /// Sends a connection's first packet; the LIP and port that it got, by the frame that came out.
  net::Endpoint open(const Packet& first) {
    const auto outcome = send(first);
    EXPECT_EQ(outcome.verdict, Verdict::transmit) << outcome.reason;
    return outcome.verdict == Verdict::transmit ? sender(outcome.frame) : net::Endpoint{};
  }
  /// A client's packet as the server gets it.
  [[nodiscard]] Packet behind(const Packet& request, const net::Endpoint& local, unsigned number = 1) const {
    return request.from(local).to(real(number)).hop().via(balancer_mac, real_mac(number));
  }
  /// A server's packet.
  [[nodiscard]] Packet reply(const net::Endpoint& local, unsigned number = 1) const {
    return tcp(real(number), local).via(real_mac(number), balancer_mac);
  }
  /// A server's packet as the client gets it.
  [[nodiscard]] Packet before(const Packet& reply, const Packet& request) const {
    return reply.from(request.destination()).to(request.source()).hop().via(balancer_mac, client_mac);
  }
};

}  // namespace ballast::packet
