#pragma once
// Where LIPs stand in the map `locals`. Pure.
#include <optional>
#include <span>
#include <vector>

#include "common/net/ip_address.hpp"
#include "daemons/forwardd/xdp/mirror.hpp"

namespace ballast::forwardd::xdp {

/// Gives each service's LIPs of one family a range of `locals` without holes. A LIP keeps its index while it can; one
/// that has to move to keep the range whole gets a second entry, and the first stays for the connections that use it,
/// as long as the service has the LIP and the room is not needed.
class LocalPlan {
 public:
  /// `limit`: entries of the map.
  LocalPlan(const std::vector<layout::local>& now, std::uint32_t limit);

  /// All LIPs of these services (by index) stay as they are.
  void leave_alone(const std::vector<bool>& services, std::span<const layout::service> now);

  /// `before`: the range that the service has now; {0, 0} is none. Nothing where no room is left.
  std::optional<layout::local_range> place(std::uint32_t service, layout::local_range before,
                                           std::span<const net::IpAddress> wanted);

  /// A service that wants none keeps those it had, for the connections that use them, while the room is not needed.
  std::vector<net::IpAddress> keep(std::uint32_t service);

  /// Entries of LIPs that no service has any more, to be written when nothing leads to them.
  [[nodiscard]] std::vector<PutLocal> leavers() const;
  /// Entries to be written before the services that use them, since the last call.
  std::vector<PutLocal> take_changes();

 private:
  struct Slot {
    layout::local value{};
    bool in_range = false;  ///< of a service placed by now
    bool wanted = false;    ///< by such a service, in its range or as a former entry
  };
  [[nodiscard]] bool is_free(std::uint32_t index) const { return slots_[index].value.used == 0; }
  [[nodiscard]] bool holds(std::uint32_t index, std::uint32_t service, const net::IpAddress& address) const;
  [[nodiscard]] bool is_usable(std::uint32_t index, std::uint32_t service,
                               std::span<const net::IpAddress> wanted) const;
  std::optional<layout::local_range> place_here(std::uint32_t service, layout::local_range before,
                                                std::span<const net::IpAddress> wanted);
  std::optional<std::uint32_t> find_room(std::size_t count) const;
  std::optional<std::uint32_t> make_room(std::size_t count);
  void put(std::uint32_t index, std::uint32_t service, const net::IpAddress& address);
  void mark(std::uint32_t service, layout::local_range range, std::span<const net::IpAddress> wanted);

  std::vector<Slot> slots_;
  std::vector<PutLocal> changes_;
};

}  // namespace ballast::forwardd::xdp
