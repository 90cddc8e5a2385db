#include "daemons/checkd/sources/sources.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {

SourceMemory::Now now() { return {runtime::BootClock::now(), runtime::unix_time()}; }

}  // namespace

struct Sources::Wanted {
  const config::SourceQuery& query;
  Families families;
};

struct Sources::Run {
  Run(asio::io_context& io, const Place& place, const Wanted& wanted, const LookUpSettings& settings)
      : query{wanted.query},
        families{wanted.families},
        memory{place.first, place.second, query, families},
        looker{make_looker(io.get_executor(), query, families, settings)},
        turn{io} {}
  config::SourceQuery query;
  Families families;
  SourceMemory memory;
  std::unique_ptr<Looker> looker;
  asio::steady_timer turn;  ///< until a list that waits may be taken
  asio::cancellation_signal cancel;
  bool stopped = false;
};

Sources::Sources(asio::io_context& io, SourceSink sink, LookUpSettings settings)
    : io_{io}, sink_{std::move(sink)}, settings_{std::move(settings)} {}

Sources::~Sources() { stop(); }

void Sources::recall(const bus::SourceState& kept) {
  if (!begun_) kept_.insert_or_assign(Place{kept.service, kept.number}, kept);
}

void Sources::begin() {
  if (std::exchange(begun_, true)) return;
  if (early_) apply(*std::exchange(early_, std::nullopt));
}

void Sources::apply(const config::Model& model) {
  if (!begun_) {
    early_ = model;
    return;
  }
  std::map<Place, std::shared_ptr<Run>> next;
  std::map<Place, Wanted> fresh;
  for (const auto& service : model.virtual_servers) {
    const auto families = families_of(service);
    for (unsigned number = 0; number < service.sources.size(); ++number) {
      const Place place{service.name, number};
      const Wanted wanted{service.sources[number].query, families};
      if (auto run = take_over(place, wanted))
        next.emplace(place, std::move(run));
      else
        fresh.emplace(place, wanted);
    }
  }
  for (const auto& [place, wanted] : fresh) next.emplace(place, start(place, wanted));
  for (const auto& [place, run] : runs_) {
    if (run) end(*run);
    if (!next.contains(place)) sink_.withdraw(place.first, place.second);
  }
  for (const auto& [place, state] : std::exchange(kept_, {})) {
    if (next.contains(place)) continue;
    sink_.publish(state);  // what is ours can be withdrawn
    sink_.withdraw(place.first, place.second);
  }
  runs_ = std::move(next);
}

/// The run of that query, here or at another number of the service; it leaves an empty place.
std::shared_ptr<Sources::Run> Sources::take_over(const Place& place, const Wanted& wanted) {
  const auto fits = [&](const auto& entry) {
    return entry.second && entry.first.first == place.first && entry.second->query == wanted.query &&
           entry.second->families == wanted.families;
  };
  auto found = runs_.find(place);
  if (found == runs_.end() || !fits(*found)) found = std::ranges::find_if(runs_, fits);
  if (found == runs_.end()) return nullptr;
  auto run = std::exchange(found->second, nullptr);
  if (found->first != place) {
    run->memory.renumber(place.second);
    sink_.publish(run->memory.state());
  }
  return run;
}

/// What was known at that place is kept until the new query has its answer.
std::shared_ptr<Sources::Run> Sources::start(const Place& place, const Wanted& wanted) {
  const auto run = std::make_shared<Run>(io_, place, wanted, settings_);
  if (const auto before = runs_.find(place); before != runs_.end() && before->second)
    run->memory.recall(before->second->memory.state());
  else if (const auto kept = kept_.find(place); kept != kept_.end())
    run->memory.recall(kept->second);
  sink_.publish(run->memory.state());
  asio::co_spawn(io_, look(this, run),
                 asio::bind_cancellation_slot(run->cancel.slot(), [run](const std::exception_ptr&) {}));
  return run;
}

void Sources::end(Run& run) {
  run.stopped = true;
  run.turn.cancel();
  run.cancel.emit(asio::cancellation_type::terminal);
}

void Sources::stop() {
  early_.reset();
  for (const auto& [place, run] : runs_) end(*run);
  runs_.clear();
}

asio::awaitable<void> Sources::look(Sources* self, std::shared_ptr<Run> run) {
  asio::steady_timer pause{co_await asio::this_coro::executor};
  for (;;) {
    Result<Found> found = fail("nothing");
    bool thrown = false;
    try {
      found = co_await run->looker->next();
    } catch (const std::exception& exception) {
      thrown = true;
      found = fail("{}", exception.what());
    }
    if (run->stopped) co_return;  // and self may be gone
    auto step =
        found ? run->memory.on_found(std::move(*found), now()) : run->memory.on_failure(found.error().message, now());
    self->tell(run, step);
    if (!thrown) continue;
    pause.expires_after(self->settings_.first_retry);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    if (run->stopped) co_return;
  }
}

asio::awaitable<void> Sources::wait_turn(Sources* self, std::shared_ptr<Run> run, config::Duration wait) {
  run->turn.expires_after(wait);
  const auto [error] = co_await run->turn.async_wait(asio::as_tuple(asio::use_awaitable));
  if (error || run->stopped) co_return;
  self->tell(run, run->memory.on_time(now()));
}

void Sources::tell(const std::shared_ptr<Run>& run, const SourceMemory::Step& step) {
  for (const auto& event : step.events) {
    log::write(event.severity == "warning" ? log::Level::warning : log::Level::notice, event.message);
    sink_.event(event);
  }
  if (step.publish) sink_.publish(run->memory.state());
  if (step.again) asio::co_spawn(io_, wait_turn(this, run, *step.again), asio::detached);
}

}  // namespace ballast::checkd
