// ns a packet of Ballast's XDP program by BPF_PROG_RUN, beside a bare MAC swap in the same run.
//
// BPF_PROG_RUN gives a program its own output again, so a feeding program writes each packet anew and calls the
// measured one. The same feeding program calling the MAC swap tells what feeding costs, and that is taken off.
#include <mac_swap.skel.h>
#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <thread>

#include "bench/datapath/cases.hpp"

namespace ballast::bench {
namespace {

constexpr std::uint32_t fresh_at_once =
    7000;  ///< connections: with NAT's two entries each the half-open table has room for them
constexpr std::uint32_t fresh_batches = 8;
constexpr std::uint32_t fill_half_open = 32'768;

struct Options {
  unsigned cpu = std::max(1U, std::thread::hardware_concurrency()) - 1;
  unsigned runs = 10;
  std::uint32_t packets = 200'000;
  std::vector<std::uint32_t> flows{1, 1024, 65'536};
  std::string only;  ///< cases whose names have this in them
};

std::string is_power_of_two(const std::string& text) {
  const auto value = std::strtoul(text.c_str(), nullptr, 10);
  return value <= 1 << 20 && std::has_single_bit(value) ? "" : text + " is no power of two up to 1048576";
}

struct Samples {
  int feed = -1;  ///< the feeding program
  std::vector<double> fed;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const auto half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

class Bench {
 public:
  Bench(Options options, Feeder feeder, World world, int mac_swap)
      : options_{std::move(options)}, feeder_{std::move(feeder)}, world_{std::move(world)}, mac_swap_{mac_swap} {}

  Result<> prepare(const std::vector<Service>& services) {
    const auto most = std::ranges::max(options_.flows);
    for (const auto& service : services) {
      if (auto done = establish(feeder_, world_, service, most); !done) return done;
    }
    return {};
  }

  /// One run of all more than is counted: the first warms up.
  Result<> measure(const std::vector<Case>& cases) {
    for (unsigned run = 0; run <= options_.runs; ++run) {
      if (run <= 1) samples_.assign(cases.size(), {}), swaps_.clear(), feeding_.clear();
      last_feed_ = -1;
      for (std::size_t i = 0; i < cases.size(); ++i) {
        if (auto done = measure_once(cases[i], samples_[i]); !done) return done;
      }
    }
    return {};
  }

  void print(const std::vector<Case>& cases) const {
    std::printf(
        "ns a packet by BPF_PROG_RUN on CPU %u, %u packets a run, %u runs of all in turn; frames of %d (IPv4) and %d "
        "bytes (IPv6);\n4 services of %d servers, rr, each with %u connections; making each packet anew (%.1f ns) is "
        "taken off\n\n",
        options_.cpu, options_.packets, options_.runs, FEED_FRAME4, FEED_FRAME6, FEED_SERVERS,
        std::ranges::max(options_.flows), median(feeding_.begin()->second));
    std::printf("%-28s %8s %8s %8s %8s %16s\n", "", "flows", "median", "best", "worst", "above MAC swap");
    const double swap = median(swaps_);
    row("MAC swap and transmit", "", swaps_, swap);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const bool is_counted = cases[i].kind == Kind::established;
      auto net = samples_[i].fed;
      for (double& each : net) each -= median(feeding_.at(samples_[i].feed));
      row(cases[i].name, is_counted ? std::to_string(cases[i].stream.flows) : "", net, swap);
    }
  }

 private:
  static void row(const std::string& name, const std::string& flows, const std::vector<double>& values, double swap) {
    std::printf("%-28s %8s %8.1f %8.1f %8.1f %16.1f\n", name.c_str(), flows.c_str(), median(values),
                std::ranges::min(values), std::ranges::max(values), median(values) - swap);
  }

  Result<> measure_once(const Case& measured, Samples& samples) {
    feeder_.select(measured.stream);
    if (last_feed_ != feeder_.program()) {
      if (auto done = measure_swap(); !done) return done;
    }
    if (auto set = feeder_.call(world_.program()); !set) return set;
    const auto ours = measured.kind == Kind::fresh ? run_fresh(measured) : run_ours(measured);
    if (!ours) return ours.error();
    samples.feed = last_feed_;
    samples.fed.push_back(*ours);
    return {};
  }

  /// The MAC swap alone and behind the feeding program that is in use now.
  Result<> measure_swap() {
    if (auto set = feeder_.call(mac_swap_); !set) return set;
    const auto fed = feeder_.run(options_.packets);
    if (!fed) return fed.error();
    const auto alone = run_program(mac_swap_, feeder_.frame(), options_.packets);
    if (!alone) return alone.error();
    last_feed_ = feeder_.program();
    swaps_.push_back(alone->nanoseconds);
    feeding_[last_feed_].push_back(fed->nanoseconds - alone->nanoseconds);
    return {};
  }

  Result<double> run_ours(const Case& measured) {
    select_ours(measured);
    if (measured.kind == Kind::evicting) {
      if (auto filled = feeder_.run(fill_half_open); !filled) return filled.error();
      next_flow_ += fill_half_open;
    }
    return run_checked(measured, options_.packets);
  }

  /// New connections in batches that the half-open table has room for, emptied in between.
  Result<double> run_fresh(const Case& measured) {
    double sum = 0;
    for (unsigned batch = 0; batch < fresh_batches; ++batch) {
      if (auto emptied = world_.forget_half_open(); !emptied) return emptied.error();
      select_ours(measured);
      const auto taken = run_checked(measured, fresh_at_once);
      if (!taken) return taken.error();
      sum += *taken;
    }
    return sum / fresh_batches;
  }

  /// No flow that was new once is so again.
  void select_ours(const Case& measured) {
    auto stream = measured.stream;
    if (measured.kind == Kind::fresh || measured.kind == Kind::evicting) {
      stream.first_flow += next_flow_;
    }
    feeder_.select(stream);
  }

  Result<double> run_checked(const Case& measured, std::uint32_t packets) {
    const auto before = world_.counts();
    if (!before) return before.error();
    const auto outcome = feeder_.run(packets);
    if (!outcome) return outcome.error();
    if (measured.kind != Kind::established) next_flow_ += packets;
    const auto after = world_.counts();
    if (!after) return after.error();
    if (auto checked = check_outcome(measured, *outcome); !checked) return checked.error();
    const auto forwarded = after->in + after->out - before->in - before->out;
    const auto expected = measured.kind == Kind::foreign ? 0 : packets;
    if (forwarded != expected || after->drops != before->drops) {
      return fail("{}: {} of {} packets forwarded, {} dropped", measured.name, forwarded, expected,
                  after->drops - before->drops);
    }
    return outcome->nanoseconds;
  }

  Options options_;
  Feeder feeder_;
  World world_;
  int mac_swap_;
  std::uint32_t next_flow_ = 0;  ///< new flows used up so far
  std::vector<Samples> samples_;
  std::vector<double> swaps_;
  std::map<int, std::vector<double>> feeding_;  ///< by feeding program: what it costs
  int last_feed_ = -1;
};

struct DestroySwap {
  void operator()(mac_swap* skeleton) const { mac_swap__destroy(skeleton); }
};

Result<> run(const Options& options) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(options.cpu, &cpus);
  if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) return fail("there is no CPU {} to run on", options.cpu);
  const auto services = make_services();
  const std::vector<Service> configured{services.begin(), services.end() - 2};
  // Each family: DR one entry a connection, NAT two; and some room.
  const auto connections = std::max(config::Global{}.connection_table_size, 7 * std::ranges::max(options.flows));
  auto world = World::load(configured, connections, {});
  if (!world) return world.error();
  auto feeder = Feeder::load();
  if (!feeder) return feeder.error();
  const std::unique_ptr<mac_swap, DestroySwap> swap{mac_swap__open_and_load()};
  if (!swap) return fail("the kernel does not take the MAC swap: {}", forwardd::xdp::reason(errno));
  Bench bench{options, std::move(*feeder), std::move(*world), bpf_program__fd(swap->progs.mac_swap)};
  auto cases = make_cases(services, options.flows);
  std::erase_if(cases, [&](const Case& each) { return each.name.find(options.only) == std::string::npos; });
  if (cases.empty()) return fail("no case has '{}' in its name", options.only);
  if (auto done = bench.prepare(configured); !done) return done;
  if (auto done = bench.measure(cases); !done) return done;
  bench.print(cases);
  return {};
}

}  // namespace
}  // namespace ballast::bench

int main(int argc, char** argv) {
  ballast::bench::Options options;
  CLI::App app{"What a packet costs in Ballast's XDP program"};
  app.add_option("--cpu", options.cpu, "run on this CPU alone")->capture_default_str();
  app.add_option("--runs", options.runs)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--packets", options.packets, "in each run")
      ->check(CLI::Range(10'000, 4'000'000))
      ->capture_default_str();
  app.add_option("--flows", options.flows, "how many established connections to cycle over")
      ->check(CLI::Validator(ballast::bench::is_power_of_two, "a power of two up to 1048576"))
      ->capture_default_str();
  app.add_option("--only", options.only, "cases with this in their name");
  CLI11_PARSE(app, argc, argv);
  if (geteuid() != 0) {
    std::fprintf(stderr, "bench_cost loads BPF programs: run it as root\n");
    return 1;
  }
  const auto done = ballast::bench::run(options);
  if (!done) std::fprintf(stderr, "bench_cost: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
