#include "bench/datapath/world.hpp"

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "daemons/forwardd/xdp/layout.hpp"
#include "daemons/forwardd/xdp/map_writer.hpp"

namespace ballast::bench {
namespace xdp = forwardd::xdp;
namespace layout = xdp::layout;
namespace {

net::IpAddress ip(const std::string& text) { return *net::IpAddress::parse(text); }

/// A table whose every line is taken leaves most of their ports free.
constexpr int local_addresses = 16;

config::Method method_of(Mode mode) {
  switch (mode) {
    case Mode::dr:
      return config::Method::dr;
    case Mode::nat:
      return config::Method::nat;
    case Mode::fnat:
      return config::Method::fnat;
    default:
      return config::Method::tun;
  }
}

config::Tunnel tunnel_of(Mode mode) {
  constexpr std::uint16_t gue_port = 6080;
  if (mode == Mode::gue) return {config::TunnelType::gue, gue_port};
  return {mode == Mode::gre ? config::TunnelType::gre : config::TunnelType::ipip};
}

forwardd::DesiredService desired(const Service& service) {
  forwardd::DesiredService made;
  made.name = "tcp:" + service.vip.to_string();
  made.endpoints = {service.vip};
  made.method = method_of(service.mode);
  made.scheduler = config::Scheduler::rr;
  if (service.mode == Mode::fnat) {
    for (int i = 1; i <= local_addresses; ++i)
      made.local_addresses.push_back(ip(fmt::format("{}{}", service.vip.address.is_v4() ? "10.79.0." : "fd79::", i)));
  }
  for (const auto& server : service.servers) {
    made.servers.push_back({.endpoint = server,
                            .method = made.method,
                            .tunnel = tunnel_of(service.mode),
                            .weight = 1,
                            .status = bus::ServerStatus::up});
  }
  return made;
}

xdp::NextHops hops_of(const std::vector<Service>& services, const Hop& hop) {
  xdp::NextHops hops;
  for (const auto& service : services) {
    for (std::size_t i = 0; i < service.servers.size(); ++i) {
      auto mac = hop.server;
      mac.bytes[5] = static_cast<std::uint8_t>(mac.bytes[5] + i);
      const auto own = ip(service.vip.address.is_v4() ? "10.75.0.1" : "fd75::1");
      hops[service.servers[i].address] = {hop.ifindex, hop.source, mac, own, 1500};
    }
  }
  return hops;
}

/// Loads without leaving a pin behind: the descriptors keep the maps.
Result<xdp::Object> load_unpinned(const xdp::Sizes& sizes) {
  const auto pins = std::filesystem::path{"/sys/fs/bpf"} / fmt::format("ballast-bench-{}", getpid());
  if (auto prepared = xdp::prepare_pin_dir(pins); !prepared) return prepared.error();
  auto object = xdp::load_object(pins, sizes, [](const bus::Event&) {});
  if (auto removed = xdp::remove_everything(pins); !removed) return removed.error();
  return object;
}

}  // namespace

double cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::string name_of(Mode mode) {
  switch (mode) {
    case Mode::dr:
      return "DR";
    case Mode::nat:
      return "NAT";
    case Mode::tun:
      return "TUN";
    case Mode::fnat:
      return "FNAT";
    case Mode::gue:
      return "TUN gue";
    case Mode::gre:
      return "TUN gre";
  }
  return {};
}

bool is_tunnel(Mode mode) { return method_of(mode) == config::Method::tun; }

Service make_service(Mode mode, net::Family family, int number) {
  const bool is_nat = mode == Mode::nat || mode == Mode::fnat;
  const bool is_v4 = family == net::Family::ipv4;
  Service service;
  service.mode = mode;
  service.vip = {ip(fmt::format("{}{}", is_v4 ? "10.77.0." : "fd77::", 1 + number)), 80};
  service.client = {ip(is_v4 ? "10.76.0.0" : "fd76::"), 0};
  service.local_base = ip(is_v4 ? "10.79.0.0" : "fd79::");
  for (int i = 0; i < FEED_SERVERS; ++i) {
    const auto address = fmt::format("{}{}{}", is_v4 ? "10.78." : "fd78:", number, is_v4 ? "." : "::");
    service.servers.push_back({ip(address + std::to_string(i + 1)), static_cast<std::uint16_t>(is_nat ? 8080 : 80)});
  }
  return service;
}

Result<World> World::load(const std::vector<Service>& services, std::uint32_t connections, const Hop& hop) {
  World world;
  auto object = load_unpinned(xdp::sizes_for(connections, services.size(), 0));
  if (!object) return object.error();
  world.object_ = std::move(*object);
  auto load = xdp::LoadTable::map(world.object_.maps.at("server_load"));
  if (!load) return load.error();
  world.load_ = std::move(*load);
  auto flows = xdp::FlowTable::map(world.object_.maps.at("flows"));
  if (!flows) return flows.error();
  world.flows_ = std::move(*flows);
  auto returns = xdp::MappedArray<layout::return_line>::of(world.object_.maps.at("returns"));
  if (!returns) return returns.error();
  world.returns_ = std::move(*returns);
  auto mirror = xdp::read_mirror(world.object_);
  if (!mirror) return mirror.error();
  forwardd::DesiredState state;
  for (const auto& service : services) state.services.push_back(desired(service));
  const auto hops = hops_of(services, hop);
  const auto plan = xdp::make_plan(*mirror, state, xdp::find_in(hops), [](std::uint32_t) { return false; });
  if (!plan.errors.empty()) return plan.errors.front();
  for (const auto& change : plan.changes) {
    if (auto written = xdp::write_change(world.object_, world.load_, change); !written) return written.error();
    xdp::apply(*mirror, change);
  }
  world.servers_ = static_cast<std::uint32_t>(mirror->servers.size());
  return world;
}

Result<World::Counts> World::counts() const {
  Counts total;
  for (std::uint32_t server = 1; server < servers_; ++server) {
    const auto stats = object_.maps.at("server_stats").get_per_cpu<layout::server_stats>(server);
    if (!stats) return stats.error();
    for (const auto& cpu : *stats) {
      total.in += cpu.packets_in;
      total.out += cpu.packets_out;
    }
  }
  for (std::uint32_t drop = 0; drop < layout::DROP_COUNT; ++drop) {
    const auto counts = object_.maps.at("drops").get_per_cpu<std::uint64_t>(drop);
    if (!counts) return counts.error();
    total.drops = std::accumulate(counts->begin(), counts->end(), total.drops);
  }
  return total;
}

std::uint64_t World::active() const {
  std::uint64_t total = 0;
  for (std::uint32_t server = 1; server < servers_; ++server) total += load_.get(server).active;
  return total;
}

Result<std::vector<feed_answer>> World::answers(const Service& service, std::uint32_t count) const {
  const auto vip = service.vip.address.mapped();
  std::vector<feed_answer> answers(count);
  std::uint32_t found = 0;
  for (std::size_t line = 0; line < flows_.size(); ++line) {
    const auto& flow = flows_.line(line);
    if (CONTROL_STATE(flow.control) == layout::STATE_FREE || !std::ranges::equal(flow.vip, vip)) continue;
    const auto number = static_cast<std::uint32_t>(ntohs(flow.client_port) - FEED_FIRST_PORT) << 16 |
                        static_cast<std::uint32_t>(flow.client[15]) << 8 | flow.client[14];
    if (number >= count) continue;
    const auto server = object_.maps.at("servers").get<layout::server>(flow.server);
    if (!server) return server.error();
    const auto local = object_.maps.at("locals").get<layout::local>(flow.local);
    if (!local) return local.error();
    answers[number] = {static_cast<__u8>(server->address[15] - 1), local->address[15], flow.local_port, 0};
    ++found;
  }
  if (found != count) return fail("{} of {} connections of {} are in the table", found, count, service.vip);
  return answers;
}

Result<std::uint32_t> World::fill(std::uint32_t connections) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const auto step = std::max<std::size_t>(flows_.size() / connections, 1);
  std::uint32_t made = 0;
  for (std::size_t line = 0; line < flows_.size() && made < connections; line += step) {
    const std::uint32_t index = 1 + made % (servers_ - 1);
    const auto server = object_.maps.at("servers").get<layout::server>(index);
    if (!server) return server.error();
    auto& flow = flows_.line(line);
    flow = {};
    flow.last_seen = static_cast<__u32>(now.tv_sec);
    flow.lifetime = 900;
    flow.server = index;
    flow.server_generation = static_cast<__u16>(server->generation);
    flow.protocol = IPPROTO_TCP;
    flow.control = CONTROL(layout::STATE_ESTABLISHED, 0, 1);
    ++made;
  }
  return made;
}

Result<World::Sweep> World::sweep() const {
  layout::sweep_result result{};
  LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &result, .ctx_size_in = sizeof result);
  timespec before{};
  timespec after{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  const int error = bpf_prog_test_run_opts(object_.sweep.get(), &options);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  if (error != 0) return fail("the sweep: {}", xdp::reason(error));
  return Sweep{
      std::chrono::seconds{after.tv_sec - before.tv_sec} + std::chrono::nanoseconds{after.tv_nsec - before.tv_nsec},
      result.flows};
}

Result<std::uint64_t> World::memory_of(const std::string& map) const {
  std::ifstream about{fmt::format("/proc/self/fdinfo/{}", object_.maps.at(map).fd())};
  for (std::string word; about >> word;) {
    std::uint64_t bytes = 0;
    if (word == "memlock:" && about >> bytes) return bytes;
  }
  return fail("the kernel does not tell how much memory map {} has", map);
}

World::Memory World::read_at_random(std::uint32_t reads) const {
  const auto buckets = static_cast<std::uint32_t>(flows_.size() / layout::FLOW_WAYS);
  const volatile std::uint32_t nothing = 0;
  const auto take = [&](std::uint32_t candidates) {
    const double before = cpu_nanoseconds();
    std::uint32_t seen = 0;
    for (std::uint32_t read = 0; read < reads; ++read) {
      const auto hash = layout::hash_mix(read + 1ULL + (seen & nothing));
      for (std::uint32_t step = 0; step < candidates; ++step) {
        const volatile auto& control = flows_.line(layout::flow_candidate(hash, step, buckets)).control;
        seen += control;
      }
    }
    return (cpu_nanoseconds() - before) / reads;
  };
  return {take(1), take(layout::FLOW_CANDIDATES)};
}

void World::forget() {
  for (std::size_t line = 0; line < flows_.size(); ++line) flows_.line(line) = {};
  for (std::size_t line = 0; line < returns_.size(); ++line) returns_[line] = {};
  for (std::uint32_t server = 1; server < servers_; ++server) load_.reset(server);
}

}  // namespace ballast::bench
