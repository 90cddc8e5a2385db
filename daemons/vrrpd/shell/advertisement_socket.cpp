#include "daemons/vrrpd/shell/advertisement_socket.hpp"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "daemons/vrrpd/protocol/packet.hpp"

namespace ballast::vrrpd {
namespace asio = boost::asio;
namespace {

constexpr std::size_t receive_size = 8192;  ///< 255 IPv6 addresses and the headers
constexpr int datagrams_a_turn = 256;       ///< then the timers have theirs
constexpr int traffic_class = 0xc0;         ///< internetwork control (RFC 4594)
constexpr int receive_buffer = 1 << 20;
/// Where advertisements follow each other faster, they are read this often: a wake-up costs more than an advertisement.
constexpr std::chrono::milliseconds turn_distance{2};

Error system_failure(std::string_view what) { return fail("{}: {}", what, std::generic_category().message(errno)); }

template <class T>
Result<> set_option(int fd, int level, int name, const T& value, const char* what) {
  if (setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return system_failure(what);
}

Result<> prepare_v4(int fd, int index) {
  ip_mreqn out{};
  out.imr_ifindex = index;
  if (auto done = set_option(fd, IPPROTO_IP, IP_HDRINCL, 1, "IP_HDRINCL"); !done) return done;
  if (auto done = set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP"); !done) return done;
  if (auto done = set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL"); !done) return done;
  return set_option(fd, IPPROTO_IP, IP_MULTICAST_IF, out, "IP_MULTICAST_IF");
}

Result<> prepare_v6(int fd, int index) {
  const auto set = [fd](int name, int value, const char* what) {
    return set_option(fd, IPPROTO_IPV6, name, value, what);
  };
  if (auto done = set(IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP"); !done) return done;
  if (auto done = set(IPV6_MULTICAST_IF, index, "IPV6_MULTICAST_IF"); !done) return done;
  if (auto done = set(IPV6_TCLASS, traffic_class, "IPV6_TCLASS"); !done) return done;
  if (auto done = set(IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT"); !done) return done;
  return set(IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
}

net::IpAddress to_address(const in6_addr& address) {
  return net::IpAddress::v6(std::span<const std::uint8_t, 16>{address.s6_addr});
}

std::optional<Datagram> parse_v6(const msghdr& message, std::span<const std::uint8_t> bytes) {
  Datagram datagram{to_address(static_cast<const sockaddr_in6*>(message.msg_name)->sin6_addr), {}, 0, bytes};
  auto* header = const_cast<msghdr*>(&message);  // CMSG_NXTHDR wants it so
  for (auto* item = CMSG_FIRSTHDR(header); item != nullptr; item = CMSG_NXTHDR(header, item)) {
    if (item->cmsg_level != IPPROTO_IPV6) continue;
    if (item->cmsg_type == IPV6_HOPLIMIT && item->cmsg_len >= CMSG_LEN(sizeof(int))) {
      int hops = 0;
      std::memcpy(&hops, CMSG_DATA(item), sizeof hops);
      datagram.ttl = static_cast<std::uint8_t>(hops);
    }
    if (item->cmsg_type == IPV6_PKTINFO && item->cmsg_len >= CMSG_LEN(sizeof(in6_pktinfo))) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(item), sizeof info);
      datagram.destination = to_address(info.ipi6_addr);
    }
  }
  if (datagram.destination.is_v4()) return std::nullopt;
  return datagram;
}

}  // namespace

boost::container::small_vector<Destination, 2> destinations_of(const config::VrrpInstance& instance) {
  boost::container::small_vector<Destination, 2> all;
  for (const auto& peer : instance.unicast_peers) all.push_back({peer.address, instance.unicast_ttl});
  if (all.empty()) all.push_back({multicast_group(instance.family)});
  return all;
}

struct AdvertisementSocket::Impl : std::enable_shared_from_this<Impl> {
  int fd;
  asio::posix::stream_descriptor watch;  ///< of `fd`, but while it rests
  asio::steady_timer rest;
  std::chrono::steady_clock::time_point last_turn;
  net::Family family;
  int index;
  Handler handler;
  bool joined = false;
  bool own_header = false;  ///< IPv6: writes the IP header itself, with a source that this interface has not
  std::array<std::uint8_t, receive_size> buffer{};

  Impl(asio::io_context& io, int descriptor, net::Family of, int link, Handler receive)
      : fd{descriptor}, watch{io, fd}, rest{io}, family{of}, index{link}, handler{std::move(receive)} {}
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void close() {
    if (fd < 0) return;
    if (watch.is_open()) watch.release();
    rest.cancel();
    ::close(std::exchange(fd, -1));
  }

  void wait() {
    watch.async_wait(asio::posix::descriptor_base::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       if (!error) self->take_turn();
                     });
  }

  void take_turn() {
    receive();
    if (fd < 0) return;
    const auto now = std::chrono::steady_clock::now();
    const bool busy = now - std::exchange(last_turn, now) < 2 * turn_distance;
    if (!busy) return wait();
    watch.release();
    rest.expires_at(now + turn_distance);
    rest.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || self->fd < 0) return;
      self->watch.assign(self->fd);
      self->wait();
    });
  }

  void receive() {
    for (int i = 0; i < datagrams_a_turn && fd >= 0; ++i) {
      sockaddr_in6 from{};
      alignas(cmsghdr) std::array<char, 256> control{};
      iovec data{buffer.data(), buffer.size()};
      msghdr message{};
      message.msg_name = &from;
      message.msg_namelen = sizeof from;
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      const auto length = recvmsg(fd, &message, MSG_DONTWAIT);
      if (length < 0 && errno == EINTR) continue;
      if (length < 0) return;
      const std::span<const std::uint8_t> bytes{buffer.data(), static_cast<std::size_t>(length)};
      const auto datagram = family == net::Family::ipv4 ? ipv4_datagram(bytes) : parse_v6(message, bytes);
      if (datagram && handler) handler(*datagram);
    }
  }

  ssize_t send_v4(const net::IpAddress& source, const net::IpAddress& destination,
                  std::span<const std::uint8_t> payload, std::uint8_t ttl) {
    iphdr header{};  // the kernel fills in length, identification and checksum
    header.version = 4;
    header.ihl = 5;
    header.tos = traffic_class;
    header.ttl = ttl;
    header.protocol = vrrp_protocol;
    std::memcpy(&header.saddr, source.bytes().data(), 4);
    std::memcpy(&header.daddr, destination.bytes().data(), 4);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = header.daddr;
    std::array<iovec, 2> parts{iovec{&header, sizeof header},
                               iovec{const_cast<std::uint8_t*>(payload.data()), payload.size()}};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return sendmsg(fd, &message, MSG_DONTWAIT);
  }

  /// The whole packet, as IPV6_HDRINCL wants it.
  ssize_t send_v6_packet(const net::IpAddress& source, const net::IpAddress& destination,
                         std::span<const std::uint8_t> payload, std::uint8_t ttl) {
    ip6_hdr header{};
    header.ip6_flow = htonl(6U << 28 | std::uint32_t{traffic_class} << 20);
    header.ip6_plen = htons(static_cast<std::uint16_t>(payload.size()));
    header.ip6_nxt = vrrp_protocol;
    header.ip6_hlim = ttl;
    std::memcpy(&header.ip6_src, source.bytes().data(), 16);
    std::memcpy(&header.ip6_dst, destination.bytes().data(), 16);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_addr = header.ip6_dst;
    to.sin6_scope_id = static_cast<std::uint32_t>(index);
    std::array<iovec, 2> parts{iovec{&header, sizeof header},
                               iovec{const_cast<std::uint8_t*>(payload.data()), payload.size()}};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return sendmsg(fd, &message, MSG_DONTWAIT);
  }

  ssize_t send_v6(const net::IpAddress& source, const net::IpAddress& destination,
                  std::span<const std::uint8_t> payload, std::uint8_t ttl) {
    if (own_header) return send_v6_packet(source, destination, payload, ttl);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    std::memcpy(&to.sin6_addr, destination.bytes().data(), 16);
    to.sin6_scope_id = static_cast<std::uint32_t>(index);
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.bytes().data(), 16);
    info.ipi6_ifindex = static_cast<unsigned>(index);
    iovec part{const_cast<std::uint8_t*>(payload.data()), payload.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* item = CMSG_FIRSTHDR(&message);
    item->cmsg_level = IPPROTO_IPV6;
    item->cmsg_type = IPV6_PKTINFO;
    item->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(item), &info, sizeof info);
    item = CMSG_NXTHDR(&message, item);
    item->cmsg_level = IPPROTO_IPV6;
    item->cmsg_type = IPV6_HOPLIMIT;
    item->cmsg_len = CMSG_LEN(sizeof(int));
    const int hops = ttl;
    std::memcpy(CMSG_DATA(item), &hops, sizeof hops);
    return sendmsg(fd, &message, MSG_DONTWAIT);
  }
};

AdvertisementSocket::AdvertisementSocket(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}

AdvertisementSocket::~AdvertisementSocket() {
  impl_->handler = nullptr;
  impl_->close();
}

Result<std::unique_ptr<AdvertisementSocket>> AdvertisementSocket::open(asio::io_context& io,
                                                                       const std::string& interface, int index,
                                                                       net::Family family, Handler handler,
                                                                       bool source_elsewhere) {
  const bool v4 = family == net::Family::ipv4;
  const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, vrrp_protocol);
  if (fd < 0) return system_failure("cannot open a raw socket");
  auto impl = std::make_shared<Impl>(io, fd, family, index, std::move(handler));
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), static_cast<socklen_t>(interface.size() + 1)) <
      0) {
    return system_failure(fmt::format("cannot bind a socket to {}", interface));
  }
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) < 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (auto prepared = v4 ? prepare_v4(fd, index) : prepare_v6(fd, index); !prepared) return prepared.error();
  impl->own_header = source_elsewhere && !v4;
  if (impl->own_header) {
    if (auto done = set_option(fd, IPPROTO_IPV6, IPV6_HDRINCL, 1, "IPV6_HDRINCL"); !done) return done.error();
  }
  impl->wait();
  return std::unique_ptr<AdvertisementSocket>{new AdvertisementSocket{std::move(impl)}};
}

Result<> AdvertisementSocket::join() {
  if (impl_->joined) return {};
  const auto group = multicast_group(impl_->family);
  Result<> done;
  if (group.is_v4()) {
    ip_mreqn request{};
    std::memcpy(&request.imr_multiaddr, group.bytes().data(), 4);
    request.imr_ifindex = impl_->index;
    done = set_option(impl_->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, request, "cannot join 224.0.0.18");
  } else {
    ipv6_mreq request{};
    std::memcpy(&request.ipv6mr_multiaddr, group.bytes().data(), 16);
    request.ipv6mr_interface = static_cast<unsigned>(impl_->index);
    done = set_option(impl_->fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request, "cannot join ff02::12");
  }
  impl_->joined = done.has_value();
  return done;
}

Result<> AdvertisementSocket::send(const net::IpAddress& source, const net::IpAddress& destination,
                                   std::span<const std::uint8_t> payload, std::uint8_t ttl) {
  const auto sent = destination.is_v4() ? impl_->send_v4(source, destination, payload, ttl)
                                        : impl_->send_v6(source, destination, payload, ttl);
  if (sent >= 0) return {};
  return fail("cannot send to {} from {}: {}", destination, source, std::generic_category().message(errno));
}

void AdvertisementSocket::drain() { impl_->receive(); }

int AdvertisementSocket::index() const { return impl_->index; }

}  // namespace ballast::vrrpd
