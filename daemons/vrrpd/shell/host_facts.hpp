#pragma once
// What the doctor reads of the kernel besides netlink.
#include <optional>
#include <string>

#include "common/net/ip_address.hpp"

namespace ballast::vrrpd {

/// net.ipv4.conf.INTERFACE.NAME or net.ipv6.conf…; none when it cannot be read.
std::optional<unsigned> link_setting(net::Family family, const std::string& interface, const std::string& name);
/// IFF_MULTICAST; none when there is no such interface.
std::optional<bool> does_multicast(const std::string& interface);
/// What adjtimex(2) says; none where it is forbidden.
std::optional<bool> clock_is_synchronised();
/// This process has a real-time scheduling policy.
bool runs_in_real_time();

}  // namespace ballast::vrrpd
