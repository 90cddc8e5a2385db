#pragma once
// The model's words as layout.h's numbers.
#include "daemons/forwardd/desired.hpp"
#include "daemons/forwardd/xdp/layout.hpp"

namespace ballast::forwardd::xdp {

layout::service_key key_of(const net::Endpoint& endpoint, config::Protocol protocol);
/// Port and protocol 0 say that the address is a VIP (layout.h); no service has index 0.
layout::service_key vip_key(const net::IpAddress& address);
net::IpAddress address_of(const layout::server& server);
std::uint8_t method_of(config::Method method);
std::uint8_t tunnel_of(config::TunnelType type);
std::uint8_t client_address_of(config::ClientAddress how);
std::uint32_t scheduler_of(config::Scheduler scheduler);
/// rr and lc know no weights but 0.
std::uint32_t weight_of(config::Scheduler scheduler, int weight);
/// Of layout::server_flags, all but what the next hop says.
std::uint8_t flags_of(const DesiredServer& server);
/// Of layout::service_flags.
std::uint32_t flags_of(const DesiredService& service);
/// Whole ones, at least one.
std::uint32_t seconds(config::Duration duration);

}  // namespace ballast::forwardd::xdp
