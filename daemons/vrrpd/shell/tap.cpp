#include "daemons/vrrpd/shell/tap.hpp"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <cerrno>
#include <system_error>
#include <thread>

namespace ballast::vrrpd {
namespace asio = boost::asio;
namespace {

constexpr int packets_a_turn = 128;         ///< then the timers have theirs
constexpr std::size_t receive_size = 8192;  ///< 255 IPv6 addresses and the headers

Error system_failure(std::string_view what) { return fail("{}: {}", what, std::generic_category().message(errno)); }

/// Protocol 112, ARP replies and Neighbor Advertisements, from the network header on; none of a VLAN above.
constexpr auto filter() {
  constexpr auto extra = [](int what) { return static_cast<std::uint32_t>(SKF_AD_OFF + what); };
  constexpr std::uint32_t everything = 0xffff'ffff;
  using Code = std::uint16_t;
  return std::array{
      sock_filter BPF_STMT(Code{BPF_LD | BPF_W | BPF_ABS}, extra(SKF_AD_VLAN_TAG_PRESENT)),
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, 0, 0, 12),
      sock_filter BPF_STMT(Code{BPF_LD | BPF_W | BPF_ABS}, extra(SKF_AD_PROTOCOL)),
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, ETH_P_IP, 0, 2),
      sock_filter BPF_STMT(Code{BPF_LD | BPF_B | BPF_ABS}, 9),  // protocol
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, vrrp_protocol, 9, 8),
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, ETH_P_ARP, 0, 2),
      sock_filter BPF_STMT(Code{BPF_LD | BPF_H | BPF_ABS}, 6),  // operation
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, 2, 6, 5),
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, ETH_P_IPV6, 0, 4),
      sock_filter BPF_STMT(Code{BPF_LD | BPF_B | BPF_ABS}, 6),  // next header
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, vrrp_protocol, 3, 0),
      sock_filter BPF_STMT(Code{BPF_LD | BPF_B | BPF_ABS},
                           40),  // ICMPv6 type; of any other protocol, parsed away later
      sock_filter BPF_JUMP(Code{BPF_JMP | BPF_JEQ | BPF_K}, 136, 1, 0),
      sock_filter BPF_STMT(Code{BPF_RET | BPF_K}, 0),
      sock_filter BPF_STMT(Code{BPF_RET | BPF_K}, everything),
  };
}

}  // namespace

struct Tap::Impl : std::enable_shared_from_this<Impl> {
  asio::posix::stream_descriptor descriptor;
  Handlers handlers;
  std::array<std::uint8_t, receive_size> buffer{};

  Impl(asio::io_context& io, int fd, Handlers what) : descriptor{io, fd}, handlers{std::move(what)} {}

  int fd() { return descriptor.native_handle(); }

  void wait() {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this()](boost::system::error_code error) {
                            if (error) return;
                            self->receive();
                            if (self->descriptor.is_open()) self->wait();
                          });
  }

  void receive() {
    for (int i = 0; i < packets_a_turn && descriptor.is_open(); ++i) {
      sockaddr_ll from{};
      socklen_t length = sizeof from;
      const auto size = recvfrom(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                                 reinterpret_cast<sockaddr*>(&from), &length);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return;
      if (static_cast<std::size_t>(size) <= buffer.size())
        hand_over(from, {buffer.data(), static_cast<std::size_t>(size)});
    }
  }

  void hand_over(const sockaddr_ll& from, std::span<const std::uint8_t> packet) {
    if (from.sll_pkttype == PACKET_OTHERHOST || from.sll_pkttype == PACKET_LOOPBACK) return;
    const bool outgoing = from.sll_pkttype == PACKET_OUTGOING;
    net::MacAddress mac;
    if (from.sll_halen == mac.bytes.size()) std::copy_n(from.sll_addr, mac.bytes.size(), mac.bytes.begin());
    const auto protocol = ntohs(from.sll_protocol);
    if (protocol == ETH_P_ARP) return answered(from.sll_ifindex, parse_arp_reply(packet), outgoing);
    if (protocol == ETH_P_IP) {
      const auto datagram = ipv4_datagram(packet);
      if (datagram && packet[9] == vrrp_protocol) handlers.advertisement(from.sll_ifindex, *datagram, mac, outgoing);
    } else if (protocol == ETH_P_IPV6) {
      if (const auto datagram = ipv6_datagram(packet))
        return handlers.advertisement(from.sll_ifindex, *datagram, mac, outgoing);
      answered(from.sll_ifindex, parse_neighbour_advertisement(packet, mac), outgoing);
    }
  }

  void answered(int link, const std::optional<NeighbourAnswer>& answer, bool outgoing) {
    if (answer && !outgoing) handlers.answer(link, *answer);
  }
};

Tap::Tap(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}

// The kernel lets a packet socket go when every processor has passed a quiet point: VRRP does not wait for that.
Tap::~Tap() {
  const int fd = impl_->descriptor.release();
  try {
    std::thread{[fd] { close(fd); }}.detach();
  } catch (const std::system_error&) {  // no thread to be had
    close(fd);
  }
}

Result<std::unique_ptr<Tap>> Tap::open(asio::io_context& io, Handlers handlers) {
  // Protocol 0: nothing is queued before the filter is there.
  const int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return system_failure("cannot open a packet socket");
  auto impl = std::make_shared<Impl>(io, fd, std::move(handlers));
  auto program = filter();
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) != 0) {
    return system_failure("cannot filter a packet socket");
  }
  sockaddr_ll here{};
  here.sll_family = AF_PACKET;
  here.sll_protocol = htons(ETH_P_ALL);  // a narrower one would not see what goes out
  if (bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) {
    return system_failure("cannot bind a packet socket");
  }
  impl->wait();
  return std::unique_ptr<Tap>{new Tap{std::move(impl)}};
}

Result<> Tap::send(int link, std::span<const std::uint8_t> frame) {
  // The kernel writes the Ethernet header: of ours it takes the destination and the type.
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = link;
  to.sll_halen = ETH_ALEN;
  std::copy_n(frame.begin(), ETH_ALEN, to.sll_addr);
  std::copy_n(frame.begin() + 12, 2, reinterpret_cast<std::uint8_t*>(&to.sll_protocol));
  const auto packet = frame.subspan(ETH_HLEN);
  if (sendto(impl_->fd(), packet.data(), packet.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to),
             sizeof to) >= 0) {
    return {};
  }
  return system_failure("cannot send a question");
}

void Tap::drain() { impl_->receive(); }

}  // namespace ballast::vrrpd
