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
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/datapath/cases.hpp"

namespace ballast::bench {
namespace {

/// So many new connections, each from another source, leave no line of the table free.
constexpr std::uint32_t filling_turns = 5;

struct Options {
  unsigned cpu = std::max(1U, std::thread::hardware_concurrency()) - 1;
  unsigned runs = 10;
  std::uint32_t packets = 200'000;
  std::vector<std::uint32_t> flows{1, 1024, 65'536};
  std::string only;  ///< cases whose names have this in them
  std::string json;  ///< a file for the figures; empty: none
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
  /// A table of the default size each: for every service one with its established connections, and two of all services.
  struct Worlds {
    std::map<net::Endpoint, World> established;  ///< by VIP
    World empty;
    World full;
  };
  Bench(Options options, Feeder feeder, Worlds worlds, const mac_swap& floor)
      : options_{std::move(options)},
        feeder_{std::move(feeder)},
        worlds_{std::move(worlds)},
        swap_{bpf_program__fd(floor.progs.mac_swap)},
        longer_{bpf_program__fd(floor.progs.mac_swap_longer)} {}

  Result<> prepare(const std::vector<Service>& services) {
    const auto most = std::ranges::max(options_.flows);
    for (const auto& service : services) {
      if (auto done = establish(feeder_, worlds_.established.at(service.vip), service, most); !done) return done;
    }
    return {};
  }

  /// Fills the table in which new connections have to evict others.
  Result<> fill(const Case& fresh, std::uint32_t connections) {
    if (auto set = feeder_.call(worlds_.full.program()); !set) return set;
    select_ours(fresh);
    const auto filled = feeder_.run(filling_turns * connections);
    next_flow_ += filling_turns * connections;
    if (!filled) return filled.error();
    return {};
  }

  /// One run of all more than is counted: the first warms up.
  Result<> measure(const std::vector<Case>& cases) {
    for (unsigned run = 0; run <= options_.runs; ++run) {
      if (run <= 1) samples_.assign(cases.size(), {}), swaps_.clear(), feeding_.clear(), growing_.clear();
      last_feed_ = -1;
      for (std::size_t i = 0; i < cases.size(); ++i) {
        if (auto done = measure_once(cases[i], samples_[i]); !done) return done;
      }
    }
    return {};
  }

  /// The rows also as JSON.
  nlohmann::json print(const std::vector<Case>& cases) const {
    nlohmann::json rows = nlohmann::json::array();
    std::printf(
        "ns a packet by BPF_PROG_RUN on CPU %u, %u packets a run, %u runs of all in turn; frames of %d (IPv4) and %d "
        "bytes (IPv6);\nservices of %d servers each, rr, each with %u connections; making each packet anew (%.1f ns) "
        "is "
        "taken off, and for TUN making it short again (%.1f ns)\n\n",
        options_.cpu, options_.packets, options_.runs, FEED_FRAME4, FEED_FRAME6, FEED_SERVERS,
        std::ranges::max(options_.flows), median(feeding_.begin()->second), median(growing_) / 2);
    std::printf("%-28s %8s %8s %8s %8s %16s\n", "", "flows", "median", "best", "worst", "above MAC swap");
    const double swap = median(swaps_);
    rows.push_back(row("MAC swap and transmit", 0, swaps_, swap));
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const bool is_counted = cases[i].kind == Kind::established;
      auto net = samples_[i].fed;
      const bool grows = cases[i].kind != Kind::foreign && cases[i].stream.service->method == config::Method::tun;
      for (double& each : net) each -= median(feeding_.at(samples_[i].feed)) + (grows ? median(growing_) / 2 : 0);
      rows.push_back(row(cases[i].name, is_counted ? cases[i].stream.flows : 0, net, swap));
    }
    return rows;
  }

 private:
  /// flows 0: means nothing in this row.
  static nlohmann::json row(const std::string& name, std::uint32_t flows, const std::vector<double>& values,
                            double swap) {
    const auto best = std::ranges::min(values);
    const auto worst = std::ranges::max(values);
    fmt::print("{:28} {:>8} {:8.1f} {:8.1f} {:8.1f} {:16.1f}\n", name, flows == 0 ? "" : std::to_string(flows),
               median(values), best, worst, median(values) - swap);
    return {{"name", name}, {"flows", flows}, {"median", median(values)}, {"best", best}, {"worst", worst}};
  }

  Result<> measure_once(const Case& measured, Samples& samples) {
    feeder_.select(measured.stream);
    if (last_feed_ != feeder_.program()) {
      if (auto done = measure_swap(); !done) return done;
    }
    auto& world = world_of(measured);
    if (auto set = feeder_.call(world.program()); !set) return set;
    if (measured.kind == Kind::fresh) world.forget();
    select_ours(measured);
    const auto ours = run_checked(measured, world);
    if (!ours) return ours.error();
    samples.feed = last_feed_;
    samples.fed.push_back(*ours);
    return {};
  }

  /// The MAC swap alone and behind the feeding program that is in use now.
  Result<> measure_swap() {
    if (auto set = feeder_.call(longer_); !set) return set;
    const auto longer = feeder_.run(options_.packets);
    if (!longer) return longer.error();
    if (auto set = feeder_.call(swap_); !set) return set;
    const auto fed = feeder_.run(options_.packets);
    if (!fed) return fed.error();
    const auto alone = run_program(swap_, feeder_.frame(), options_.packets);
    if (!alone) return alone.error();
    last_feed_ = feeder_.program();
    swaps_.push_back(alone->nanoseconds);
    growing_.push_back(longer->nanoseconds - fed->nanoseconds);
    feeding_[last_feed_].push_back(fed->nanoseconds - alone->nanoseconds);
    return {};
  }

  World& world_of(const Case& measured) {
    switch (measured.kind) {
      case Kind::fresh:
        return worlds_.empty;
      case Kind::evicting:
        return worlds_.full;
      case Kind::established:
        return worlds_.established.at(measured.stream.service->vip);
      default:
        return worlds_.established.begin()->second;
    }
  }

  /// No flow that was new once is so again.
  void select_ours(const Case& measured) {
    auto stream = measured.stream;
    if (measured.kind == Kind::fresh || measured.kind == Kind::evicting) {
      stream.first_flow += next_flow_;
    }
    feeder_.select(stream);
  }

  Result<double> run_checked(const Case& measured, const World& world) {
    const auto packets = options_.packets;
    const auto before = world.counts();
    if (!before) return before.error();
    const auto outcome = feeder_.run(packets);
    if (!outcome) return outcome.error();
    if (measured.kind != Kind::established) next_flow_ += packets;
    const auto after = world.counts();
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
  Worlds worlds_;
  int swap_;
  int longer_;
  std::uint32_t next_flow_ = 0;  ///< new flows used up so far
  std::vector<Samples> samples_;
  std::vector<double> swaps_;
  std::map<int, std::vector<double>> feeding_;  ///< by feeding program: what it costs
  std::vector<double> growing_;                 ///< making a frame longer and short again
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
  const auto connections = std::max(config::Global{}.connection_table_size, 2 * std::ranges::max(options.flows));
  std::map<net::Endpoint, World> established;
  for (const auto& service : configured) {
    auto world = World::load({service}, connections, {});
    if (!world) return world.error();
    established.emplace(service.vip, std::move(*world));
  }
  auto empty = World::load(configured, config::Global{}.connection_table_size, {});
  if (!empty) return empty.error();
  auto full = World::load(configured, config::Global{}.connection_table_size, {});
  if (!full) return full.error();
  auto feeder = Feeder::load();
  if (!feeder) return feeder.error();
  const std::unique_ptr<mac_swap, DestroySwap> swap{mac_swap__open_and_load()};
  if (!swap) return fail("the kernel does not take the MAC swap: {}", forwardd::xdp::reason(errno));
  Bench bench{options, std::move(*feeder), {std::move(established), std::move(*empty), std::move(*full)}, *swap};
  auto cases = make_cases(services, options.flows);
  std::erase_if(cases, [&](const Case& each) { return each.name.find(options.only) == std::string::npos; });
  if (cases.empty()) return fail("no case has '{}' in its name", options.only);
  if (auto done = bench.prepare(configured); !done) return done;
  const auto evicting = std::ranges::find(cases, Kind::evicting, &Case::kind);
  if (evicting != cases.end()) {
    if (auto done = bench.fill(*evicting, config::Global{}.connection_table_size); !done) return done;
  }
  if (auto done = bench.measure(cases); !done) return done;
  const auto rows = bench.print(cases);
  if (!options.json.empty() && !(std::ofstream{options.json} << rows.dump(1) << std::endl)) {
    return fail("cannot write {}", options.json);
  }
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
  app.add_option("--json", options.json, "write the figures to this file, too");
  CLI11_PARSE(app, argc, argv);
  if (geteuid() != 0) {
    std::fprintf(stderr, "bench_cost loads BPF programs: run it as root\n");
    return 1;
  }
  const auto done = ballast::bench::run(options);
  if (!done) std::fprintf(stderr, "bench_cost: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
