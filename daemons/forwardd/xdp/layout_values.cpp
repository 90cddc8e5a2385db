#include "daemons/forwardd/xdp/layout_values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace ballast::forwardd::xdp {

layout::service_key key_of(const net::Endpoint& endpoint, config::Protocol protocol) {
  layout::service_key key{};
  std::memcpy(key.address, endpoint.address.mapped().data(), sizeof key.address);
  key.port = htons(endpoint.port);
  key.protocol = static_cast<std::uint8_t>(protocol);
  return key;
}

layout::service_key vip_key(const net::IpAddress& address) {
  layout::service_key key{};
  std::memcpy(key.address, address.mapped().data(), sizeof key.address);
  return key;
}

net::IpAddress address_of(const layout::server& server) { return net::IpAddress::v6(server.address); }

std::uint8_t method_of(config::Method method) {
  switch (method) {
    case config::Method::nat:
      return layout::METHOD_NAT;
    case config::Method::dr:
      return layout::METHOD_DR;
    case config::Method::tun:
      return layout::METHOD_TUN;
    case config::Method::fnat:
      return layout::METHOD_FNAT;
  }
  return layout::METHOD_NAT;
}

std::uint8_t tunnel_of(config::TunnelType type) {
  switch (type) {
    case config::TunnelType::ipip:
      return layout::TUNNEL_IPIP;
    case config::TunnelType::gue:
      return layout::TUNNEL_GUE;
    case config::TunnelType::gre:
      return layout::TUNNEL_GRE;
  }
  return layout::TUNNEL_IPIP;
}

std::uint8_t client_address_of(config::ClientAddress how) {
  switch (how) {
    case config::ClientAddress::toa:
      return layout::CLIENT_TOA;
    case config::ClientAddress::proxy_v1:
      return layout::CLIENT_PROXY_V1;
    case config::ClientAddress::proxy_v2:
      return layout::CLIENT_PROXY_V2;
    case config::ClientAddress::none:
      return layout::CLIENT_HIDDEN;
  }
  return layout::CLIENT_HIDDEN;
}

std::uint32_t scheduler_of(config::Scheduler scheduler) {
  using enum config::Scheduler;
  switch (scheduler) {
    case rr:
    case wrr:
      return layout::SCHED_TURNS;
    case mh:
    case sh:
      return layout::SCHED_SOURCE;
    case dh:
      return layout::SCHED_DESTINATION;
    case lc:
    case wlc:
      return layout::SCHED_LEAST;
    case sed:
      return layout::SCHED_DELAY;
    case nq:
      return layout::SCHED_IDLE_OR_DELAY;
    case fo:
      return layout::SCHED_FAILOVER;
    case ovf:
      return layout::SCHED_OVERFLOW;
    case twos:
    case p2c:
      return layout::SCHED_TWO;
    case lblc:
      return layout::SCHED_LOCALITY;
    case lblcr:
      return layout::SCHED_LOCALITY_SET;
  }
  return layout::SCHED_LEAST;
}

std::uint32_t weight_of(config::Scheduler scheduler, int weight) {
  if (weight <= 0) return 0;
  if (scheduler == config::Scheduler::rr || scheduler == config::Scheduler::lc) return 1;
  return static_cast<std::uint32_t>(weight);
}

std::uint8_t flags_of(const DesiredServer& server) {
  unsigned flags = layout::SERVER_USED;
  if (server.status != bus::ServerStatus::down)
    flags |= layout::SERVER_UP;
  else if (!server.keeps_connections)
    flags |= layout::SERVER_RESCHEDULE;
  if (server.watched) flags |= layout::SERVER_WATCHED;
  if (server.tunnel.checksum == config::TunnelChecksum::csum) flags |= layout::SERVER_CHECKSUM;
  return static_cast<std::uint8_t>(flags);
}

std::uint32_t flags_of(const DesiredService& service) {
  std::uint32_t flags = 0;
  if (service.hash_port) flags |= layout::SERVICE_HASH_PORT;
  // FNAT has to know where an answer goes.
  const bool keeps_ways =
      std::ranges::any_of(service.servers, [](const auto& server) { return server.method == config::Method::fnat; });
  if (service.one_packet && !keeps_ways) flags |= layout::SERVICE_ONE_PACKET;
  if (service.sloppy_tcp) flags |= layout::SERVICE_SLOPPY;
  return flags;
}

std::uint32_t seconds(config::Duration duration) {
  const auto count = std::chrono::ceil<std::chrono::seconds>(duration).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 1, 1 << 30));
}

}  // namespace ballast::forwardd::xdp
