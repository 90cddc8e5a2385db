#pragma once
#include "common/config/resolve_local.hpp"

namespace ballast::config {

/// `IPv4` or `IPv6`, for messages.
std::string_view family_text(const net::IpAddress& address);
std::string_view family_text(net::Family family);

/// What holds for a server of the service: its own lvs_method, else the service's, else NAT.
MethodDraft method_of(const ServiceDraft& service, const std::optional<At<MethodDraft>>& own);

/// Scheduling, persistence, and what FNAT needs. Names and endpoints are made already. `floats`: a VIP of the service
/// belongs to a vrrp_instance.
void resolve_forwarding(Binder& binder, const ServiceDraft& draft, LocalGroups& groups, bool floats,
                        VirtualServer& made);

}  // namespace ballast::config
