#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/container/small_vector.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "common/result.hpp"
#include "daemons/vrrpd/protocol/codec.hpp"

namespace ballast::vrrpd {

struct Destination {
  net::IpAddress address;
  std::uint8_t ttl = vrrp_ttl;
};
/// Where an instance's advertisements go: its unicast peers or the multicast group.
boost::container::small_vector<Destination, 2> destinations_of(const config::VrrpInstance& instance);

/// A raw socket of protocol 112 on one interface and family: all its instances send and hear through it.
class AdvertisementSocket {
 public:
  using Handler = std::function<void(const Datagram&)>;

  /// `source_elsewhere`: sources are addresses of another interface (of that below, for the link of a virtual MAC).
  /// Errors: the interface is gone, or CAP_NET_RAW is missing.
  static Result<std::unique_ptr<AdvertisementSocket>> open(boost::asio::io_context& io, const std::string& interface,
                                                           int index, net::Family family, Handler handler,
                                                           bool source_elsewhere = false);
  ~AdvertisementSocket();

  /// Hears 224.0.0.18 or ff02::12 from now on; a second call does nothing.
  Result<> join();
  /// The payload's checksum is the caller's.
  Result<> send(const net::IpAddress& source, const net::IpAddress& destination, std::span<const std::uint8_t> payload,
                std::uint8_t ttl);
  /// Hands over all that waits in the socket, now: before silence is concluded from an expired timer.
  void drain();
  [[nodiscard]] int index() const;

 private:
  struct Impl;
  explicit AdvertisementSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::vrrpd
