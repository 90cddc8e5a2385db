#include "daemons/vrrpd/shell/announcer.hpp"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

bool forwards_ipv6(const std::string& interface) {
  std::ifstream file{"/proc/sys/net/ipv6/conf/" + interface + "/forwarding"};
  int value = 0;
  return file >> value && value != 0;
}

template <std::size_t Size>
std::vector<std::uint8_t> bytes_of(const std::array<std::uint8_t, Size>& frame) {
  return {frame.begin(), frame.end()};
}

}  // namespace

Announcer::Announcer(boost::asio::io_context& io, int fd) : descriptor_{io, fd}, timer_{io} {}

Result<std::unique_ptr<Announcer>> Announcer::open(boost::asio::io_context& io) {
  // Protocol 0: it sends only.
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail("cannot open a packet socket for ARP: {}", std::generic_category().message(errno));
  return std::unique_ptr<Announcer>{new Announcer{io, fd}};
}

void Announcer::announce(std::uint32_t owner, const std::vector<AnnounceTarget>& targets, unsigned repeat,
                         const config::Announce& settings) {
  for (unsigned i = 0; i < repeat; ++i) {
    for (const auto& target : targets) {
      if (target.mac.is_zero()) continue;
      if (target.address.is_v6()) {
        const auto frame = unsolicited_advertisement(target.address, target.mac, forwards_ipv6(target.interface));
        enqueue({owner, target.link, bytes_of(frame), settings.gna_interval});
        continue;
      }
      const auto request = gratuitous_arp(target.address, target.mac, ArpForm::request);
      const auto reply = gratuitous_arp(target.address, target.mac, ArpForm::reply);
      enqueue({owner, target.link, bytes_of(request), config::Duration{}});
      enqueue({owner, target.link, bytes_of(reply), settings.garp_interval});
    }
  }
}

void Announcer::cancel(std::uint32_t owner) {
  std::erase_if(waiting_, [&](const Frame& frame) { return frame.owner == owner; });
}

void Announcer::enqueue(Frame frame) {
  waiting_.push_back(std::move(frame));
  if (!pausing_) pump();
}

void Announcer::pump() {
  while (!waiting_.empty()) {
    const Frame frame = std::move(waiting_.front());
    waiting_.pop_front();
    send(frame);
    if (frame.pause == config::Duration{}) continue;
    pausing_ = true;
    timer_.expires_after(frame.pause);
    timer_.async_wait([this](boost::system::error_code error) {
      pausing_ = false;
      if (!error) pump();
    });
    return;
  }
}

void Announcer::send(const Frame& frame) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = frame.link;
  to.sll_halen = ETH_ALEN;
  std::copy_n(frame.bytes.begin(), ETH_ALEN, to.sll_addr);
  std::copy_n(frame.bytes.begin() + 12, 2, reinterpret_cast<std::uint8_t*>(&to.sll_protocol));
  if (sendto(descriptor_.native_handle(), frame.bytes.data(), frame.bytes.size(), MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&to), sizeof to) >= 0) {
    return;
  }
  log::warning("cannot announce an address on interface {}: {}", frame.link, std::generic_category().message(errno));
}

}  // namespace ballast::vrrpd
