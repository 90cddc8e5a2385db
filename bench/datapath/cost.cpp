// ns a packet of Ballast's XDP program by BPF_PROG_RUN, beside a bare MAC swap in the same run and Katran's published
// figures.
//
// BPF_PROG_RUN gives a program its own output again, so a feeding program writes each packet anew and calls the
// measured one. The same feeding program calling the MAC swap tells what feeding costs, and that is taken off.
#include <floor_bpf.skel.h>
#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include "bench/datapath/figures.hpp"

namespace ballast::bench {
namespace {

/// So many new connections, each from another source, leave no line of the table free.
constexpr std::uint32_t filling_turns = 5;

struct Options {
  unsigned cpu = std::max(1U, std::thread::hardware_concurrency()) - 1;
  unsigned runs = 10;
  std::uint32_t packets = 200'000;
  std::vector<std::uint32_t> flows{1, 1024, 65'536, 524'288};
  std::string only;  ///< cases whose names have this in them
  std::string json;  ///< file
};

std::string is_power_of_two(const std::string& text) {
  const auto value = std::strtoul(text.c_str(), nullptr, 10);
  return value <= FEED_MOST_FLOWS && std::has_single_bit(value) ? "" : text + " is no power of two up to 1048576";
}

struct Samples {
  std::vector<double> fed;      ///< with the feeding program
  std::vector<double> feeding;  ///< what that costs
};

class Bench {
 public:
  /// One for each service with its established connections, and two of all services.
  struct Worlds {
    std::map<const Subject*, World> established;
    World empty;
    World full;
  };
  Bench(Options options, Feeder feeder, Worlds worlds, const floor_bpf& floor)
      : options_{std::move(options)},
        feeder_{std::move(feeder)},
        worlds_{std::move(worlds)},
        swap_{bpf_program__fd(floor.progs.mac_swap)},
        longer_{bpf_program__fd(floor.progs.mac_swap_longer)},
        lookup_{bpf_program__fd(floor.progs.clock_and_lookup)} {}

  Result<> prepare(std::deque<Subject>& subjects) {
    for (auto& subject : subjects) {
      const auto world = worlds_.established.find(&subject);
      if (world == worlds_.established.end()) continue;
      auto answers = establish(feeder_, world->second, subject.service, std::ranges::max(options_.flows));
      if (!answers) return answers.error();
      subject.answers = std::move(*answers);
      if (subject.answers.empty() || subject.tells) continue;
      if (auto done = let_servers_speak(feeder_, world->second, subject.service, subject.answers); !done) return done;
    }
    return {};
  }

  /// Fills the table in which new connections have to evict others.
  Result<> fill(const Case& fresh, std::uint32_t connections) {
    if (auto set = feeder_.call(worlds_.full.program()); !set) return set;
    feeder_.select(next_of(fresh));
    const auto filled = feeder_.run(filling_turns * connections);
    next_flow_ += filling_turns * connections;
    if (!filled) return filled.error();
    return {};
  }

  /// One run of all more than is counted: the first warms up.
  Result<Figures> measure(const std::vector<Case>& cases) {
    for (unsigned run = 0; run <= options_.runs; ++run) {
      if (run <= 1) forget(cases.size());
      for (std::size_t i = 0; i < cases.size(); ++i) {
        if (auto done = measure_once(cases[i], samples_[i], run); !done)
          return fail("{}: {}", cases[i].name(), done.error().message);
      }
      const auto memory = worlds_.full.read_at_random(options_.packets);
      lines_.push_back(memory.line);
      buckets_.push_back(memory.buckets);
    }
    return figures_of(cases);
  }

 private:
  void forget(std::size_t cases) {
    samples_.assign(cases, {});
    for (auto* each : {&swaps_, &lookups_, &growing_, &lines_, &buckets_}) each->clear();
  }

  Figures figures_of(const std::vector<Case>& cases) const {
    Figures figures{.cpu = options_.cpu,
                    .runs = options_.runs,
                    .packets = options_.packets,
                    .connections = std::ranges::max(options_.flows),
                    .mac_swap = Spread::of(swaps_),
                    .clock_and_lookup = Spread::of(lookups_),
                    .line = Spread::of(lines_),
                    .buckets = Spread::of(buckets_),
                    .feeding = Spread::of(samples_.front().feeding).median,
                    .growing = Spread::of(growing_).median / 2,
                    .rows = {}};
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const double harness = Spread::of(samples_[i].feeding).median + (cases[i].grows() ? figures.growing : 0);
      auto net = samples_[i].fed;
      for (double& each : net) each -= harness;
      figures.rows.push_back({&cases[i], Spread::of(net)});
    }
    return figures;
  }

  /// The floor behind the case's own feeding, and then the case.
  Result<> measure_once(const Case& measured, Samples& samples, unsigned run) {
    select(measured, run);
    auto feeding = measure_floor();
    if (!feeding) return feeding.error();
    auto& world = world_of(measured);
    if (auto set = feeder_.call(world.program()); !set) return set;
    if (measured.kind == Kind::fresh) world.forget();
    select(measured, run);
    const auto ours = run_checked(measured, world);
    if (!ours) return ours.error();
    samples.feeding.push_back(*feeding);
    samples.fed.push_back(*ours);
    return {};
  }

  Result<double> nanoseconds_behind(int program) {
    if (auto set = feeder_.call(program); !set) return set.error();
    const auto outcome = feeder_.run(options_.packets);
    if (!outcome) return outcome.error();
    return outcome->nanoseconds;
  }

  Result<double> nanoseconds_alone(int program) const {
    const auto outcome = run_program(program, feeder_.frame(), options_.packets);
    if (!outcome) return outcome.error();
    return outcome->nanoseconds;
  }

  /// The MAC swap and its like alone and behind the feeding program; what feeding costs.
  Result<double> measure_floor() {
    const auto longer = nanoseconds_behind(longer_);
    if (!longer) return longer;
    const auto fed = nanoseconds_behind(swap_);
    if (!fed) return fed;
    const auto alone = nanoseconds_alone(swap_);
    if (!alone) return alone;
    const auto lookup = nanoseconds_alone(lookup_);
    if (!lookup) return lookup;
    swaps_.push_back(*alone);
    lookups_.push_back(*lookup);
    growing_.push_back(*longer - *fed);
    return *fed - *alone;
  }

  World& world_of(const Case& measured) {
    switch (measured.kind) {
      case Kind::fresh:
        return worlds_.empty;
      case Kind::evicting:
        return worlds_.full;
      case Kind::established:
        return worlds_.established.at(measured.subject);
      default:
        return worlds_.established.begin()->second;
    }
  }

  /// No flow that was new once is so again.
  [[nodiscard]] Stream next_of(const Case& fresh) const {
    auto stream = fresh.stream;
    stream.first_flow += next_flow_;
    return stream;
  }

  /// A run goes on where the one before ended, so that all flows have their turn.
  void select(const Case& measured, unsigned run) {
    if (measured.kind == Kind::fresh || measured.kind == Kind::evicting) {
      feeder_.select(next_of(measured));
    } else {
      feeder_.select(measured.stream, run * options_.packets);
    }
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
      return fail("{} of {} packets forwarded, {} dropped", forwarded, expected, after->drops - before->drops);
    }
    return outcome->nanoseconds;
  }

  Options options_;
  Feeder feeder_;
  Worlds worlds_;
  int swap_;
  int longer_;
  int lookup_;
  std::uint32_t next_flow_ = 0;  ///< new flows used up so far
  std::vector<Samples> samples_;
  std::vector<double> swaps_;
  std::vector<double> lookups_;
  std::vector<double> lines_;
  std::vector<double> buckets_;
  std::vector<double> growing_;  ///< making a frame longer and short again
};

struct DestroyFloor {
  void operator()(floor_bpf* skeleton) const { floor_bpf__destroy(skeleton); }
};

Result<Bench::Worlds> load_worlds(const std::deque<Subject>& subjects, const std::vector<Case>& cases,
                                  std::uint32_t connections) {
  Bench::Worlds worlds;
  std::vector<Service> services;
  for (const auto& subject : subjects) {
    if (!subject.is_configured) continue;
    if (!subject.is_extra) services.push_back(subject.service);
    const bool is_needed = worlds.established.empty() || std::ranges::any_of(cases, [&](const Case& each) {
                             return each.subject == &subject && each.kind == Kind::established;
                           });
    if (!is_needed) continue;
    auto world = World::load({subject.service}, connections, {});
    if (!world) return world.error();
    worlds.established.emplace(&subject, std::move(*world));
  }
  const auto size = config::Global{}.connection_table_size;
  for (auto* shared : {&worlds.empty, &worlds.full}) {
    auto world = World::load(services, size, {});
    if (!world) return world.error();
    *shared = std::move(*world);
  }
  return worlds;
}

Result<Figures> run(const Options& options, std::deque<Subject>& subjects, const std::vector<Case>& cases) {
  const auto size = config::Global{}.connection_table_size;
  auto worlds = load_worlds(subjects, cases, std::max(size, 2 * std::ranges::max(options.flows)));
  if (!worlds) return worlds.error();
  auto feeder = Feeder::load();
  if (!feeder) return feeder.error();
  const std::unique_ptr<floor_bpf, DestroyFloor> floor{floor_bpf__open_and_load()};
  if (!floor) return fail("the kernel does not take the floor's programs: {}", forwardd::xdp::reason(errno));
  Bench bench{options, std::move(*feeder), std::move(*worlds), *floor};
  if (auto done = bench.prepare(subjects); !done) return done.error();
  const auto evicting = std::ranges::find(cases, Kind::evicting, &Case::kind);
  if (evicting != cases.end()) {
    if (auto done = bench.fill(*evicting, size); !done) return done.error();
  }
  return bench.measure(cases);
}

Result<> measure(const Options& options) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(options.cpu, &cpus);
  if (sched_setaffinity(0, sizeof cpus, &cpus) != 0) return fail("there is no CPU {} to run on", options.cpu);
  auto subjects = make_subjects();
  auto cases = make_cases(subjects, options.flows);
  std::erase_if(cases, [&](const Case& each) { return each.name().find(options.only) == std::string::npos; });
  if (cases.empty()) return fail("no case has '{}' in its name", options.only);
  const auto figures = run(options, subjects, cases);
  if (!figures) return figures.error();
  print(*figures);
  if (options.json.empty()) return {};
  std::ofstream file{options.json};
  file << to_json(*figures) << std::flush;
  if (!file) return fail("cannot write {}", options.json);
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
  app.add_option("--json", options.json, "write the figures to this file as well");
  CLI11_PARSE(app, argc, argv);
  if (geteuid() != 0) {
    std::fprintf(stderr, "bench_cost loads BPF programs: run it as root\n");
    return 1;
  }
  const auto done = ballast::bench::measure(options);
  if (!done) std::fprintf(stderr, "bench_cost: %s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
