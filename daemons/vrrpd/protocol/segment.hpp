#pragma once
// What goes by on one interface while the doctor listens.
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "daemons/vrrpd/protocol/authentication.hpp"
#include "daemons/vrrpd/protocol/observation.hpp"
#include "daemons/vrrpd/protocol/packet.hpp"

namespace ballast::vrrpd {

/// What one instance's advertisements and those of its peers look like.
class Ear {
 public:
  explicit Ear(const config::VrrpInstance& settings);

  /// On the wire, on its way in.
  void on_wire(const Datagram& datagram, const net::MacAddress& from, WallTime now);
  /// On its way out.
  void left() { ++left_; }
  /// By a socket of protocol 112.
  void received(const Datagram& datagram);

  [[nodiscard]] const std::vector<Heard>& heard() const { return heard_; }
  [[nodiscard]] const std::vector<Arrival>& arrivals() const { return arrivals_; }
  [[nodiscard]] unsigned seen_leaving() const { return left_; }

 private:
  [[nodiscard]] Heard judge(const Datagram& datagram, const net::MacAddress& from, WallTime now);
  Arrival* arrival_of(const net::IpAddress& source);

  config::VrrpInstance settings_;
  std::optional<Authenticator> authenticator_;  ///< one of its own: the instance's has seen the same sequences already
  std::vector<Heard> heard_;
  std::vector<Arrival> arrivals_;
  unsigned left_ = 0;
};

/// One interface and family.
class Segment {
 public:
  /// The instance hears (or sends) here.
  Ear& listen(const config::VrrpInstance& settings);
  void on_wire(const Datagram& datagram, const net::MacAddress& from, bool outgoing, WallTime now);
  void received(const Datagram& datagram);
  void answered(const NeighbourAnswer& answer);

  /// Advertisements of VRIDs that nobody here has with one of these addresses.
  [[nodiscard]] std::vector<Heard> strangers_with(const std::vector<net::IpAddress>& addresses) const;
  /// Who said to have that address.
  [[nodiscard]] std::set<net::MacAddress> owners(const net::IpAddress& address) const;
  /// Answers about this one are of interest.
  void ask(const net::IpAddress& address) { owners_[address]; }

 private:
  std::array<std::unique_ptr<Ear>, 256> ears_;
  std::vector<Heard> strangers_;
  std::map<net::IpAddress, std::set<net::MacAddress>> owners_;
};

/// The fields of an advertisement, whether it passes the receive checks or not; nothing if it is too short to have any.
std::optional<Heard> overhear(const Datagram& datagram, const net::MacAddress& from);

}  // namespace ballast::vrrpd
