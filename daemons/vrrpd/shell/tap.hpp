#pragma once
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/result.hpp"
#include "daemons/vrrpd/protocol/packet.hpp"

namespace ballast::vrrpd {

/// Sees advertisements, ARP replies and Neighbor Advertisements of one interface before any firewall does (after it, on
/// their way out), and sends frames of its own.
class Tap {
 public:
  struct Handlers {
    std::function<void(const Datagram&, const net::MacAddress& from, bool outgoing)> advertisement;
    std::function<void(const NeighbourAnswer&)> answer;
  };

  /// Errors: the interface is gone, or CAP_NET_RAW is missing.
  static Result<std::unique_ptr<Tap>> open(boost::asio::io_context& io, const std::string& interface, int index,
                                           Handlers handlers);
  ~Tap();

  /// A whole Ethernet frame.
  Result<> send(std::span<const std::uint8_t> frame);
  /// Hands over what waits, at most a turn's worth.
  void drain();

 private:
  struct Impl;
  explicit Tap(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::vrrpd
