// Whatever a packet socket hands over is parsed within its bounds, and what is heard is judged in words.
#include "daemons/vrrpd/protocol/diagnosis.hpp"
#include "daemons/vrrpd/protocol/segment.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ballast;
using namespace ballast::vrrpd;

constexpr WallTime now = std::chrono::seconds{1'800'000'000};

config::VrrpInstance settings(net::Family family) {
  config::VrrpInstance instance;
  instance.name = "VI_1";
  instance.interface = "eth0";
  instance.virtual_router_id = 51;
  instance.version = 3;
  instance.family = family;
  const auto* vip = family == net::Family::ipv4 ? "10.0.0.100" : "2001:db8::100";
  instance.virtual_addresses.push_back({net::Prefix::parse(vip).value(), "eth0", "", "", {}, {}});
  return instance;
}

bool lies_in(std::span<const std::uint8_t> part, std::span<const std::uint8_t> whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void hear(const Datagram& datagram, net::Family family) {
  const auto instance = settings(family);
  Segment segment;
  auto& ear = segment.listen(instance);
  segment.on_wire(datagram, {}, false, now);
  segment.on_wire(datagram, {}, false, now);
  Observation seen;
  seen.instance = instance.name;
  seen.interface = seen.hears_on = seen.sends_on = instance.interface;
  seen.family = family;
  seen.vrid = instance.virtual_router_id;
  seen.listened = true;
  seen.role = bus::VrrpRole::master;
  seen.heard = ear.heard();
  seen.arrivals = ear.arrivals();
  seen.strangers = segment.strangers_with({instance.virtual_addresses.front().prefix.address});
  for (const auto& finding : diagnose(seen)) {
    require(!finding.what.empty() && !finding.meaning.empty() && !finding.advice.empty(), "a finding has words");
  }
  const nlohmann::json json = seen;
  require(nlohmann::json(json.get<Observation>()) == json, "an observation is read as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span packet{data, size};
  if (const auto datagram = ipv4_datagram(packet)) {
    require(lies_in(datagram->payload, packet), "a payload is part of its packet");
    hear(*datagram, net::Family::ipv4);
  }
  if (const auto datagram = ipv6_datagram(packet)) {
    require(lies_in(datagram->payload, packet), "a payload is part of its packet");
    hear(*datagram, net::Family::ipv6);
  }
  (void)parse_arp_reply(packet);
  (void)parse_neighbour_advertisement(packet, {});
  return 0;
}
