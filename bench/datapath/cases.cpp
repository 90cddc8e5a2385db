#include "bench/datapath/cases.hpp"

#include <linux/bpf.h>

#include <algorithm>

namespace ballast::bench {
namespace {

constexpr std::uint32_t first_new_flow = 1U << 24;  ///< past all that are established
constexpr std::uint32_t new_flows = 1U << 30;
constexpr std::uint32_t most_of_extra = 65'536;
constexpr std::uint8_t toa_kind = 254;

const char* family_of(const Service& service) { return service.vip.address.is_v4() ? "IPv4" : "IPv6"; }

bool is_routed(const Service& service) { return service.mode == Mode::nat || service.mode == Mode::fnat; }

void add_established(std::vector<Case>& cases, const Subject& subject, const std::vector<std::uint32_t>& flows,
                     From from) {
  const bool is_answer = from == From::server && subject.service.mode == Mode::fnat;
  for (const auto count : flows) {
    if (subject.is_extra && count > most_of_extra) continue;
    cases.push_back({&subject,
                     Kind::established,
                     {.service = &subject.service,
                      .from = from,
                      .flows = count,
                      .answers = is_answer ? &subject.answers : nullptr}});
  }
}

Result<> check_towards_server(const Subject& subject, const Packet& packet, bool is_established) {
  const auto& service = subject.service;
  const Hop hop;
  const bool to_server = std::ranges::find(service.servers, packet.destination) != service.servers.end();
  if (is_routed(service) && !to_server) {
    return fail("the destination is {}, no server of {}", packet.destination, service.vip);
  }
  if (!is_routed(service) && packet.destination != service.vip) {
    return fail("the destination became {}", packet.destination);
  }
  if (packet.source_mac != hop.source) return fail("the source MAC is {}, not {}", packet.source_mac, hop.source);
  if (packet.destination_mac < hop.server) return fail("{} is the MAC of no server", packet.destination_mac);
  if (packet.ttl != (is_routed(service) ? 63 : 64)) return fail("the time to live is {}", packet.ttl);
  const bool tells = !packet.options.empty() && packet.options.front() == toa_kind;
  if (tells != (subject.tells && is_established)) return fail("the packet has {}TOA", tells ? "" : "no ");
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

std::string Subject::name() const {
  if (!is_configured) return fmt::format("for no VIP {}", family_of(service));
  return fmt::format("{}{} {}", name_of(service.mode), tells ? " telling" : "", family_of(service));
}

std::string Case::name() const {
  switch (kind) {
    case Kind::established:
      return subject->name() + (stream.from == From::server ? " answer" : "");
    case Kind::fresh:
      return subject->name() + " new";
    case Kind::evicting:
      return subject->name() + " new, evicting";
    default:
      return subject->name();
  }
}

bool Case::grows() const {
  return kind != Kind::foreign && (is_tunnel(subject->service.mode) || (subject->tells && stream.from == From::client));
}

std::deque<Subject> make_subjects() {
  std::deque<Subject> subjects;
  int number = 0;
  for (const auto family : {net::Family::ipv4, net::Family::ipv6}) {
    for (const auto mode : {Mode::dr, Mode::nat, Mode::tun, Mode::fnat})
      subjects.push_back({make_service(mode, family, number++)});
    for (const auto mode : {Mode::gue, Mode::gre})
      subjects.push_back({.service = make_service(mode, family, number++), .is_extra = true});
    subjects.push_back({.service = make_service(Mode::fnat, family, number++), .is_extra = true, .tells = true});
    subjects.push_back({.service = make_service(Mode::dr, family, number++), .is_configured = false});
  }
  return subjects;
}

std::vector<Case> make_cases(const std::deque<Subject>& subjects, const std::vector<std::uint32_t>& flows) {
  std::vector<Case> cases;
  for (const auto& subject : subjects) {
    if (!subject.is_configured) {
      cases.push_back({&subject, Kind::foreign, {.service = &subject.service, .flows = 65'536}});
      continue;
    }
    add_established(cases, subject, flows, From::client);
    if (subject.is_extra) continue;
    if (is_routed(subject.service)) add_established(cases, subject, flows, From::server);
    const Stream fresh{.service = &subject.service,
                       .flags = tcp_syn,
                       .first_flow = first_new_flow,
                       .flows = new_flows,
                       .in_turn = true};
    cases.push_back({&subject, Kind::fresh, fresh});
    cases.push_back({&subject, Kind::evicting, fresh});
  }
  return cases;
}

Result<> check_outcome(const Case& measured, const Feeder::Outcome& outcome) {
  const auto& service = measured.subject->service;
  const auto expected = measured.kind == Kind::foreign ? XDP_PASS : XDP_TX;
  if (outcome.verdict != expected) return fail("verdict {}, expected {}", outcome.verdict, expected);
  auto frame = outcome.frame;
  if (measured.kind != Kind::foreign && is_tunnel(service.mode)) {
    auto tunnelled = unwrap(frame);
    if (!tunnelled) return tunnelled.error();
    if (std::ranges::find(service.servers, tunnelled->destination, &net::Endpoint::address) == service.servers.end()) {
      return fail("wrapped for {}, no server", tunnelled->destination);
    }
    frame = std::move(tunnelled->inside);
  }
  const auto packet = read_frame(frame);
  if (!packet) return packet.error();
  if (measured.kind == Kind::foreign) return {};
  return measured.stream.from == From::client
             ? check_towards_server(*measured.subject, *packet, measured.kind == Kind::established)
             : check_towards_client(service, *packet);
}

}  // namespace ballast::bench
