#pragma once
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <span>

#include "common/result.hpp"
#include "daemons/vrrpd/protocol/packet.hpp"

namespace ballast::vrrpd {

/// Sees advertisements, ARP replies and Neighbor Advertisements of all interfaces before any firewall does (after it,
/// on their way out), and sends frames of its own. `link` is an interface's index.
class Tap {
 public:
  struct Handlers {
    std::function<void(int link, const Datagram&, const net::MacAddress& from, bool outgoing)> advertisement;
    std::function<void(int link, const NeighbourAnswer&)> answer;
  };

  /// Error: CAP_NET_RAW is missing.
  static Result<std::unique_ptr<Tap>> open(boost::asio::io_context& io, Handlers handlers);
  ~Tap();

  /// A whole Ethernet frame.
  Result<> send(int link, std::span<const std::uint8_t> frame);
  /// Hands over what waits, at most a turn's worth.
  void drain();

 private:
  struct Impl;
  explicit Tap(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::vrrpd
