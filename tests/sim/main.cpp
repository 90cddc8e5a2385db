// vrrp_sim: runs fault schedules against the VRRP core. Each seed is one schedule, and always the same one.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "tests/sim/world.hpp"

namespace {

using namespace ballast::vrrpd::sim;

struct Options {
  std::uint64_t schedules = 20'000;
  std::uint64_t seed = 1;
  unsigned jobs = 0;
  unsigned most_failures = 5;
  bool trace = false;
  bool expect_failure = false;
};

class Runs {
 public:
  Runs(const Options& options, std::string program) : options_{options}, program_{std::move(program)} {}

  int run() {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    const unsigned jobs = options_.trace ? 1 : options_.jobs != 0 ? options_.jobs : std::thread::hardware_concurrency();
    for (unsigned i = 0; i < std::max(jobs, 1U); ++i) threads.emplace_back([this] { work(); });
    for (auto& thread : threads) thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const auto done = std::min(next_.load(), options_.schedules);
    fmt::print("{} schedules from seed {}: {} broke a promise ({:.1f} s, {:.0f} schedules/s)\n", done, options_.seed,
               failures_.load(), took.count(), static_cast<double>(done) / took.count());
    return (failures_ > 0) == options_.expect_failure ? 0 : 1;
  }

 private:
  void work() {
    while (failures_ < (options_.expect_failure ? 1 : options_.most_failures)) {
      const auto number = next_++;
      if (number >= options_.schedules) return;
      const auto seed = options_.seed + number;
      if (const auto broken = simulate(seed)) report(seed, *broken);
    }
  }

  std::optional<std::string> simulate(std::uint64_t seed) const {
    const auto plan = make_plan(seed);
    Trace trace;
    if (options_.trace) {
      describe(plan);
      trace = [](const std::string& line) { fmt::print("{}\n", line); };
    }
    return World{plan, seed, trace}.run();
  }

  static void describe(const Plan& plan) {
    for (unsigned router = 0; router < plan.routers; ++router) {
      for (const auto& one : plan.settings[router]) {
        fmt::print("r{} {}: {} version {} priority {} every {}{}{}{}\n", router + 1, one.name, one.interface,
                   one.version, one.priority, ballast::vrrpd::describe(one.advert_interval),
                   one.preempt ? "" : " nopreempt",
                   one.preempt_delay.count() > 0
                       ? fmt::format(" preempt_delay {}", ballast::vrrpd::describe(one.preempt_delay))
                       : "",
                   one.track_interfaces.empty() ? "" : fmt::format(" up0 {}", one.track_interfaces[0].weight));
      }
    }
    fmt::print("{} segments{}, down_timer_adverts {}, calm at {}, settled at {}\n", plan.segments,
               plan.grouped ? ", one sync group" : "", plan.settings[0][0].election.down_timer_adverts,
               ballast::vrrpd::describe(plan.calm_at), ballast::vrrpd::describe(plan.settled_at));
  }

  void report(std::uint64_t seed, const std::string& broken) {
    const std::lock_guard lock{printing_};
    ++failures_;
    fmt::print("seed {}: {}\n  {} --seed {} --schedules 1 --trace\n", seed, broken, program_, seed);
  }

  const Options& options_;
  std::string program_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<unsigned> failures_{0};
  std::mutex printing_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Fault schedules against Ballast's VRRP core: every seed is one, and always the same one"};
  Options options;
  app.add_option("--schedules", options.schedules, "How many")->capture_default_str();
  app.add_option("--seed", options.seed, "The first one")->capture_default_str();
  app.add_option("--jobs", options.jobs, "Threads; 0: one for each processor")->capture_default_str();
  app.add_option("--failures", options.most_failures, "Stop after so many")->capture_default_str();
  app.add_flag("--trace", options.trace, "Print what happens");
  app.add_flag("--expect-failure", options.expect_failure, "Succeed when a promise is broken (a mutant's run)");
  CLI11_PARSE(app, argc, argv);
  return Runs{options, argv[0]}.run();
}
