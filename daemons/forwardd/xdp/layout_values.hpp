#pragma once
// The model's words as layout.h's numbers.
#include "common/config/model.hpp"
#include "daemons/forwardd/xdp/layout.hpp"

namespace ballast::forwardd::xdp {

layout::service_key key_of(const net::Endpoint& endpoint, config::Protocol protocol);
/// Port and protocol 0 say that the address is a VIP (layout.h); no service has index 0.
layout::service_key vip_key(const net::IpAddress& address);
std::uint8_t method_of(config::Method method);
std::uint8_t tunnel_of(config::TunnelType type);
std::uint8_t client_address_of(config::ClientAddress how);
std::uint32_t scheduler_of(config::Scheduler scheduler);

}  // namespace ballast::forwardd::xdp
