// Packets a second through a load balancer between two veth pairs: generator | in LB out | sink, a namespace each.
// The generator is the kernel itself (live frames of BPF_PROG_RUN), the sink counts and drops in XDP; all share one
// CPU. Prints one number, millions of packets a second that reached the sink. throughput.py builds the namespaces.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>
#include <wire.skel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

#include "bench/datapath/feeder.hpp"
#include "bench/datapath/wire.h"

namespace ballast::bench {
namespace {

using forwardd::xdp::Descriptor;
using forwardd::xdp::reason;

/// What stands in the middle.
enum class Contender : std::uint8_t { drop, forward, dr, nat, tun, fnat, kernel };

struct Options {
  Contender contender = Contender::forward;
  std::string generator, balancer, sink;  ///< namespaces; devices are `out`, `in` and `out`, `in`
  std::uint32_t flows = 1;
  bool fresh = false;  ///< each packet opens a connection, and another half-open one has to give way
  std::uint32_t packets = 2'000'000;
  std::uint32_t connections = config::Global{}.connection_table_size;  ///< lines of the table of ours
  unsigned cpu = 0;
};

Result<> enter(const std::string& name) {
  const Descriptor space{open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!space || setns(space.get(), CLONE_NEWNET) != 0) return fail("namespace {}: {}", name, reason(errno));
  return {};
}

Result<std::uint32_t> device(const char* name) {
  const auto index = if_nametoindex(name);
  if (index == 0) return fail("there is no device {} in its namespace", name);
  return index;
}

struct Destroy {
  void operator()(wire* skeleton) const { wire__destroy(skeleton); }
};

class Flood {
 public:
  explicit Flood(Options options) : options_{std::move(options)} {}

  Result<double> run() {
    if (auto done = pin(); !done) return done.error();
    auto feeder = Feeder::load();
    if (!feeder) return feeder.error();
    const auto service = make_service(mode(), net::Family::ipv4);
    if (auto done = enter(options_.balancer); !done) return done.error();
    if (auto done = prepare_balancer(*feeder, service); !done) return done.error();
    if (auto done = feeder->call(std::nullopt); !done) return done.error();
    if (options_.contender != Contender::drop) {
      if (auto done = put(options_.sink, "in", wire_->progs.count_and_drop); !done) return done.error();
    }
    if (auto done = put(options_.generator, "out", wire_->progs.pass); !done) return done.error();
    feeder->select(options_.fresh ? newcomers(service) : Stream{.service = &service, .flows = options_.flows}, filled_);
    // The first packets fill caches and, in the kernel's own balancer, its connection table.
    const auto first = std::max(options_.fresh ? 0 : options_.flows * 2, options_.packets / 10);
    if (auto done = send(*feeder, first); !done) return done.error();
    if (auto done = reset(); !done) return done.error();
    if (auto done = send(*feeder, options_.packets); !done) return done.error();
    return rate();
  }

 private:
  [[nodiscard]] Mode mode() const {
    switch (options_.contender) {
      case Contender::nat:
      case Contender::kernel:
        return Mode::nat;
      case Contender::tun:
        return Mode::tun;
      case Contender::fnat:
        return Mode::fnat;
      default:
        return Mode::dr;
    }
  }

  /// SYNs, each of another client or port.
  static Stream newcomers(const Service& service) {
    return {.service = &service, .flags = tcp_syn, .flows = 1U << 30, .in_turn = true};
  }

  /// So many SYNs that no line of the table is free.
  Result<> fill(Feeder& feeder, const Service& service, std::uint32_t connections) {
    constexpr std::uint32_t turns = 5;
    if (auto done = feeder.call(world_->program()); !done) return done;
    feeder.select(newcomers(service));
    if (const auto sent = feeder.run(turns * connections); !sent) return sent.error();
    filled_ = turns * connections;
    return {};
  }

  Result<> pin() const {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(options_.cpu, &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) return fail("there is no CPU {} to run on", options_.cpu);
    return {};
  }

  Result<> prepare_balancer(Feeder& feeder, const Service& service) {
    const auto in = device("in");
    const auto out = device("out");
    if (!in) return in.error();
    if (!out) return out.error();
    const Hop hop{.ifindex = *out};
    wire_.reset(wire__open());
    if (!wire_) return fail("cannot read the wire programs: {}", reason(errno));
    wire_->rodata->forward_ifindex = *out;
    std::ranges::copy(hop.source.bytes, wire_->rodata->forward_source);
    std::ranges::copy(hop.server.bytes, wire_->rodata->forward_destination);
    if (const int error = wire__load(wire_.get()); error != 0) {
      return fail("the kernel does not take the wire programs: {}", reason(error));
    }
    switch (options_.contender) {
      case Contender::drop:
        return attach(*in, bpf_program__fd(wire_->progs.count_and_drop));
      case Contender::forward:
        return attach(*in, bpf_program__fd(wire_->progs.forward));
      case Contender::kernel:
        return {};
      case Contender::dr:
      case Contender::nat:
      case Contender::tun:
      case Contender::fnat:
        break;
    }
    auto world = World::load({service}, options_.connections, hop);
    if (!world) return world.error();
    world_ = std::move(*world);
    if (auto done = options_.fresh ? fill(feeder, service, options_.connections) : settle(feeder, service); !done)
      return done;
    return attach(*in, world_->program());
  }

  Result<> settle(Feeder& feeder, const Service& service) {
    const auto answers = establish(feeder, *world_, service, options_.flows);
    if (!answers) return answers.error();
    return answers->empty() ? Result<>{} : let_servers_speak(feeder, *world_, service, *answers);
  }

  /// Attached until this process ends.
  Result<> attach(std::uint32_t ifindex, int program) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    Descriptor link{bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options)};
    if (!link) return fail("cannot attach a program to device {}: {}", ifindex, reason(link.get()));
    links_.push_back(std::move(link));
    return {};
  }

  Result<> put(const std::string& space, const char* name, const bpf_program* program) {
    if (auto done = enter(space); !done) return done;
    const auto index = device(name);
    if (!index) return index.error();
    return attach(*index, bpf_program__fd(program));
  }

  Result<> send(const Feeder& feeder, std::uint32_t packets) const {
    const auto out = device("out");
    if (!out) return out.error();
    const auto& frame = feeder.frame();
    xdp_md context{};
    context.data_end = static_cast<std::uint32_t>(frame.size());
    context.ingress_ifindex = *out;
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = context.data_end,
                .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = static_cast<int>(packets),
                .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
    const int error = bpf_prog_test_run_opts(feeder.program(), &options);
    if (error != 0) return fail("cannot send live frames: {}", reason(error));
    return {};
  }

  Result<> reset() const {
    const std::vector<wire_count> zero(forwardd::xdp::Map::possible_cpus());
    const std::uint32_t key = 0;
    const int error = bpf_map_update_elem(bpf_map__fd(wire_->maps.counted), &key, zero.data(), BPF_ANY);
    if (error != 0) return fail("cannot reset the sink: {}", reason(error));
    return {};
  }

  Result<double> rate() const {
    std::vector<wire_count> counts(forwardd::xdp::Map::possible_cpus());
    const std::uint32_t key = 0;
    const int error = bpf_map_lookup_elem(bpf_map__fd(wire_->maps.counted), &key, counts.data());
    if (error != 0) return fail("cannot read the sink: {}", reason(error));
    double millions = 0;
    std::uint64_t packets = 0;
    for (const auto& each : counts) {
      packets += each.packets;
      if (each.last > each.first) {
        millions += static_cast<double>(each.packets_last) * 1e3 / static_cast<double>(each.last - each.first);
      }
    }
    // A kernel whose table of connections is full gives up some of the new ones.
    const auto least =
        options_.fresh && options_.contender == Contender::kernel ? std::uint32_t{WIRE_STEP} : options_.packets / 2;
    if (packets < least) return fail("{} of {} packets arrived", packets, options_.packets);
    return millions;
  }

  Options options_;
  std::unique_ptr<wire, Destroy> wire_;
  std::optional<World> world_;
  std::uint32_t filled_ = 0;  ///< new connections that the table was filled with
  std::vector<Descriptor> links_;
};

}  // namespace
}  // namespace ballast::bench

int main(int argc, char** argv) {
  using ballast::bench::Contender;
  const std::map<std::string, Contender> contenders{
      {"drop", Contender::drop}, {"forward", Contender::forward}, {"dr", Contender::dr},        {"nat", Contender::nat},
      {"tun", Contender::tun},   {"fnat", Contender::fnat},       {"kernel", Contender::kernel}};
  ballast::bench::Options options;
  CLI::App app{"Packets a second through a load balancer on veth; bench/datapath/throughput.py calls this"};
  app.add_option("contender", options.contender)->required()->transform(CLI::CheckedTransformer(contenders));
  app.add_option("--generator", options.generator, "network namespace")->required();
  app.add_option("--balancer", options.balancer, "network namespace")->required();
  app.add_option("--sink", options.sink, "network namespace")->required();
  app.add_option("--flows", options.flows, "a power of two")->capture_default_str();
  app.add_flag("--new", options.fresh, "SYNs, each of another client, to a table that is full of them");
  app.add_option("--packets", options.packets)->capture_default_str();
  app.add_option("--connections", options.connections, "that Ballast's table has room for")->capture_default_str();
  app.add_option("--cpu", options.cpu)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto rate = ballast::bench::Flood{options}.run();
  if (!rate) {
    std::fprintf(stderr, "bench_flood: %s\n", rate.error().message.c_str());
    return 1;
  }
  std::printf("%.3f\n", *rate);
}
