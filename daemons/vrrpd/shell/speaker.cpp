#include "daemons/vrrpd/shell/speaker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "common/runtime/log.hpp"
#include "daemons/vrrpd/protocol/sync_group.hpp"

namespace ballast::vrrpd {
namespace {

constexpr Duration refusal_log_interval = std::chrono::minutes{1};

bool may_concern_group(const Event& event, Role before, const Instance& core) {
  if (before != core.role()) return true;
  const auto* expired = std::get_if<Expired>(&event);
  if (expired != nullptr) return expired->timer == Timer::master_down;
  return !std::holds_alternative<Received>(event);
}

}  // namespace

Router::Router(std::uint32_t number, config::VrrpInstance configured)
    : id{number}, config{std::move(configured)}, core{config}, since{runtime::unix_time()} {}

Speaker::Speaker(boost::asio::io_context& io, std::filesystem::path run_dir, Outlet outlet)
    : io_{io},
      run_dir_{std::move(run_dir)},
      outlet_{std::move(outlet)},
      timers_{io, [this](auto owner, auto timer, auto generation) { expired(owner, timer, generation); }} {}

Speaker::~Speaker() = default;

Result<std::unique_ptr<Speaker>> Speaker::open(boost::asio::io_context& io, std::filesystem::path run_dir,
                                               Outlet outlet) {
  std::unique_ptr<Speaker> speaker{new Speaker{io, std::move(run_dir), std::move(outlet)}};
  if (auto done = speaker->prepare(); !done) return done.error();
  return speaker;
}

Result<> Speaker::prepare() {
  auto host = Host::open(io_, {[this](const auto& interface) { link_changed(interface); },
                               [this](const auto& address, bool removed) { address_changed(address, removed); },
                               [this] {
                                 for (auto& [name, router] : routers_) {
                                   tell_links(*router);
                                   tell_source(*router);
                                 }
                                 schedule_repair();
                               }});
  if (!host) return host.error();
  host_ = std::move(*host);
  keeper_ = std::make_unique<AddressKeeper>(*host_);
  auto kernel = KernelKeeper::open(io_, *host_, run_dir_, [this] { schedule_repair(); });
  if (!kernel) return kernel.error();
  kernel_ = std::move(*kernel);
  auto announcer = Announcer::open(io_);
  if (!announcer) return announcer.error();
  announcer_ = std::move(*announcer);
  auto life = SignOfLife::open(run_dir_);
  if (!life) return life.error();
  life_ = std::move(*life);
  last_life_ = life_->last();
  if (auto state = read_state(run_dir_)) before_ = std::move(*state);
  if (before_) {
    for (const auto& instance : before_->instances) keeper_->know(all_addresses(instance.settings));
    know_kernel(*before_);
  }
  return {};
}

bool Speaker::was_interrupted() const {
  if (!before_) return false;
  return std::ranges::any_of(before_->instances, [](const auto& instance) { return instance.role != Role::init; });
}

nlohmann::json Speaker::counters() const {
  auto all = nlohmann::json::object();
  for (const auto& [name, router] : routers_) {
    const auto& counters = router->counters;
    auto refused = nlohmann::json::object();
    for (std::size_t i = 0; i < refused_count; ++i) {
      refused[std::string{name_of(static_cast<Refused>(i))}] = counters.refused[i];
    }
    all[name] = {{"sent", counters.sent},
                 {"received", counters.received},
                 {"checksum_message", counters.checksum_message},
                 {"checksum_pseudo_header", counters.checksum_pseudo_header},
                 {"refused", std::move(refused)}};
  }
  return all;
}

// --- events
// -----------------------------------------------------------------------------------------------------------

void Speaker::dispatch(Router& router, const Event& event) {
  const auto before = router.core.role();
  const auto now = runtime::BootClock::now();
  life_->give(now);
  for (const auto& action : router.core.on(event, now)) {
    std::visit([&](const auto& what) { perform(router, what); }, action);
  }
  if (router.group != nullptr && may_concern_group(event, before, router.core)) settle(router, before);
  if (router.told_master != router.core.master() || router.told_reason != router.core.reason()) publish(router);
}

void Speaker::settle(Router& router, Role before) {
  const auto& group = *router.group;
  std::vector<const Instance*> members;
  std::size_t changed = 0;
  for (const auto* member : group.members) {
    if (member == &router) changed = members.size();
    members.push_back(&member->core);
  }
  for (const auto& [member, order] : consequences(group.name, members, changed, before)) {
    dispatch(*group.members[member], order);
  }
}

void Speaker::expired(std::uint32_t owner, Timer timer, std::uint64_t generation) {
  const auto found = by_id_.find(owner);
  if (found == by_id_.end()) return;
  auto& router = *found->second;
  // After a stall the master's advertisements may wait unread: silence is concluded only when there are none.
  if (timer == Timer::master_down && router.port->socket) router.port->socket->drain();
  dispatch(router, Expired{timer, generation});
}

void Speaker::received(Port& port, const Datagram& datagram) {
  const auto vrid = peek_vrid(datagram.payload);
  if (!vrid || port.routers[*vrid] == nullptr) return;  // another group of routers on the same segment
  auto& router = *port.routers[*vrid];
  const auto& settings = router.core.settings();
  const bool unicast = !settings.unicast_peers.empty();
  if (datagram.destination.is_multicast() == unicast) return;
  const auto decoded = decode(datagram, {settings.version, settings.virtual_router_id,
                                         std::chrono::duration_cast<Duration>(settings.advert_interval), !unicast});
  if (!decoded) return refuse(router, decoded.error());
  ++router.counters.received;
  if (settings.version == 3 && settings.family == net::Family::ipv4) {
    ++(decoded->checksum == ChecksumForm::message ? router.counters.checksum_message
                                                  : router.counters.checksum_pseudo_header);
  }
  dispatch(router, Received{decoded->priority, decoded->interval, datagram.source});
}

void Speaker::refuse(Router& router, const Refusal& refusal) {
  const auto check = static_cast<std::size_t>(refusal.check);
  ++router.counters.refused[check];
  const auto now = runtime::BootClock::now();
  auto& logged = router.refusal_logged[check];
  if (logged != TimePoint{} && now - logged < refusal_log_interval) return;
  logged = now;
  log::warning("{}: advertisement refused: {}", router.config.name, refusal.message);
}

void Speaker::link_changed(const std::string& interface) {
  for (auto& [key, port] : ports_) {
    if (key.first == interface) open_port(*port);
  }
  for (auto& [name, router] : routers_) {
    tell_links(*router);
    tell_source(*router);
  }
  schedule_repair();
}

void Speaker::address_changed(const netlink::Address& address, bool removed) {
  if (kernel_->has_routes() || (removed && keeper_->wants(address))) schedule_repair();
  if (address.protocol == netlink::ballast_address_protocol) return;
  for (auto& [name, router] : routers_) tell_source(*router);
}

void Speaker::schedule_repair() {
  if (std::exchange(repair_scheduled_, true)) return;
  boost::asio::post(io_, [this] {
    repair_scheduled_ = false;
    repair();
  });
}

void Speaker::repair() {
  if (const auto done = host_->read(); !done) return log::error("{}", done.error().message);
  repair_links();
  for (auto& [name, router] : routers_) {
    if (!router->put) continue;
    const auto added = keeper_->put(tracked_addresses(router->config));
    if (added.empty()) continue;
    const auto text = fmt::format("{}: {} had been removed by someone else: put back", name, fmt::join(added, ", "));
    log::warning("{}", text);
    outlet_.event({runtime::unix_time(), "vrrpd", "vrrp", name, text, "warning"});
    perform(*router, AnnounceAddresses{1});
  }
  sync_kernel();
  keeper_->sweep();
}

// --- actions
// ----------------------------------------------------------------------------------------------------------

void Speaker::perform(Router& router, const SendAdvertisement& action) {
  const auto& settings = router.core.settings();
  const auto& source = router.core.source();
  if (!source || !router.out->socket) return;
  const auto form = settings.v3_checksum_as_v2 ? ChecksumForm::message : ChecksumForm::pseudo_header;
  const auto group = multicast_group(settings.family);
  const std::span<const net::IpAddress> peers{settings.unicast_peers};
  Result<> outcome;
  for (const auto& destination : peers.empty() ? std::span<const net::IpAddress>{&group, 1} : peers) {
    encode({settings.version, settings.virtual_router_id, action.priority,
            std::chrono::duration_cast<Duration>(settings.advert_interval), router.advertised},
           *source, destination, form, buffer_);
    const auto sent = router.out->socket->send(*source, destination, buffer_);
    if (sent)
      ++router.counters.sent;
    else
      outcome = sent;
  }
  if (!outcome && !router.send_failed) log::warning("{}: {}", router.config.name, outcome.error().message);
  router.send_failed = !outcome;
}

void Speaker::perform(Router& router, const SetTimer& action) { timers_.set(router.id, action); }

void Speaker::perform(Router& router, const Become& action) {
  if (action.to == Role::master) {
    keeper_->put(all_addresses(router.config));
    router.put = true;
  } else if (std::exchange(router.put, false)) {
    keeper_->take(all_addresses(router.config));
    announcer_->cancel(router.id);
  }
  if (!router.config.kernel.routes.empty() || !router.config.kernel.rules.empty()) schedule_kernel();
  report(router, action);
}

void Speaker::perform(Router& router, const AnnounceAddresses& action) {
  std::vector<AnnounceTarget> targets;
  for (const auto& address : all_addresses(router.config)) {
    const auto* link = host_->link(address.interface);
    if (link == nullptr) continue;
    targets.push_back({address.prefix.address, link->index, link->name, link->mac});
  }
  announcer_->announce(router.id, targets, action.repeat, router.core.settings().announce);
}

void Speaker::perform(Router& router, const Note& action) {
  const auto text = fmt::format("{}: {}", router.config.name, action.text);
  log::write(action.warning ? log::Level::warning : log::Level::notice, text);
  outlet_.event(
      {runtime::unix_time(), "vrrpd", "vrrp", router.config.name, text, action.warning ? "warning" : "notice"});
  publish(router);
}

void Speaker::report(Router& router, const Become& change) {
  router.since = runtime::unix_time();
  const auto text = fmt::format("{}: {} -> {} ({})", router.config.name, change.from, change.to, change.reason);
  const bool bad = change.to == Role::fault;
  log::write(bad ? log::Level::warning : log::Level::notice, text);
  publish(router);
  outlet_.event({router.since, "vrrpd", "vrrp", router.config.name, text, bad ? "warning" : "notice"});
  schedule_save();
}

void Speaker::publish(Router& router) {
  const auto& core = router.core;
  router.told_master = core.master();
  router.told_reason = core.reason();
  bus::VrrpState state;
  state.name = router.config.name;
  state.state = core.role();
  state.interface = router.config.interface;
  state.vrid = router.config.virtual_router_id;
  state.priority = core.priority();
  state.configured_priority = router.config.priority;
  if (router.told_master) state.master = router.told_master->to_string();
  state.since = router.since;
  state.reason = core.reason();
  for (const auto& address : all_addresses(router.config))
    state.virtual_addresses.push_back(address.prefix.to_string());
  outlet_.publish(state);
}

void Speaker::schedule_save() {
  if (std::exchange(save_scheduled_, true)) return;
  boost::asio::post(io_, [this] {
    if (std::exchange(save_scheduled_, false)) save_state();
  });
}

void Speaker::save_state() {
  SavedState state{boot_id(), runtime::unix_time(), {}};
  for (const auto& [name, router] : routers_) {
    state.instances.push_back({router->core.role(), router->since, router->core.source(), router->config});
  }
  if (const auto done = write_state(run_dir_, state); !done) log::error("{}", done.error().message);
}

}  // namespace ballast::vrrpd
