#pragma once
// What the sources of Socket share: requests under construction, and how they are asked.
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <system_error>

#include "common/netlink/attributes.hpp"
#include "common/netlink/socket.hpp"

namespace ballast::netlink {

inline constexpr std::size_t receive_size = 64U << 10;  ///< what the kernel fills at most in one message of a dump
inline constexpr int dump_attempts = 5;

struct MnlClose {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

/// One request under construction, with room for the attributes that ours have (a route of many next hops is the
/// longest).
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
  /// Attributes within one attribute: `put_nest(TYPE, [&] { request.put(…); })`.
  template <class Fill>
  void put_nest(std::uint16_t type, Fill fill) {
    auto* nest = mnl_attr_nest_start(header(), type);
    fill();
    mnl_attr_nest_end(header(), nest);
  }
  void put_bytes(std::uint16_t type, std::span<const std::uint8_t> bytes) {
    mnl_attr_put(header(), type, bytes.size(), bytes.data());
  }
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

 private:
  alignas(nlmsghdr) std::array<char, 8192> buffer_{};
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

inline Failure parse_error(const nlmsghdr& message) {
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

inline std::string describe_link(int index) {
  std::array<char, IF_NAMESIZE> name{};
  if (if_indextoname(static_cast<unsigned>(index), name.data()) != nullptr) return name.data();
  return fmt::format("interface {}", index);
}

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
    return dump_filtered<T, Header>(type, parse, what, [](Header&) {});
  }

  /// The same of a part that `filter` names in the request's header.
  template <class T, class Header, class Filter>
  Result<std::vector<T>> dump_filtered(std::uint16_t type, std::optional<T> (*parse)(const nlmsghdr&), const char* what,
                                       Filter filter) {
    for (int attempt = 0; attempt < dump_attempts; ++attempt) {
      Request request{type, NLM_F_DUMP};
      filter(request.extra<Header>());
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
    request.put(IFA_ADDRESS, address.peer.value_or(address.prefix.address));
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

}  // namespace ballast::netlink
