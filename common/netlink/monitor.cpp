#include "common/netlink/monitor.hpp"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <cerrno>
#include <system_error>
#include <vector>

#include "common/netlink/parse.hpp"

namespace ballast::netlink {
namespace asio = boost::asio;
namespace {

constexpr int receive_buffer = 4 << 20;  ///< kernel memory is used only while messages wait
constexpr std::size_t message_size = 32U << 10;
constexpr int messages_a_turn = 64;  ///< then the loop's other work has its turn

Error system_failure(const char* what) { return fail("{}: {}", what, std::generic_category().message(errno)); }

Result<> join(int descriptor, int group) {
  if (setsockopt(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
    return system_failure("cannot join a netlink group");
  }
  return {};
}

std::vector<int> groups_for(const MonitorHandlers& handlers) {
  std::vector<int> groups;
  if (handlers.link) groups.insert(groups.end(), {RTNLGRP_LINK});
  if (handlers.address) groups.insert(groups.end(), {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR});
  if (handlers.neighbour) groups.insert(groups.end(), {RTNLGRP_NEIGH});
  if (handlers.route_entry) groups.insert(groups.end(), {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE});
  if (handlers.rule_entry) groups.insert(groups.end(), {RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE});
  if (handlers.route) {
    groups.insert(groups.end(),
                  {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP});
  }
  return groups;
}

}  // namespace

struct Monitor::Impl : std::enable_shared_from_this<Impl> {
  asio::posix::stream_descriptor descriptor;
  MonitorHandlers handlers;
  std::vector<char> buffer = std::vector<char>(message_size);

  Impl(asio::io_context& io, int fd, MonitorHandlers wanted) : descriptor{io, fd}, handlers{std::move(wanted)} {}

  asio::awaitable<void> listen() {
    const auto self = shared_from_this();
    boost::system::error_code error;
    while (descriptor.is_open()) {
      co_await descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                     asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      receive();
    }
  }

  void receive() {
    for (int turn = 0; turn < messages_a_turn && descriptor.is_open(); ++turn) {
      sockaddr_nl from{};
      socklen_t from_length = sizeof from;
      const auto length = recvfrom(descriptor.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                                   reinterpret_cast<sockaddr*>(&from), &from_length);
      if (length < 0 && errno == EINTR) continue;
      if (length < 0 && errno == ENOBUFS) {
        resync();
        continue;
      }
      if (length < 0) return;
      if (from_length != sizeof from || from.nl_pid != 0) continue;  // not from the kernel
      if (static_cast<std::size_t>(length) > buffer.size())
        resync();
      else
        dispatch_all(static_cast<int>(length));
    }
  }

  void resync() {
    if (handlers.resync) handlers.resync();
  }

  void dispatch_all(int length) {
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
    // A handler may end the monitor.
    for (; descriptor.is_open() && mnl_nlmsg_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
      dispatch(*message);
    }
  }

  void dispatch(const nlmsghdr& message) {
    switch (message.nlmsg_type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        return hand_over(handlers.link, parse_link(message), message.nlmsg_type == RTM_DELLINK);
      case RTM_NEWADDR:
      case RTM_DELADDR:
        return hand_over(handlers.address, parse_address(message), message.nlmsg_type == RTM_DELADDR);
      case RTM_NEWNEIGH:
      case RTM_DELNEIGH:
        return hand_over(handlers.neighbour, parse_neighbour(message), message.nlmsg_type == RTM_DELNEIGH);
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
      case RTM_NEWRULE:
      case RTM_DELRULE:
      case RTM_NEWNEXTHOP:
      case RTM_DELNEXTHOP:
        if (handlers.route) handlers.route();
        return dispatch_entry(message);
      default:
        return;
    }
  }

  void dispatch_entry(const nlmsghdr& message) {
    const auto type = message.nlmsg_type;
    if (handlers.route_entry && (type == RTM_NEWROUTE || type == RTM_DELROUTE))
      hand_over(handlers.route_entry, parse_route_entry(message), type == RTM_DELROUTE);
    if (handlers.rule_entry && (type == RTM_NEWRULE || type == RTM_DELRULE))
      hand_over(handlers.rule_entry, parse_rule_entry(message), type == RTM_DELRULE);
  }

  template <class T>
  static void hand_over(const std::function<void(const T&, bool)>& handler, const std::optional<T>& value,
                        bool removed) {
    if (handler && value) handler(*value, removed);
  }
};

Monitor::Monitor(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}

Monitor::~Monitor() {
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

Result<std::unique_ptr<Monitor>> Monitor::open(asio::io_context& io, MonitorHandlers handlers) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return system_failure("cannot open a netlink socket");
  const auto groups = groups_for(handlers);
  auto impl = std::make_shared<Impl>(io, fd, std::move(handlers));
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) < 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) < 0) {
    return system_failure("cannot bind a netlink socket");
  }
  for (const int group : groups) {
    if (auto joined = join(fd, group); !joined) return joined.error();
  }
  asio::co_spawn(io, impl->listen(), asio::detached);
  return std::unique_ptr<Monitor>{new Monitor{std::move(impl)}};
}

}  // namespace ballast::netlink
