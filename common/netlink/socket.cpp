#include "common/netlink/socket.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <system_error>

#include "common/netlink/attributes.hpp"
#include "common/netlink/parse.hpp"

namespace ballast::netlink {
namespace {

constexpr std::uint32_t forever = ~0U;  ///< INFINITY_LIFE_TIME, which the kernel keeps to itself

constexpr std::size_t receive_size = 64U << 10;  ///< what the kernel fills at most in one message of a dump
constexpr int dump_attempts = 5;

struct MnlClose {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

/// One request under construction, with room for the few attributes that ours have.
class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags) {
    mnl_nlmsg_put_header(buffer_.data());
    header()->nlmsg_type = type;
    header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  }
  template <class Header>
  Header& extra() {
    return *static_cast<Header*>(mnl_nlmsg_put_extra_header(header(), sizeof(Header)));
  }
  template <class T>
  void put(std::uint16_t type, const T& value) {
    mnl_attr_put(header(), type, sizeof value, &value);
  }
  void put(std::uint16_t type, const net::IpAddress& address) {
    mnl_attr_put(header(), type, address.bytes().size(), address.bytes().data());
  }
  void put(std::uint16_t type, const std::string& text) { mnl_attr_put_strz(header(), type, text.c_str()); }
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

 private:
  alignas(nlmsghdr) std::array<char, 512> buffer_{};
};

/// How a request failed: the kernel's errno and, where it gives one, its sentence.
struct Failure {
  int code = 0;
  std::string words;
  [[nodiscard]] std::string to_string() const {
    const auto reason = std::generic_category().message(code);
    return words.empty() ? reason : reason + " (" + words + ")";
  }
};

Failure parse_error(const nlmsghdr& message) {
  if (message.nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(nlmsgerr)) return {EBADMSG, {}};
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message));
  Failure failure{error->error < 0 ? -error->error : error->error, {}};
  // With NETLINK_CAP_ACK and NETLINK_EXT_ACK the kernel's sentence follows the error directly.
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return failure;
  for_each_attribute(bytes_after(message, sizeof(nlmsgerr)),
                     [&](std::uint16_t type, std::span<const std::uint8_t> text) {
                       if (type == NLMSGERR_ATTR_MSG)
                         failure.words.assign(text.begin(), std::ranges::find(text, std::uint8_t{0}));
                     });
  return failure;
}

std::string describe_link(int index) {
  std::array<char, IF_NAMESIZE> name{};
  if (if_indextoname(static_cast<unsigned>(index), name.data()) != nullptr) return name.data();
  return fmt::format("interface {}", index);
}

}  // namespace

struct Socket::Impl {
  std::unique_ptr<mnl_socket, MnlClose> socket;
  std::uint32_t sequence = 0;
  std::vector<char> buffer = std::vector<char>(receive_size);

  /// Sends and hands each answering message over until the kernel's last word. A failed request is a Failure.
  std::optional<Failure> ask(Request& request, const std::function<void(const nlmsghdr&)>& take, bool& interrupted) {
    request.header()->nlmsg_seq = ++sequence;
    if (mnl_socket_sendto(socket.get(), request.header(), request.header()->nlmsg_len) < 0) return Failure{errno, {}};
    std::optional<Failure> failure;
    while (true) {
      const auto length = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
      if (length < 0 && errno == EINTR) continue;
      if (length < 0) return Failure{errno, {}};
      if (read_messages(static_cast<int>(length), take, interrupted, failure)) return failure;
    }
  }

  /// True once the request has been answered.
  bool read_messages(int length, const std::function<void(const nlmsghdr&)>& take, bool& interrupted,
                     std::optional<Failure>& failure) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
      if (message->nlmsg_seq != sequence) continue;  // the rest of an answer that was given up
      if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (message->nlmsg_type == NLMSG_DONE) return true;
      if (message->nlmsg_type == NLMSG_ERROR) {
        const auto error = parse_error(*message);
        if (error.code != 0) failure = error;
        return true;
      }
      take(*message);
    }
    return false;
  }

  std::optional<Failure> acknowledge(Request& request) {
    bool interrupted = false;
    return ask(
        request, [](const nlmsghdr&) {}, interrupted);
  }

  /// Dumps a table, again while it changed underneath.
  template <class T, class Header>
  Result<std::vector<T>> dump(std::uint16_t type, std::optional<T> (*parse)(const nlmsghdr&), const char* what) {
    for (int attempt = 0; attempt < dump_attempts; ++attempt) {
      Request request{type, NLM_F_DUMP};
      request.extra<Header>();
      std::vector<T> found;
      bool interrupted = false;
      const auto failure = ask(
          request,
          [&](const nlmsghdr& message) {
            if (auto value = parse(message)) found.push_back(std::move(*value));
          },
          interrupted);
      if (failure) return fail("cannot read the kernel's {}: {}", what, failure->to_string());
      if (!interrupted) return found;
    }
    return fail("cannot read the kernel's {}: they changed during each of {} attempts", what, dump_attempts);
  }

  Request address_request(std::uint16_t type, std::uint16_t flags, const Address& address) const {
    Request request{type, static_cast<std::uint16_t>(NLM_F_ACK | flags)};
    auto& header = request.extra<ifaddrmsg>();
    header.ifa_family = static_cast<std::uint8_t>(address.prefix.address.af());
    header.ifa_prefixlen = address.prefix.length;
    header.ifa_index = static_cast<std::uint32_t>(address.link);
    header.ifa_scope = address.scope;
    request.put(IFA_LOCAL, address.prefix.address);
    request.put(IFA_ADDRESS, address.prefix.address);
    return request;
  }

  std::optional<Failure> change_neighbour(int link, const net::IpAddress& address, std::uint16_t flags,
                                          std::uint8_t neighbour_flags, std::uint32_t extended) {
    Request request{RTM_NEWNEIGH, static_cast<std::uint16_t>(NLM_F_ACK | NLM_F_REPLACE | flags)};
    auto& header = request.extra<ndmsg>();
    header.ndm_family = static_cast<std::uint8_t>(address.af());
    header.ndm_ifindex = link;
    header.ndm_flags = neighbour_flags;
    request.put(NDA_DST, address);
    if (extended != 0) request.put(NDA_FLAGS_EXT, extended);
    return acknowledge(request);
  }
};

Socket::Socket(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

Result<Socket> Socket::open() {
  auto impl = std::make_unique<Impl>();
  impl->socket.reset(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!impl->socket) return fail("cannot open a netlink socket: {}", std::generic_category().message(errno));
  if (mnl_socket_bind(impl->socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return fail("cannot bind a netlink socket: {}", std::generic_category().message(errno));
  }
  // Both only make errors speak; an older kernel does without.
  int on = 1;
  mnl_socket_setsockopt(impl->socket.get(), NETLINK_CAP_ACK, &on, sizeof on);
  mnl_socket_setsockopt(impl->socket.get(), NETLINK_EXT_ACK, &on, sizeof on);
  return Socket{std::move(impl)};
}

Result<std::vector<Link>> Socket::links() {
  return impl_->dump<Link, ifinfomsg>(RTM_GETLINK, parse_link, "interfaces");
}

Result<Link> Socket::link(const std::string& name) {
  if (name.empty() || name.size() >= IF_NAMESIZE) {
    return fail("'{}' is not an interface's name: it has 1 to {} characters", name, IF_NAMESIZE - 1);
  }
  Request request{RTM_GETLINK, NLM_F_ACK};
  request.extra<ifinfomsg>();
  request.put(IFLA_IFNAME, name);
  std::optional<Link> found;
  bool interrupted = false;
  const auto failure = impl_->ask(
      request, [&](const nlmsghdr& message) { found = parse_link(message); }, interrupted);
  if (failure && failure->code == ENODEV) return fail("there is no interface {}", name);
  if (failure) return fail("cannot read interface {}: {}", name, failure->to_string());
  if (!found) return fail("cannot read interface {}: the kernel's answer makes no sense", name);
  return *found;
}

Result<std::vector<Address>> Socket::addresses() {
  return impl_->dump<Address, ifaddrmsg>(RTM_GETADDR, parse_address, "addresses");
}

Result<std::vector<Neighbour>> Socket::neighbours() {
  return impl_->dump<Neighbour, ndmsg>(RTM_GETNEIGH, parse_neighbour, "neighbours");
}

Result<Route> Socket::route_to(const net::IpAddress& destination) {
  Request request{RTM_GETROUTE, NLM_F_ACK};
  auto& header = request.extra<rtmsg>();
  header.rtm_family = static_cast<std::uint8_t>(destination.af());
  header.rtm_dst_len = static_cast<std::uint8_t>(destination.bit_length());
  request.put(RTA_DST, destination);
  std::optional<ParsedRoute> found;
  bool interrupted = false;
  const auto failure = impl_->ask(
      request, [&](const nlmsghdr& message) { found = parse_route(message); }, interrupted);
  if (failure) return fail("no route to {}: {}", destination.to_string(), failure->to_string());
  if (!found) return fail("no route to {}: the kernel's answer makes no sense", destination.to_string());
  if (found->type != RTN_UNICAST && found->type != RTN_LOCAL) {
    return fail("no route to {}: the matching route is of a kind that delivers to no host (type {})",
                destination.to_string(), found->type);
  }
  return found->route;
}

Result<> Socket::add_address(const Address& address) {
  auto request = impl_->address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address);
  // A VIP is announced by us and was checked by nobody: duplicate detection would only leave it mute for a second.
  const std::uint32_t flags = address.flags | (address.prefix.address.is_v6() ? IFA_F_NODAD : 0U);
  if (flags != 0) request.put(IFA_FLAGS, flags);
  if (!address.label.empty() && address.prefix.address.is_v4()) request.put(IFA_LABEL, address.label);
  if (address.broadcast && address.prefix.address.is_v4()) request.put(IFA_BROADCAST, *address.broadcast);
  if (address.protocol != 0) request.put(IFA_PROTO, address.protocol);
  if ((address.flags & IFA_F_DEPRECATED) != 0) request.put(IFA_CACHEINFO, ifa_cacheinfo{0, forever, 0, 0});
  if (const auto failure = impl_->acknowledge(request); failure && failure->code != EEXIST) {
    return fail("cannot add address {} to {}: {}", address.prefix.to_string(), describe_link(address.link),
                failure->to_string());
  }
  return {};
}

Result<> Socket::remove_address(const Address& address) {
  auto request = impl_->address_request(RTM_DELADDR, 0, address);
  const auto failure = impl_->acknowledge(request);
  // An interface that is gone took its addresses along.
  if (!failure || failure->code == EADDRNOTAVAIL || failure->code == ENODEV) return {};
  return fail("cannot remove address {} from {}: {}", address.prefix.to_string(), describe_link(address.link),
              failure->to_string());
}

Result<> Socket::manage_neighbour(int link, const net::IpAddress& address) {
  auto failure = impl_->change_neighbour(link, address, NLM_F_CREATE, 0, NTF_EXT_MANAGED);
  if (failure && failure->code != EPERM && failure->code != ENODEV) {
    failure = impl_->change_neighbour(link, address, NLM_F_CREATE, NTF_USE, 0);
  }
  if (!failure) return {};
  return fail("cannot resolve neighbour {} on {}: {}", address.to_string(), describe_link(link), failure->to_string());
}

Result<> Socket::release_neighbour(int link, const net::IpAddress& address) {
  // Writing the entry anew without the managed flag leaves it to ageing, as any other.
  const auto failure = impl_->change_neighbour(link, address, 0, NTF_USE, 0);
  if (!failure || failure->code == ENOENT || failure->code == ENODEV) return {};
  return fail("cannot release neighbour {} on {}: {}", address.to_string(), describe_link(link), failure->to_string());
}

}  // namespace ballast::netlink
