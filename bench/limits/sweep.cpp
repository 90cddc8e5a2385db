// What a million connections cost that nobody uses: CPU time of the sweep, and memory.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "bench/datapath/world.hpp"
#include "daemons/forwardd/xdp/sweeper.hpp"

namespace ballast::bench {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

Result<> measure(std::uint32_t connections, unsigned runs) {
  auto world = World::load({make_service(Mode::dr, net::Family::ipv4)}, connections, {});
  if (!world) return world.error();
  const auto made = world->fill(connections);
  if (!made) return made.error();
  std::vector<std::chrono::nanoseconds> took;
  for (unsigned run = 0; run < runs; ++run) {
    const auto sweep = world->sweep();
    if (!sweep) return sweep.error();
    if (sweep->connections != *made) return fail("the sweep found {} of {} connections", sweep->connections, *made);
    took.push_back(sweep->took);
  }
  std::ranges::sort(took);
  const auto median = took[took.size() / 2];
  const auto pause = forwardd::xdp::Sweeper::pause_after(median, false);
  fmt::print(
      "sweep of {} connections: median {:.1f} ms, best {:.1f}, worst {:.1f}; every {:.1f} s: {:.2f} % of a core "
      "(limit 1 %)\n",
      *made, Milliseconds{median}.count(), Milliseconds{took.front()}.count(), Milliseconds{took.back()}.count(),
      std::chrono::duration<double>{pause}.count(),
      100.0 * static_cast<double>(median.count()) / static_cast<double>((median + pause).count()));
  double total = 0;
  for (const auto* map : {"flows", "returns", "flow_details"}) {
    const auto bytes = world->memory_of(map);
    if (!bytes) return bytes.error();
    const double each = static_cast<double>(*bytes) / connections;
    total += each;
    fmt::print("memory of {}: {:.1f} bytes for each of connection_table_size {}\n", map, each, connections);
  }
  fmt::print("memory in all: {:.1f} bytes a connection, {:.0f} MiB\n", total, total * connections / (1 << 20));
  return {};
}

}  // namespace
}  // namespace ballast::bench

int main(int argc, char** argv) {
  CLI::App app{"What connections cost that are idle"};
  std::uint32_t connections = 1'000'000;
  unsigned runs = 9;
  app.add_option("--connections", connections)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--runs", runs)->check(CLI::PositiveNumber)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (const auto done = ballast::bench::measure(connections, runs); !done) {
    fmt::print(stderr, "bench_sweep: {}\n", done.error().message);
    return 1;
  }
  return 0;
}
