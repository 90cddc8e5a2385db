#include "tests/packet/data_path.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <thread>

#include "daemons/forwardd/xdp/report.hpp"
#include "daemons/forwardd/xdp/tracer.hpp"

namespace ballast::packet {
namespace xdp = forwardd::xdp;
namespace {

constexpr const char* drop_names[] = {
#define X(name, explanation) #name,
    DROP_REASONS(X)
#undef X
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

bool is_endpoint(const __u8 (&bytes)[16], std::uint16_t port, const net::Endpoint& endpoint) {
  return ntohs(port) == endpoint.port && std::memcmp(bytes, endpoint.address.mapped().data(), sizeof bytes) == 0;
}

bool is_of(const layout::flow& flow, const Packet& from_client) {
  return flow.protocol == from_client.protocol() && is_endpoint(flow.client, flow.client_port, from_client.source()) &&
         is_endpoint(flow.vip, flow.vip_port, from_client.destination());
}

std::uint32_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return static_cast<std::uint32_t>(time.tv_sec);
}

std::string text(const __u8 (&bytes)[16], std::uint16_t port) {
  return net::Endpoint{net::IpAddress::v6(bytes), ntohs(port)}.to_string();
}

}  // namespace

void PrintTo(const Outcome& outcome, std::ostream* out) {
  constexpr const char* names[] = {"aborted", "dropped: ", "passed ", "transmitted ", "redirected "};
  *out << names[static_cast<unsigned>(outcome.verdict)] << outcome.reason;
  if (!outcome.frame.empty())
    *out << describe(outcome.frame) << fmt::format("\n  {:02x}", fmt::join(outcome.frame, ""));
}
void PrintTo(const Connection& connection, std::ostream* out) {
  *out << connection.state << " at " << connection.server << (connection.proved ? "" : ", half open");
}
void PrintTo(const Load& load, std::ostream* out) {
  *out << load.active << " active, " << load.inactive << " inactive";
}
void PrintTo(const Sweep& sweep, std::ostream* out) {
  *out << sweep.flows << " flows, " << sweep.half_open << " half open, " << sweep.expired << " expired";
}

Outcome passed(const Packet& packet) { return {Verdict::pass, "", packet.bytes()}; }
Outcome dropped(std::string reason) { return {Verdict::drop, std::move(reason), {}}; }
Outcome transmitted(const Packet& packet) { return {Verdict::transmit, "", packet.bytes()}; }
Outcome redirected(const Packet& packet) { return {Verdict::redirect, "", packet.bytes()}; }

std::string DataPath::missing() {
  const xdp::Descriptor map{bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "ballast_probe", 4, 4, 1024, nullptr)};
  if (map) return "";
  return fmt::format("needs root and a kernel with BPF; making a map here says: {}", xdp::reason(errno));
}

DataPath::DataPath(const Sizes& sizes)
    : program_{Program::take(sizes)},
      object_{&program_->object()},
      load_{must(xdp::LoadTable::map(object_->maps.at("server_load")))},
      census_{must(xdp::LoadTable::map(object_->maps.at("census")))},
      flows_{must(xdp::FlowTable::map(object_->maps.at("flows")))},
      failed_clients_{must(xdp::MappedArray<std::uint64_t>::of(object_->maps.at("failed_clients")))},
      mirror_{must(xdp::read_mirror(*object_))} {}

DataPath::~DataPath() { Program::give_back(std::move(program_)); }

void DataPath::set(const forwardd::DesiredState& desired, const xdp::NextHops& hops) {
  plan_ = xdp::make_plan(mirror_, desired, xdp::find_in(hops),
                         [this](std::uint32_t server) { return load_.has_connections(server); });
  for (const auto& error : plan_.errors) ADD_FAILURE() << error.message;
  for (const auto& change : plan_.changes) {
    must(xdp::write_change(*object_, load_, change));
    apply(mirror_, change);
  }
}

Bytes DataPath::run(const Bytes& frame, Verdict& verdict) const {
  Bytes after(frame.size() + 256);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = after.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .data_size_out = static_cast<std::uint32_t>(after.size()), .repeat = 1);
  if (const int error = bpf_prog_test_run_opts(object_->program.get(), &options); error != 0) {
    throw std::runtime_error("BPF_PROG_RUN: " + xdp::reason(error));
  }
  verdict = static_cast<Verdict>(options.retval);
  after.resize(options.data_size_out);
  return after;
}

Verdict DataPath::replay(const Bytes& frame) const {
  Verdict verdict{};
  (void)run(frame, verdict);
  return verdict;
}

Outcome DataPath::send(const Bytes& frame) {
  Outcome outcome;
  const auto before = read_drops();
  auto out = run(frame, outcome.verdict);
  const auto after = read_drops();
  for (std::size_t reason = 0; reason < after.size(); ++reason) {
    for (auto count = before[reason]; count < after[reason]; ++count) {
      outcome.reason += (outcome.reason.empty() ? "" : ", ") + std::string{drop_names[reason]};
    }
  }
  if (outcome.verdict == Verdict::drop) {
    EXPECT_NE(outcome.reason, "") << "a drop that nothing counts: " << describe(frame);
    EXPECT_EQ(out, frame) << "a dropped packet was written to";
    return outcome;
  }
  if (outcome.verdict == Verdict::pass) {
    EXPECT_EQ(out, frame) << "a packet for the kernel was written to";
  } else if (checksum_fault(frame).empty()) {
    EXPECT_EQ(checksum_fault(out), "") << describe(out);
  }
  outcome.frame = std::move(out);
  return outcome;
}

std::optional<layout::flow> DataPath::flow(const Packet& from_client) const {
  std::optional<layout::flow> found;
  flows_.for_each([&](std::size_t, const layout::flow& flow) {
    if (!is_of(flow, from_client)) return true;
    EXPECT_FALSE(found) << "one connection in two lines";
    found = flow;
    return true;
  });
  return found;
}

std::optional<Connection> DataPath::connection(const Packet& from_client) const {
  const auto found = flow(from_client);
  if (!found) return std::nullopt;
  const auto& server = mirror_.servers.at(found->server);
  const auto state = CONTROL_STATE(found->control);
  return Connection{std::string{xdp::state_name(state)}, text(server.address, server.port), !xdp::is_half_open(state)};
}

std::size_t DataPath::entries() const {
  std::size_t count = 0;
  flows_.for_each([&](std::size_t, const layout::flow&) { return ++count != 0; });
  return count;
}

void DataPath::await_uptime(std::uint32_t seconds) {
  while (now() < seconds) std::this_thread::sleep_for(std::chrono::milliseconds{100});
}

void DataPath::let_pass(const Packet& from_client, std::uint32_t seconds) {
  flows_.for_each([&](std::size_t index, const layout::flow& flow) {
    if (!is_endpoint(flow.client, flow.client_port, from_client.source())) return true;
    if (flow.last_seen < seconds) throw std::runtime_error("await_uptime first: nothing is older than the machine");
    flows_.line(index).last_seen -= seconds;
    return true;
  });
}

void DataPath::forget(const Packet& from_client) {
  flows_.for_each([&](std::size_t index, const layout::flow& flow) {
    if (!is_of(flow, from_client)) return true;
    const bool active = CONTROL_STATE(flow.control) == layout::STATE_ESTABLISHED;
    load_.add(flow.server, active ? -1U : 0U, active ? 0U : -1U);
    flows_.line(index).control = CONTROL(layout::STATE_FREE, 0, CONTROL_USE(flow.control) + 1);
    return true;
  });
}

void DataPath::age_persistence(std::uint32_t seconds) {
  const auto& map = object_->maps.at("persistence");
  std::vector<std::pair<layout::persistence_key, layout::persistence_entry>> aged;
  must(map.for_each([&](const std::uint8_t* key_bytes, const std::uint8_t* value_bytes) {
    auto& [key, entry] = aged.emplace_back();
    std::memcpy(&key, key_bytes, sizeof key);
    std::memcpy(&entry, value_bytes, sizeof entry);
    // The sweep of a test may have been in the future.
    entry.last_used = std::min(entry.last_used, now()) - seconds;
    return true;
  }));
  for (const auto& [key, entry] : aged) must(map.put(key, entry));
}

layout::hop DataPath::hop(const layout::flow& flow) const {
  return must(object_->maps.at("hops").get<layout::hop>(flow.hop));
}

std::uint64_t DataPath::events(const std::string& name) const {
  constexpr const char* names[] = {
#define X(name, explanation) #name,
      EVENTS(X)
#undef X
  };
  for (std::uint32_t event = 0; event < std::size(names); ++event) {
    if (names[event] != name) continue;
    const auto counts = must(object_->maps.at("events").get_per_cpu<std::uint64_t>(event));
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
  throw std::runtime_error("no event " + name);
}

Sweep DataPath::sweep(std::uint32_t seconds_ahead) { return sweep_at(now() + seconds_ahead); }

Sweep DataPath::sweep_at(std::uint32_t seconds) {
  layout::sweep_result result{.now = seconds, .flows = 0, .half_open = 0, .expired = 0};
  LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &result, .ctx_size_in = sizeof result);
  if (const int error = bpf_prog_test_run_opts(object_->sweep.get(), &options); error != 0) {
    throw std::runtime_error("the sweep: " + xdp::reason(error));
  }
  return {result.flows, result.half_open, result.expired};
}

void DataPath::correct() {
  for (std::uint32_t server = 1; server < census_.size(); ++server) {
    if (const auto difference = drift_.compare(server, census_.get(server), load_.get(server))) {
      load_.add(server, difference->active, difference->inactive);
    }
  }
}

std::uint32_t DataPath::index_of(const std::string& server) const {
  for (const auto& [name, service] : plan_.services) {
    if (const auto found = service.servers.find(server); found != service.servers.end()) return found->second;
  }
  throw std::runtime_error("no service has a server " + server);
}

Load DataPath::load(const std::string& server) const {
  const auto load = load_.get(index_of(server));
  return {load.active, load.inactive};
}

Load DataPath::census(const std::string& server) const {
  const auto counted = census_.get(index_of(server));
  return {counted.active, counted.inactive};
}

Load DataPath::total_load() const {
  Load total;
  for (std::uint32_t index = 0; index < load_.size(); ++index) {
    total.active += load_.get(index).active;
    total.inactive += load_.get(index).inactive;
  }
  return total;
}

layout::server_stats DataPath::stats(const std::string& server) const {
  return xdp::sum(must(object_->maps.at("server_stats").get_per_cpu<layout::server_stats>(index_of(server))));
}

unsigned DataPath::take_failed_clients(const std::string& server) {
  return xdp::take_failed_clients(failed_clients_, index_of(server));
}

std::vector<std::uint64_t> DataPath::read_drops() const {
  std::vector<std::uint64_t> all;
  for (const auto& drop : xdp::read_drops(*object_)) all.push_back(drop.packets);
  return all;
}

std::uint64_t DataPath::drops(const std::string& reason) const {
  for (const auto& drop : xdp::read_drops(*object_)) {
    if (drop.reason == reason) return drop.packets;
  }
  throw std::runtime_error("no drop reason " + reason);
}

std::vector<bus::TraceStep> DataPath::trace(const Packet& packet) const {
  return must(xdp::trace(*object_, mirror_, plan_.services,
                         {.protocol = static_cast<config::Protocol>(packet.protocol()),
                          .source = packet.source(),
                          .destination = packet.destination(),
                          .tcp_flags = packet.flags()}));
}

void DataPath::stands_on(std::uint32_t device, const forwardd::xdp::Exit& below) {
  must(xdp::write_uppers(*object_, {{device, below}}));
}

xdp::Migration::Outcome DataPath::resize(std::uint32_t connections, const std::function<void()>& meanwhile) {
  auto sizes = object_->sizes();
  sizes.connections = connections;
  auto resized = std::make_unique<xdp::Object>(must(xdp::load_resized(*object_, sizes)));
  auto migration = must(xdp::Migration::between(*object_, *resized));
  migration.copy();
  meanwhile();
  migration.copy();
  const auto outcome = migration.finish(load_);
  resized_ = std::move(resized);
  object_ = resized_.get();
  flows_ = must(xdp::FlowTable::map(object_->maps.at("flows")));
  return outcome;
}

void DataPath::change_routes() { must(xdp::bump_route_generation(*object_)); }

std::size_t DataPath::ports_in_use() const {
  std::size_t used = 0;
  must(object_->maps.at("returns").for_each([&](const std::uint8_t*, const std::uint8_t* bytes) {
    layout::return_line line{};
    std::memcpy(&line, bytes, sizeof line);
    used += static_cast<std::size_t>(std::ranges::count_if(line.entry, [](auto entry) { return entry != 0; }));
    return true;
  }));
  return used;
}

std::size_t DataPath::details() const {
  std::size_t count = 0;
  must(object_->maps.at("flow_details").for_each([&](const std::uint8_t*, const std::uint8_t*) {
    return ++count != 0;
  }));
  return count;
}

std::string DataPath::server_of(const Packet& from_client) const {
  const auto found = connection(from_client);
  return found ? found->server : "";
}

}  // namespace ballast::packet
