// Any rtnetlink message is parsed within its bytes, or is none.
#include <cstring>
#include <vector>

#include "common/netlink/child_link.hpp"
#include "common/netlink/parse.hpp"
#include "common/netlink/route_entry.hpp"
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
  if (const auto entry = parse_route_entry(*message)) {
    require(entry->destination.length <= entry->destination.address.bit_length(), "a destination is a network");
    require(entry->hops.size() <= size / sizeof(rtnexthop) + 1, "each next hop has its bytes");
    require(canonical(*entry) == *entry, "an entry is told in its canonical form");
  }
  if (const auto rule = parse_rule_entry(*message)) {
    require(rule->input.size() <= size && rule->output.size() <= size, "names are text of the message");
    require(!rule->from || rule->from->length <= rule->from->address.bit_length(), "a source is a network");
  }
  require(parse_ipv4_settings(*message).size() <= size / sizeof(std::uint32_t), "each setting has its bytes");
  return 0;
}
