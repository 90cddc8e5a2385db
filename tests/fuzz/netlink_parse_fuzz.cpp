// Any rtnetlink message is parsed within its bytes, or is none.
#include <cstring>
#include <vector>

#include "common/netlink/parse.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast::netlink;
  // Exactly as large as the message, so that a byte too far is seen.
  const std::size_t length = sizeof(nlmsghdr) + size;
  std::vector<std::uint32_t> storage((length + 3) / 4);
  auto* message = reinterpret_cast<nlmsghdr*>(storage.data());
  message->nlmsg_len = static_cast<std::uint32_t>(length);
  if (size > 0) std::memcpy(message + 1, data, size);

  if (const auto link = parse_link(*message)) {
    require(link->name.size() <= size && link->name.find('\0') == std::string::npos, "a name is text of the message");
  }
  if (const auto address = parse_address(*message)) {
    require(!address->prefix.to_string().empty(), "an address has text");
    static_cast<void>(address->prefix.contains(address->prefix.address));
  }
  if (const auto neighbour = parse_neighbour(*message)) {
    require(!neighbour->address.to_string().empty(), "a neighbour has an address");
    static_cast<void>(neighbour->resolved());
  }
  if (const auto route = parse_route(*message); route && route->route.gateway) {
    require(!route->route.gateway->to_string().empty(), "a gateway has text");
  }
  return 0;
}
