#include "daemons/forwardd/ipvs/pause.hpp"

#include "common/runtime/log.hpp"

namespace ballast::forwardd::ipvs {

Pause::Pause(std::span<const ServiceKey> services) {
  const auto text = pause_text(services);
  if (text.empty()) return;
  if (const auto done = nft_.emplace().run(text); !done) {
    log::warning("IPVS: new connections are refused while the scheduler of {} changes, nf_tables cannot hold them: {}",
                 services.front().to_string(), done.error().message);
  }
}

}  // namespace ballast::forwardd::ipvs
