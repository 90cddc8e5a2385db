#include "tests/sim/judge.hpp"

#include <algorithm>

#include "tests/sim/world.hpp"

namespace ballast::vrrpd::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration tolerance = 2ms;  ///< processes are woken up late, packets take their time

bool is_nonzero(const Received& received) { return received.priority != priority_leaving; }

}  // namespace

void Judge::begin() {
  accounts_.assign(world_.plan().routers, std::vector<Account>(world_.plan().instances));
  segments_.assign(world_.plan().instances, {});
}

Judge::Account& Judge::at(const Machine& machine, unsigned instance) { return accounts_[machine.number()][instance]; }

unsigned Judge::segment_of(unsigned instance) const { return instance % world_.plan().segments; }

void Judge::fail(std::string what) {
  if (verdict_) return;
  verdict_ = fmt::format("at {:.4f} s: {}", world_.seconds(), what);
  world_.tell("!! {}", what);
}

void Judge::fail(const Machine& machine, unsigned instance, const std::string& what) {
  fail(fmt::format("r{} VI_{} {}", machine.number() + 1, instance, what));
}

// RFC 9568 and RFC 3768 section 6.1, written down once more.
Duration Judge::skew_of(const Instance& core, Duration interval) const {
  const auto unit = core.settings().version == 2 ? Duration{1s} : interval;
  return Duration{unit.count() * (256 - core.priority()) / 256};
}

Duration Judge::wait_of(const Instance& core, Duration interval) const {
  return Duration{interval.count() * core.settings().election.down_timer_adverts} + skew_of(core, interval);
}

Duration Judge::interval_of(const Instance& core, const Account& account) const {
  return account.interval.value_or(core.settings().advert_interval);
}

// --- what a router hears ---------------------------------------------------------------------------------------------

void Judge::heard(const Machine& machine, unsigned instance, const Received& received) {
  auto& account = at(machine, instance);
  const auto& core = *machine.instance(instance);
  const auto own = address_of(machine.number(), segment_of(instance), core.settings().family);
  account.received = received;
  account.before = account.role;
  account.wins = is_nonzero(received) && (received.priority > core.priority() ||
                                          (received.priority == core.priority() && received.source > own));
  account.loses = !account.wins;
  if (account.role != Role::backup) return;
  const auto now = machine.clock();
  if (!is_nonzero(received)) {
    if (account.follows && account.follows != received.source) return;
    const auto until = now + skew_of(core, interval_of(core, account));
    const bool running = account.left_until && *account.left_until > now;
    account.left_until = running ? std::min(*account.left_until, until) : until;
    return expect_takeover(machine, instance);
  }
  bear_with(core, account, now);
}

/// Whoever beats is not dead. The link of the instance itself may be whole or not: of two masters the lower one yields.
void Judge::heard(const Machine& machine, unsigned instance, const HeartbeatHeard& beat) {
  auto& account = at(machine, instance);
  const auto& core = *machine.instance(instance);
  account.beat = beat;
  account.before = account.role;
  account.beat_wins = beat.priority > core.priority();
  if (beat.priority == priority_leaving) return left_on_heartbeat(machine, instance);
  const Duration interval = core.settings().version == 3 ? beat.interval : Duration{core.settings().advert_interval};
  account.beats[beat.source] = {beat.priority, machine.clock(), wait_of(core, interval)};
}

void Judge::left_on_heartbeat(const Machine& machine, unsigned instance) {
  auto& account = at(machine, instance);
  const auto& core = *machine.instance(instance);
  const auto known = account.beats.find(account.beat->source);
  if (known == account.beats.end()) return;
  const auto now = machine.clock();
  const bool followed = known->second.priority == account.followed_priority || now - account.sign >= account.least_wait;
  account.beats.erase(known);
  if (account.role != Role::backup || !followed) return;
  const auto until = now + skew_of(core, interval_of(core, account));
  account.may_from = std::min(account.may_from.value_or(until), until);
}

/// A master that was heard puts the takeover off, unless it is to be preempted now.
void Judge::bear_with(const Instance& core, Account& account, TimePoint now) {
  const auto& settings = core.settings();
  const auto& received = *account.received;
  account.follows = received.source;
  account.followed_priority = received.priority;
  if (settings.preempt && received.priority < core.priority()) {
    if (!account.lower_since) account.lower_since = now;
    if (now >= *account.lower_since + settings.preempt_delay) return;
  } else {
    account.lower_since.reset();
  }
  account.sign = now;
  account.left_until.reset();
  account.may_from.reset();
  if (settings.version == 3) account.interval = received.interval;
  account.least_wait = wait_of(core, interval_of(core, account));
}

/// Priority 0 leaves the skew time, not more, unless another master is heard or the machine is disturbed.
void Judge::expect_takeover(const Machine& machine, unsigned instance) {
  if (world_.plan().grouped) return;
  const auto& account = at(machine, instance);
  const auto left = *account.left_until;
  const auto troubles = world_.troubles();
  world_.check_later(world_.time() + (left - machine.clock()) + tolerance, [this, &machine, instance, left, troubles] {
    const auto& now = at(machine, instance);
    if (world_.troubles() != troubles || now.left_until != left || now.role != Role::backup) return;
    fail(machine, instance, "is still BACKUP though the skew time after priority 0 is over");
  });
}

// --- what it does ----------------------------------------------------------------------------------------------------

void Judge::acted(const Machine& machine, unsigned instance, const Action& action) {
  if (const auto* send = std::get_if<SendAdvertisement>(&action)) count(machine, instance, *send);
  if (const auto* change = std::get_if<Become>(&action)) changed(machine, instance, *change);
  if (const auto* burst = std::get_if<AnnounceAddresses>(&action)) announced(machine, instance, *burst);
  if (std::holds_alternative<ReleaseAddresses>(action)) released(machine, instance);
  if (const auto* note = std::get_if<Note>(&action)) {
    world_.tell("r{} VI_{} note: {}", machine.number() + 1, instance, note->text);
  }
  if (const auto* timer = std::get_if<SetTimer>(&action); timer != nullptr && timer->at < machine.clock()) {
    fail(machine, instance, "sets a timer in the past");
  }
}

void Judge::count(const Machine& machine, unsigned instance, const SendAdvertisement& action) {
  auto& account = at(machine, instance);
  if (++account.sent > 1) fail(machine, instance, "advertises twice about one event");
  if (watching_) ++account.sent_in_watch;
  const auto priority = priority_of(machine, instance);
  if (action.priority != priority && action.priority != priority_leaving) {
    fail(machine, instance, fmt::format("advertises {}, its priority is {}", action.priority, priority));
  }
  if (action.priority != priority_leaving) check_voice(machine, instance);
  account.stood_until.reset();
  world_.tell("r{} VI_{} advertises {}", machine.number() + 1, instance, action.priority);
}

unsigned Judge::priority_of(const Machine& machine, unsigned instance) {
  const auto& settings = machine.instance(instance)->settings();
  int sum = settings.priority;
  if (sum == priority_owner) return priority_owner;
  for (const auto& track : settings.track_interfaces) {
    if ((track.weight > 0) == machine.tracked_is_up()) sum += track.reverse ? -track.weight : track.weight;
  }
  return static_cast<unsigned>(std::clamp(sum, 1, int{priority_highest_backup}));
}

/// After a pause in which another may have taken over, a MASTER listens for its skew time, unless it is spoken to.
void Judge::check_voice(const Machine& machine, unsigned instance) {
  const auto& account = at(machine, instance);
  const auto& core = *machine.instance(instance);
  const bool spoken_to = account.received || account.beat;
  if (account.role != Role::master || account.became_master || spoken_to || !account.stood_until) return;
  const auto now = machine.clock();
  const Duration interval = core.settings().advert_interval;
  if (now - *account.stood_until < std::min(account.listen, skew_of(core, interval))) {
    fail(machine, instance, fmt::format("speaks {} after a pause", describe(now - *account.stood_until)));
  }
}

void Judge::changed(const Machine& machine, unsigned instance, const Become& change) {
  auto& account = at(machine, instance);
  const auto& core = *machine.instance(instance);
  world_.tell("r{} VI_{} {} -> {} ({})", machine.number() + 1, instance, change.from, change.to, change.reason);
  if (watching_) fail(machine, instance, fmt::format("becomes {} though nothing happened", change.to));
  const auto now = machine.clock();
  if (change.to == Role::master) check_takeover(machine, instance, change);
  if (change.from == Role::master) {
    account.stepped_down = world_.troubles();
    if (change.to == Role::backup) check_yield(machine, instance);
    if (!is_calm(instance) || change.to != Role::backup) segments_[instance].excused = true;
  }
  ++segments_[instance].changes;
  account.role = change.to;
  account.interval.reset();
  account.left_until.reset();
  account.may_from.reset();
  account.lower_since.reset();
  account.follows.reset();
  account.sign = now;
  account.rival_heard = {};
  if (change.to == Role::backup && account.received && is_nonzero(*account.received)) bear_with(core, account, now);
  account.least_wait = wait_of(core, interval_of(core, account));
  if (change.to != Role::master) return;
  account.became_master = true;
  if (masters(instance).size() > 1) expect_one_master(instance);
}

/// MASTER is who was a moment ago, who owns the addresses, or who heard no other for long enough.
void Judge::check_takeover(const Machine& machine, unsigned instance, const Become& change) {
  const auto& account = at(machine, instance);
  const auto& core = *machine.instance(instance);
  const auto now = machine.clock();
  if (change.from == Role::init && goes_on(machine, instance)) return;
  if (core.priority() == priority_owner && !world_.plan().grouped && change.from != Role::backup) return;
  if (core.priority() == priority_owner && world_.plan().grouped) return;
  if (change.from != Role::backup) return fail(machine, instance, fmt::format("becomes MASTER from {}", change.from));
  if (account.left_until && now >= *account.left_until) return;
  if (account.may_from && now >= *account.may_from) return;
  const bool beats = std::ranges::any_of(
      account.beats, [&](const auto& each) { return now < each.second.last + each.second.patience; });
  if (beats && !account.lower_since && !account.left_until && !account.may_from)
    fail(machine, instance, "takes over from a master that beats");
  const auto waited = now - account.sign;
  if (machine.has_unread()) fail(machine, instance, "takes over while advertisements wait unread");
  if (account.stood_until && now - *account.stood_until < interval_of(core, account)) {
    fail(machine, instance, "takes a pause of its own for its master's silence");
  }
  if (waited < account.least_wait) {
    fail(machine, instance,
         fmt::format("takes over after {} of silence, {} are due", describe(waited), describe(account.least_wait)));
  }
}

/// It was MASTER until shortly before the process that runs was started.
bool Judge::goes_on(const Machine& machine, unsigned instance) const {
  const auto& core = *machine.instance(instance);
  const auto heritage = machine.heritage(instance);
  const auto down = wait_of(core, core.settings().advert_interval);
  return heritage.role == Role::master && heritage.silence < down;
}

void Judge::check_yield(const Machine& machine, unsigned instance) {
  auto& account = at(machine, instance);
  account.yielded = true;
  if (account.received && account.wins) return;
  const auto& core = *machine.instance(instance);
  const auto& settings = core.settings();
  const auto& beat = account.beat;
  const bool tie = beat && beat->priority == core.priority() && beat->source > beat->own;
  if (beat && (account.beat_wins || (tie && !is_calm(instance)))) return;
  const bool patient = !settings.preempt || settings.preempt_delay > config::Duration{};
  const bool heard = account.received ? is_nonzero(*account.received) : beat && beat->priority != priority_leaving;
  if (heard && patient && account.lapsed) return;
  const auto& all = accounts_[machine.number()];
  const bool with_group = world_.plan().grouped && std::ranges::any_of(all, [&](const Account& other) {
                            return &other != &account && other.yielded;
                          });
  if (!with_group) fail(machine, instance, "yields, and to nobody");
}

void Judge::announced(const Machine& machine, unsigned instance, const AnnounceAddresses& action) {
  if (action.repeat == 0) return;
  auto& account = at(machine, instance);
  if (account.role != Role::master) return fail(machine, instance, "announces the addresses and is not MASTER");
  account.burst = true;
  account.announced = world_.time();
  if (!machine.link_is_up(segment_of(instance))) return;
  segments_[instance].arp = machine.number();
  segments_[instance].excused = false;
  world_.tell("r{} VI_{} announces", machine.number() + 1, instance);
}

/// In a whole network nobody sends to a router whose addresses have just gone.
void Judge::released(const Machine& machine, unsigned instance) {
  const auto& account = at(machine, instance);
  const auto& segment = segments_[instance];
  world_.tell("r{} VI_{} releases the addresses", machine.number() + 1, instance);
  if (account.role == Role::master) fail(machine, instance, "releases its addresses as MASTER");
  if (account.role == Role::fault || segment.arp != machine.number()) return;
  if (!same_intervals(instance) || account.stepped_down != world_.troubles() || !is_calm(instance)) return;
  // A stop waits for any other router. Who yielded did so to one that may have died since.
  const bool stopped = account.role == Role::init;
  const bool another = std::ranges::any_of(world_.machines(), [&](const auto& other) {
    return other.get() != &machine && is_eligible(*other, instance) &&
           (stopped || other->instance(instance)->role() == Role::master);
  });
  if (another) fail(machine, instance, "releases its addresses while clients still send to it");
}

// --- after an event --------------------------------------------------------------------------------------------------

void Judge::handled(const Machine& machine) {
  for (unsigned i = 0; i < accounts_[machine.number()].size(); ++i) check_event(machine, i);
  if (world_.plan().grouped) check_group(machine);
}

void Judge::check_event(const Machine& machine, unsigned instance) {
  auto& account = at(machine, instance);
  const auto* core = machine.instance(instance);
  if (core == nullptr) return;
  if (account.role == Role::backup) {
    account.least_wait = std::min(account.least_wait, wait_of(*core, interval_of(*core, account)));
  }
  const auto& settings = core->settings();
  if (account.became_master && !account.burst && account.role == Role::master) {
    fail(machine, instance, "becomes MASTER and does not announce it");
  }
  if (account.role == Role::master && !machine.holds(instance)) fail(machine, instance, "is MASTER without addresses");
  if (account.received && account.before == Role::master) {
    if (account.wins && account.role == Role::master) fail(machine, instance, "does not yield to a better master");
    if (account.loses && account.role == Role::master) {
      account.rival_heard = world_.time();
      const bool must = !is_nonzero(*account.received) || !settings.election.lower_prio_no_advert;
      if (must && account.sent == 0) fail(machine, instance, "does not answer a losing advertisement");
    }
  }
  if (account.beat && account.beat_wins && account.before == Role::master && account.role == Role::master) {
    fail(machine, instance, "does not yield to a better master that beats");
  }
  if (account.sent > 0) account.lapsed = false;
  account.received.reset();
  account.beat.reset();
  account.before = account.role;
  account.sent = 0;
  account.became_master = account.burst = account.yielded = false;
}

void Judge::check_group(const Machine& machine) {
  const auto& all = accounts_[machine.number()];
  if (machine.is_dead() || !machine.is_running()) return;
  const auto masters = std::ranges::count(all, Role::master, &Account::role);
  if (masters == 0 || masters == static_cast<std::ptrdiff_t>(all.size())) return;
  fail(fmt::format("the group of r{} is torn: {} of {} are MASTER", machine.number() + 1, masters, all.size()));
}

void Judge::died(const Machine& machine) {
  for (unsigned i = 0; i < segments_.size(); ++i) {
    if (at(machine, i).role == Role::master) segments_[i].excused = true;
    at(machine, i) = {};
  }
}

void Judge::stood_still(const Machine& machine, Duration length) {
  for (unsigned i = 0; i < segments_.size(); ++i) {
    auto& account = at(machine, i);
    account.lapsed = true;
    const auto* core = machine.instance(i);
    if (core == nullptr) continue;
    // Whatever was due when it began is overdue by more than any limit now.
    const Duration interval = interval_of(*core, account);
    if (length > 2 * wait_of(*core, interval) + interval) account.stood_until = machine.clock();
    account.listen = skew_of(*core, core->settings().advert_interval);
  }
}

void Judge::trouble_ended() {
  for (unsigned i = 0; i < segments_.size(); ++i) expect_one_master(i);
}

/// Two masters that hear each other are one again within the longest interval.
void Judge::expect_one_master(unsigned instance) {
  const auto troubles = world_.troubles();
  const auto bound = world_.plan().interval + 4 * world_.plan().delay + tolerance;
  const auto changes = segments_[instance].changes;
  world_.check_later(world_.time() + bound, [this, instance, troubles, changes] {
    if (world_.troubles() != troubles || segments_[instance].changes != changes) return;
    if (!is_calm(instance)) return;
    if (masters(instance).size() > 1) fail(fmt::format("VI_{} has two masters that hear each other", instance));
  });
}

bool Judge::same_intervals(unsigned instance) const {
  return std::ranges::all_of(world_.machines(), [&](const auto& machine) {
    const auto& first = world_.machines().front()->settings();
    return machine->settings()[instance].advert_interval == first[instance].advert_interval;
  });
}

bool Judge::is_calm(unsigned instance) const {
  const auto& plan = world_.plan();
  for (unsigned segment = 0; segment < plan.all_segments(); ++segment) {
    const bool counts = plan.grouped || segment == segment_of(instance) || segment == plan.segments;
    if (counts && !world_.is_calm(segment)) return false;
  }
  return true;
}

std::vector<const Machine*> Judge::masters(unsigned instance) const {
  std::vector<const Machine*> found;
  for (const auto& machine : world_.machines()) {
    const auto* core = machine->instance(instance);
    if (core != nullptr && core->role() == Role::master && !machine->is_paused()) found.push_back(machine.get());
  }
  return found;
}

// --- the end ---------------------------------------------------------------------------------------------------------

void Judge::watch() {
  watching_ = true;
  watching_since_ = world_.time();
}

void Judge::finish() {
  for (unsigned i = 0; i < segments_.size(); ++i) check_end(i);
}

bool Judge::is_eligible(const Machine& machine, unsigned instance) const {
  if (!machine.is_running()) return false;
  const auto role = machine.instance(instance)->role();
  return role == Role::master || role == Role::backup;
}

bool Judge::may_preempt(const Machine& challenger, const Machine& master, unsigned instance) const {
  const auto better = [&](unsigned i) {
    const auto& mine = *challenger.instance(i);
    return mine.settings().preempt && mine.priority() > master.instance(i)->priority();
  };
  if (!world_.plan().grouped) return better(instance);
  for (unsigned i = 0; i < segments_.size(); ++i) {
    if (!better(i)) return false;
  }
  return true;
}

void Judge::check_end(unsigned instance) {
  const auto found = masters(instance);
  std::vector<const Machine*> eligible;
  for (const auto& machine : world_.machines()) {
    if (is_eligible(*machine, instance)) eligible.push_back(machine.get());
    if (machine->holds(instance) && std::ranges::find(found, machine.get()) == found.end() && !machine->is_dead()) {
      fail(*machine, instance, "still holds the addresses");
    }
  }
  if (found.size() != (eligible.empty() ? 0 : 1)) {
    return fail(fmt::format("VI_{} has {} masters in the end, {} routers could be it", instance, found.size(),
                            eligible.size()));
  }
  if (found.empty()) return;
  const auto& master = *found.front();
  for (const auto* other : eligible) {
    if (other != &master && may_preempt(*other, master, instance)) {
      fail(*other, instance, fmt::format("should be MASTER instead of r{}", master.number() + 1));
    }
  }
  const auto& account = at(master, instance);
  if (account.announced < account.rival_heard) {
    fail(master, instance, "heard another master and has not announced the addresses since");
  }
  const auto& segment = segments_[instance];
  if (!segment.excused && segment.arp != master.number()) {
    fail(master, instance, "is MASTER, but clients send to another");
  }
  const auto watched = world_.time() - watching_since_;
  const Duration interval = master.instance(instance)->settings().advert_interval;
  const auto due = watched / interval;
  const auto most = watched / (interval - interval / early_advertisement_part) + 1;
  const auto sent = static_cast<std::int64_t>(account.sent_in_watch);
  if (sent < due - 1 || sent > most) {
    fail(master, instance, fmt::format("sent {} advertisements where {} are due", sent, due));
  }
}

}  // namespace ballast::vrrpd::sim
