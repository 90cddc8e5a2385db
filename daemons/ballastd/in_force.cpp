// How the Node puts a configuration in force: one at a time, whatever asks for it.
#include <algorithm>

#include "common/runtime/clock.hpp"
#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"
#include "daemons/ballastd/model_diff.hpp"
#include "daemons/ballastd/node.hpp"

namespace ballast::ballastd {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::size_t most_intents = 1'000;
constexpr double soon = 10;  ///< seconds until what daemons refused is tried again

template <class Store>
void read_store(const std::filesystem::path& file, const char* what, Store& store) {
  if (!std::filesystem::exists(file)) return;
  const auto kept = runtime::read_json(file);
  auto read = kept ? Store::from_json(*kept) : kept.error();
  if (read)
    store = std::move(*read);
  else
    log::error("{} are lost: {}: {}", what, file.string(), read.error().message);
}

}  // namespace

/// The changes and the servers found that outlived our predecessor, on top of the file.
void Node::read_changes() {
  read_store(state_file("changes.json"), "the operators' changes", changes_);
  read_store(state_file("sources.json"), "the servers that sources found", found_);
  const auto before = changes_.to_json();
  for (const auto& over : changes_.end(runtime::unix_time()))
    log::notice("{}: {} by {}: its time is over", over.amendment.service, config::in_words(over.amendment), over.by);
  auto next = plan(file_, changes_, found_);
  settle(next);
  model_ = next.result.model;
  changes_ = std::move(next.changes);
  left_out_ = std::move(next.result.left_out);
  for (const auto& line : left_out_) log::warning("{}", line);
  if (changes_.to_json() == before) return;
  const auto kept =
      runtime::write_json(state_file("changes.json"), changes_.to_json(), runtime::Durability::power_loss);
  if (!kept) log::error("{}", kept.error().message);
}

/// One after another. Who asks while too many wait is told so.
void Node::intend(Intent intent, const Answer& answer) {
  if (intents_.size() >= most_intents) return answer(fail("{} changes wait already; try again", intents_.size()));
  intents_.push_back(std::move(intent));
  work_.cancel();
}

asio::awaitable<void> Node::carry_out() {
  for (;;) {
    while (!intents_.empty()) {
      const auto intent = std::move(intents_.front());
      intents_.pop_front();
      co_await intent();
    }
    work_.expires_at(asio::steady_timer::time_point::max());
    co_await work_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

Node::Plan Node::plan(ModelPointer file, ChangeStore changes, FoundStore found) {
  auto result = effective(file, changes.changes(), found.found());
  return {std::move(file), std::move(changes), std::move(found), std::move(result)};
}

asio::awaitable<Result<>> Node::offer(ModelPointer model) {
  struct Waiting {
    asio::steady_timer timer;
    std::optional<Result<>> outcome;
  };
  const auto waiting = std::make_shared<Waiting>(Waiting{asio::steady_timer{io_}, std::nullopt});
  waiting->timer.expires_at(asio::steady_timer::time_point::max());
  server_->broker().offer(*model, [waiting](const Result<>& outcome) {
    waiting->outcome = outcome;
    waiting->timer.cancel();
  });
  while (!waiting->outcome) co_await waiting->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return *waiting->outcome;
}

/// What has changed, in words, once all daemons have taken it.
asio::awaitable<Result<std::vector<std::string>>> Node::put_in_force(Plan plan, InForce how) {
  const auto model = plan.result.model;
  const bool differs = model != model_ && !(*model == *model_);
  if (differs || how.always) {
    const auto outcome = co_await offer(model);
    if (!outcome) co_return outcome.error();
  }
  settle(plan);
  const auto changes = plan.changes.to_json();
  if (changes != changes_.to_json()) {
    const auto kept = runtime::write_json(state_file("changes.json"), changes, runtime::Durability::power_loss);
    if (!kept && how.keep) {
      const auto back = co_await offer(model_);
      if (!back) log::error("{}", back.error().message);
      co_return fail("it would not outlive a restart, so it is not done: {}", kept.error().message);
    }
    if (!kept) log::error("{}", kept.error().message);
  }
  auto lines = differs ? diff(*model_, *model) : std::vector<std::string>{};
  adopt(std::move(plan));
  co_return lines;
}

/// Forgets changes that mean nothing any more.
void Node::settle(Plan& plan) {
  for (const auto& fate : plan.result.changes) {
    const auto* change = plan.changes.find(fate.number);
    if (change == nullptr) continue;
    if (fate.fate == Fate::applied) {
      plan.changes.set_weight_before(fate.number, fate.weight_before);
      continue;
    }
    if (fate.fate == Fate::impossible)
      log::notice("{}: what {} changed is forgotten ({}): {}", change->amendment.service, change->by,
                  config::in_words(change->amendment), fate.why);
    plan.changes.drop([&](const auto& each) { return each.number == fate.number; });
  }
}

void Node::adopt(Plan plan) {
  auto& broker = server_->broker();
  file_ = std::move(plan.file);
  model_ = std::move(plan.result.model);
  const auto before = std::exchange(changes_, std::move(plan.changes));
  for (const auto& change : before.changes()) {
    if (changes_.find(change.number) == nullptr) broker.withdraw(bus::change_topic(change.number));
  }
  for (const auto& change : changes_.changes()) broker.publish(bus::change_topic(change.number), change);
  const bool forgot = plan.found.forget_unknown(*model_);
  if (forgot || plan.found.found() != found_.found()) {
    const auto kept =
        runtime::write_json(state_file("sources.json"), plan.found.to_json(), runtime::Durability::until_reboot);
    if (!kept) log::error("{}", kept.error().message);
  }
  found_ = std::move(plan.found);
  for (const auto& line : plan.result.left_out) {
    if (std::ranges::find(left_out_, line) == left_out_.end()) log::warning("{}", line);
  }
  left_out_ = std::move(plan.result.left_out);
  forget_what_is_gone();
  if (family_) family_->set_patience(patience_of(*model_));
  await_ends();
  published("source/");  // what a source said of a configuration before it was in force
}

void Node::published(const std::string& topic) {
  if (!topic.starts_with("source/") || sources_changed_) return;
  sources_changed_ = true;
  intend([this] { return look_at_sources(); }, [this](const Result<json>&) { sources_changed_ = false; });
}

/// Takes over what sources say now.
asio::awaitable<void> Node::look_at_sources() {
  constexpr std::size_t enough_lines = 10;
  sources_changed_ = false;
  auto found = found_;
  bool changed = false;
  const auto& retained = server_->broker().retained();
  for (const auto& topic : retained.below("source/")) {
    if (const auto said = bus::decode<bus::SourceState>(retained.value(topic))) changed |= found.take(*model_, *said);
  }
  if (!changed) co_return;
  auto next = plan(file_, changes_, std::move(found));
  const auto outcome = co_await put_in_force(std::move(next), {});
  if (!outcome) {
    tell("error", "config", "", fmt::format("what sources found is not taken over: {}", outcome.error().message));
    co_return;
  }
  for (std::size_t i = 0; i < std::min(outcome->size(), enough_lines); ++i)
    tell("notice", "service", "", fmt::format("by its source: {}", (*outcome)[i]));
  if (outcome->size() > enough_lines)
    tell("notice", "service", "", fmt::format("by sources: {} more changes", outcome->size() - enough_lines));
}

/// Operators' words about servers whose time is up.
void Node::end_admin() {
  const auto over = admin_.end(runtime::unix_time());
  for (const auto& word : over) {
    server_->broker().withdraw(admin_topic(word));
    tell("notice", "service", word.server,
         fmt::format("{}: server {} enabled: {} {} it for this long", word.service, word.server, word.by,
                     word.state == bus::AdminState::drain ? "drained" : "disabled"));
  }
  if (!over.empty()) {
    const auto kept = runtime::write_json(admin_file(), admin_.to_json(), runtime::Durability::power_loss);
    if (!kept) log::error("{}", kept.error().message);
  }
  await_ends();
}

void Node::await_ends(double least) {
  auto end = admin_.next_end();
  const auto other = changes_end_ ? std::nullopt : changes_.next_end();
  if (other && (!end || *other < *end)) end = other;
  if (!end) {
    end_timer_.cancel();
    return;
  }
  // The wall clock may be set: looked at anew once a minute.
  const auto wait = std::clamp(*end - runtime::unix_time(), least, 60.0);
  end_timer_.expires_after(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>{wait + 0.001}));
  end_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    const auto now = runtime::unix_time();
    if (!changes_end_ && changes_.next_end().value_or(now + 1) <= now) {
      changes_end_ = true;
      intend([this] { return end_changes(); }, [this](const Result<json>&) { changes_end_ = false; });
    }
    end_admin();
  });
}

asio::awaitable<void> Node::end_changes() {
  auto changes = changes_;
  const auto over = changes.end(runtime::unix_time());
  auto next = plan(file_, std::move(changes), found_);
  const auto outcome = co_await put_in_force(std::move(next), {});
  changes_end_ = false;
  if (!outcome) {
    tell("error", "config", "", fmt::format("changes whose time is over stay: {}", outcome.error().message));
    await_ends(soon);
    co_return;
  }
  await_ends();
  for (const auto& change : over) {
    const auto& about = change.amendment;
    tell("notice", "service", config::is_about_server(about.kind) ? about.server.to_string() : about.service,
         fmt::format("{}: {} by {}: its time is over", about.service, config::in_words(about), change.by));
  }
}

}  // namespace ballast::ballastd
