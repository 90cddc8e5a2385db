#pragma once
#include <span>

#include "daemons/vrrpd/protocol/codec.hpp"

namespace ballast::vrrpd {

/// The advertisement names the same virtual addresses as `own`, in any order (RFC 9568 section 7.1). Those of another
/// family than the message's are not advertised and do not count.
bool same_addresses(const Decoded& advertisement, net::Family family, std::span<const net::IpAddress> own);

}  // namespace ballast::vrrpd
