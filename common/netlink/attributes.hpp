#pragma once
#include <libmnl/libmnl.h>

#include <cstdint>
#include <cstring>
#include <span>

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

}  // namespace ballast::netlink
