#include "daemons/forwardd/xdp/census.hpp"

namespace ballast::forwardd::xdp {

std::optional<layout::server_load> DriftFinder::compare(std::uint32_t server, layout::server_load counted,
                                                        layout::server_load load) {
  const layout::server_load difference{
      .active = counted.active - load.active, .inactive = counted.inactive - load.inactive, .overloaded = 0, .pad = 0};
  if (difference.active == 0 && difference.inactive == 0) {
    suspects_.erase(server);
    return std::nullopt;
  }
  const auto [suspect, fresh] = suspects_.try_emplace(server, difference);
  const bool again =
      !fresh && suspect->second.active == difference.active && suspect->second.inactive == difference.inactive;
  if (!again) {
    suspect->second = difference;
    return std::nullopt;
  }
  suspects_.erase(suspect);
  return difference;
}

}  // namespace ballast::forwardd::xdp
