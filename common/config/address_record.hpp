#pragma once
#include "common/config/options.hpp"

namespace ballast::config {

/// Addresses that move with an instance, or that are there always: their options differ by one or two.
enum class AddressUse : std::uint8_t { moving, fixed };

/// One record of virtual_ipaddress, virtual_ipaddress_excluded or static_ipaddress.
void add_address_record(Binder& binder, const Statement& record, std::vector<AddressDraft>& list, AddressUse use);

/// peer, home, -nodad, mngtmpaddr, noprefixroute, autojoin, preferred_lft, use_vmac, no_track and track_group; false:
/// none of them.
bool set_kernel_option(Binder& binder, Options& options, const Word& option, VirtualAddress& address, AddressUse use);

/// use_vmac of one address, until the link's name is known.
constexpr std::string_view own_vmac = "use_vmac";

}  // namespace ballast::config
