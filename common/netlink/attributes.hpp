#pragma once
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "common/net/ip_address.hpp"

namespace ballast::netlink {

/// The bytes after a message's fixed header; none when the message is shorter than that.
inline std::span<const std::uint8_t> bytes_after(const nlmsghdr& message, std::size_t header) {
  const std::size_t skip = MNL_NLMSG_HDRLEN + MNL_ALIGN(header);
  if (message.nlmsg_len < skip) return {};
  return {reinterpret_cast<const std::uint8_t*>(&message) + skip, message.nlmsg_len - skip};
}

/// Calls `take(type, payload)` for each attribute, up to the first whose length does not fit.
template <class Take>
void for_each_attribute(std::span<const std::uint8_t> bytes, Take take) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > bytes.size()) return;
    take(static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
         bytes.subspan(sizeof header, header.nla_len - sizeof header));
    const std::size_t step = MNL_ALIGN(std::size_t{header.nla_len});
    bytes = step < bytes.size() ? bytes.subspan(step) : std::span<const std::uint8_t>{};
  }
}

inline constexpr std::size_t max_attributes = 128;

/// The attributes of one message or nest by type; the last of a type counts.
class Attributes {
 public:
  explicit Attributes(std::span<const std::uint8_t> all) {
    for_each_attribute(all, [this](std::uint16_t type, std::span<const std::uint8_t> payload) {
      if (type < found_.size()) found_[type] = payload;
    });
  }

  [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t type) const {
    return type < found_.size() ? found_[type] : std::span<const std::uint8_t>{};
  }

  template <class T>
  [[nodiscard]] std::optional<T> number(std::size_t type) const {
    const auto data = bytes(type);
    if (data.size() != sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, data.data(), sizeof value);
    return value;
  }

  [[nodiscard]] std::string text(std::size_t type) const {
    const auto data = bytes(type);
    return {data.begin(), std::ranges::find(data, std::uint8_t{0})};
  }

  [[nodiscard]] std::optional<net::IpAddress> ip(std::size_t type) const {
    const auto address = net::IpAddress::from_bytes(bytes(type));
    if (!address) return std::nullopt;
    return *address;
  }

  [[nodiscard]] net::MacAddress mac(std::size_t type) const {
    net::MacAddress mac;
    const auto data = bytes(type);
    if (data.size() == mac.bytes.size()) std::ranges::copy(data, mac.bytes.begin());
    return mac;
  }

 private:
  std::array<std::span<const std::uint8_t>, max_attributes> found_{};
};

/// The family's fixed header, if the message is long enough to hold it.
template <class Header>
const Header* header_of(const nlmsghdr& message) {
  if (message.nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

inline bool is_internet(int family) { return family == AF_INET || family == AF_INET6; }

}  // namespace ballast::netlink
