#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <vector>

#include "common/config/model.hpp"
#include "common/result.hpp"
#include "daemons/vrrpd/protocol/announcement.hpp"

namespace ballast::vrrpd {

/// A virtual address and where it lives.
struct AnnounceTarget {
  net::IpAddress address;
  int link = 0;
  std::string interface;
  net::MacAddress mac;
};

/// Sends gratuitous ARP (both forms) and unsolicited Neighbor Advertisements, at once or spaced as configured.
class Announcer {
 public:
  static Result<std::unique_ptr<Announcer>> open(boost::asio::io_context& io);

  void announce(std::uint32_t owner, const std::vector<AnnounceTarget>& targets, unsigned repeat,
                const config::Announce& settings);
  /// Forgets what still waits for that owner: the addresses are another's now.
  void cancel(std::uint32_t owner);

 private:
  struct Frame {
    std::uint32_t owner = 0;
    int link = 0;
    std::vector<std::uint8_t> bytes;
    config::Duration pause{};  ///< to keep after it
  };

  Announcer(boost::asio::io_context& io, int fd);
  void enqueue(Frame frame);
  void pump();
  void send(const Frame& frame);

  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer timer_;
  std::deque<Frame> waiting_;
  bool pausing_ = false;
};

}  // namespace ballast::vrrpd
