#pragma once
// While a service's scheduler is another, the kernel has none for some milliseconds and refuses new connections.
#include <optional>
#include <span>
#include <string>

#include "common/nft/nft.hpp"
#include "daemons/forwardd/ipvs/table.hpp"

namespace ballast::forwardd::ipvs {

/// A table for nft that drops the SYNs of these services, TCP's and marks', and is gone with the socket that made it
/// (nft(8), `flags owner`). Pure. Empty: none of them can have one.
std::string pause_text(std::span<const ServiceKey> services);

/// While it lives, new TCP connections to these services wait: a client sends its SYN again after a second (RFC 6298).
/// A forwardd that is killed leaves nothing behind. Without nf_tables it does nothing and says so in the log.
class Pause {
 public:
  explicit Pause(std::span<const ServiceKey> services);

 private:
  std::optional<Nft> nft_;
};

}  // namespace ballast::forwardd::ipvs
