#include "bench/datapath/cases.hpp"

#include <linux/bpf.h>

#include <algorithm>

namespace ballast::bench {
namespace {

constexpr std::uint32_t first_new_flow = 1U << 24;  ///< past all that are established
constexpr std::uint32_t new_flows = 1U << 30;

const char* family_of(const Service& service) { return service.vip.address.is_v4() ? "IPv4" : "IPv6"; }
std::string_view method_of(const Service& service) { return name_of(service.method); }

Result<> check_towards_server(const Service& service, const Packet& packet) {
  const bool is_nat = service.method == config::Method::nat || service.method == config::Method::fnat;
  const Hop hop;
  const bool to_server = std::ranges::find(service.servers, packet.destination) != service.servers.end();
  if (is_nat && !to_server) return fail("the destination is {}, no server of {}", packet.destination, service.vip);
  if (!is_nat && packet.destination != service.vip) return fail("the destination became {}", packet.destination);
  if (packet.source_mac != hop.source) return fail("the source MAC is {}, not {}", packet.source_mac, hop.source);
  if (packet.destination_mac < hop.server) return fail("{} is the MAC of no server", packet.destination_mac);
  if (packet.ttl != (is_nat ? 63 : 64)) return fail("the time to live is {}", packet.ttl);
  return {};
}

Result<> check_towards_client(const Service& service, const Packet& packet) {
  const auto sent = packet_of({.service = &service});
  if (packet.source != service.vip) return fail("the source is {}, not {}", packet.source, service.vip);
  if (packet.destination_mac != sent.source_mac) return fail("{} is not the client's MAC", packet.destination_mac);
  if (packet.ttl != 63) return fail("the time to live is {}", packet.ttl);
  return {};
}

}  // namespace

std::vector<Service> make_services() {
  using enum net::Family;
  std::vector<Service> services;
  for (const auto family : {ipv4, ipv6}) {
    for (const auto method : {config::Method::dr, config::Method::nat, config::Method::tun, config::Method::fnat})
      services.push_back(make_service(method, family));
  }
  for (const auto family : {ipv4, ipv6}) {
    auto stranger = make_service(config::Method::dr, family);
    stranger.vip = {*net::IpAddress::parse(family == ipv4 ? "10.77.9.9" : "fd77::9"), 80};
    services.push_back(stranger);
  }
  return services;
}

std::vector<Case> make_cases(const std::vector<Service>& services, const std::vector<std::uint32_t>& flows) {
  std::vector<Case> cases;
  for (std::size_t i = 0; i < services.size(); ++i) {
    const auto& service = services[i];
    if (i >= services.size() - 2) {
      cases.push_back(
          {fmt::format("for no VIP, {}", family_of(service)), Kind::foreign, {.service = &service, .flows = 65'536}});
      continue;
    }
    const auto name = fmt::format("{} {}", method_of(service), family_of(service));
    for (const auto count : flows)
      cases.push_back({name + " established", Kind::established, {.service = &service, .flows = count}});
    if (service.method == config::Method::nat) {
      for (const auto count : flows) {
        cases.push_back(
            {name + " answer", Kind::established, {.service = &service, .from = From::server, .flows = count}});
      }
    }
    const Stream fresh{
        .service = &service, .flags = tcp_syn, .first_flow = first_new_flow, .flows = new_flows, .in_turn = true};
    cases.push_back({name + " new", Kind::fresh, fresh});
    cases.push_back({name + " new, evicting", Kind::evicting, fresh});
  }
  return cases;
}

Result<> check_outcome(const Case& measured, const Feeder::Outcome& outcome) {
  const auto expected = measured.kind == Kind::foreign ? XDP_PASS : XDP_TX;
  if (outcome.verdict != expected) return fail("{}: verdict {}, expected {}", measured.name, outcome.verdict, expected);
  auto frame = outcome.frame;
  if (measured.kind != Kind::foreign && measured.stream.service->method == config::Method::tun) {
    auto tunnelled = unwrap(frame);
    if (!tunnelled) return fail("{}: {}", measured.name, tunnelled.error().message);
    const auto& servers = measured.stream.service->servers;
    if (std::ranges::find(servers, tunnelled->destination, &net::Endpoint::address) == servers.end())
      return fail("{}: wrapped for {}, no server", measured.name, tunnelled->destination);
    frame = std::move(tunnelled->inside);
  }
  const auto packet = read_frame(frame);
  if (!packet) return fail("{}: {}", measured.name, packet.error().message);
  if (measured.kind == Kind::foreign) return {};
  const auto& service = *measured.stream.service;
  const auto checked = measured.stream.from == From::client ? check_towards_server(service, *packet)
                                                            : check_towards_client(service, *packet);
  if (!checked) return fail("{}: {}", measured.name, checked.error().message);
  return {};
}

}  // namespace ballast::bench
