#include "daemons/forwardd/xdp/sweeper.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <ctime>
#include <numeric>

namespace ballast::forwardd::xdp {
namespace asio = boost::asio;
using namespace std::chrono_literals;
namespace {

constexpr std::chrono::nanoseconds period = 1s;
constexpr std::chrono::nanoseconds longest = 30s;
/// A sweep of a used table may take this part of the time, one of an empty table (whose lines are walked, too) that.
constexpr int used_share = 150;
constexpr int empty_share = 1500;

std::chrono::nanoseconds thread_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace

Sweeper::Sweeper(asio::io_context& io, const Object& object, LoadTable& load, LoadTable census,
                 std::function<std::uint32_t()> servers, Tell tell)
    : io_{io},
      timer_{io},
      object_{object},
      load_{load},
      census_{std::move(census)},
      servers_{std::move(servers)},
      tell_{std::move(tell)} {
  wait(period);
}

Sweeper::~Sweeper() {
  alive_.reset();
  timer_.cancel();
  pool_.join();
}

void Sweeper::wait(std::chrono::nanoseconds delay) {
  timer_.expires_after(delay);
  timer_.async_wait([this, alive = std::weak_ptr{alive_}](boost::system::error_code error) {
    if (!error && !alive.expired()) start();
  });
}

void Sweeper::start() {
  asio::post(pool_, [this, alive = std::weak_ptr{alive_}, program = object_.sweep.get()] {
    const auto outcome = sweep(program);
    asio::post(io_, [this, alive, outcome] {
      if (!alive.expired()) finish(outcome);
    });
  });
}

Sweeper::Outcome Sweeper::sweep(int program) {
  Outcome outcome;
  LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &outcome.result, .ctx_size_in = sizeof outcome.result);
  const auto before = thread_time();
  outcome.error = bpf_prog_test_run_opts(program, &options);
  outcome.took = thread_time() - before;
  return outcome;
}

void Sweeper::finish(const Outcome& outcome) {
  if (outcome.error != 0) {
    if (!told_failure_) {
      tell_(engine_event("error", "sweep",
                         fmt::format("cannot sweep the connection table: {}; expired entries stay until "
                                     "they are met",
                                     reason(outcome.error))));
    }
    told_failure_ = true;
    return wait(period);
  }
  told_failure_ = false;
  correct();
  warn();
  const bool empty = outcome.result.flows == 0 && outcome.result.half_open == 0;
  wait(pause_after(outcome.took, empty));
}

std::chrono::nanoseconds Sweeper::pause_after(std::chrono::nanoseconds took, bool empty) {
  return std::clamp(took * (empty ? empty_share : used_share), period, longest);
}

void Sweeper::correct() {
  const auto servers = std::min<std::size_t>(servers_(), census_.size());
  for (std::uint32_t server = 1; server < servers; ++server) {
    if (const auto difference = drift_.compare(server, census_.get(server), load_.get(server))) {
      load_.add(server, difference->active, difference->inactive);
    }
  }
}

std::vector<Sweeper::Watched> Sweeper::all_watched() {
  return {{layout::DROP_table_full, "connection_table_size",
           [](std::uint64_t count) {
             return fmt::format(
                 "the connection table is full: since the last sweep {} connections found no room; raise "
                 "connection_table_size",
                 count);
           },
           std::nullopt},
          {layout::DROP_no_local_port, "local_address_group",
           [](std::uint64_t count) {
             return fmt::format(
                 "local ports are used up: since the last sweep {} FNAT connections found none that was "
                 "free towards their server; add LIPs to the service's local_address_group",
                 count);
           },
           std::nullopt}};
}

void Sweeper::warn() {
  for (auto& watched : watched_) {
    const auto counts = object_.maps.at("drops").get_per_cpu<std::uint64_t>(watched.reason);
    if (!counts) continue;
    const auto count = std::accumulate(counts->begin(), counts->end(), std::uint64_t{0});
    const auto before = std::exchange(watched.counted, count);
    if (before && count > *before) tell_(engine_event("error", watched.subject, watched.words(count - *before)));
  }
}

}  // namespace ballast::forwardd::xdp
