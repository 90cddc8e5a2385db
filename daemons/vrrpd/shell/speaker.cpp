#include "daemons/vrrpd/shell/speaker.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "common/runtime/journal.hpp"
#include "common/runtime/log.hpp"
#include "daemons/vrrpd/protocol/address_check.hpp"

namespace ballast::vrrpd {
namespace {

constexpr Duration refusal_log_interval = std::chrono::minutes{1};

}  // namespace

Router::Router(std::uint32_t number, config::VrrpInstance configured)
    : Member{configured}, id{number}, config{std::move(configured)}, since{runtime::unix_time()} {
  if (config.auth_hmac) authenticator.emplace(*config.auth_hmac);
}

Speaker::Speaker(boost::asio::io_context& io, std::filesystem::path run_dir, Outlet outlet)
    : io_{io},
      run_dir_{std::move(run_dir)},
      outlet_{std::move(outlet)},
      timers_{io, [this](auto owner, auto timer, auto generation) { expired(owner, timer, generation); }},
      holds_{io, [this](const std::string& instance) { hold_changed(instance); }},
      all_released_{io} {}

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
                                   tell_heartbeats(*router);
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
  auto trackers = Trackers::open(
      io_, *host_, [this](const TrackKey& tracker, const TrackValue& found) { track_changed(tracker, found); });
  if (!trackers) return trackers.error();
  trackers_ = std::move(*trackers);
  auto life = SignOfLife::open(run_dir_);
  if (!life) return life.error();
  life_ = std::move(*life);
  last_life_ = life_->last();
  life_->begin(runtime::BootClock::now());
  if (auto state = read_state(run_dir_)) before_ = std::move(*state);
  if (before_) {
    for (const auto& instance : before_->instances) keeper_->know(all_addresses(instance.settings));
    know_kernel(*before_);
    for (const auto& [tracker, found] : before_->tracks) trackers_->tell(tracker, found);
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
                 {"failed", counters.failed},
                 {"received", counters.received},
                 {"checksum_message", counters.checksum_message},
                 {"checksum_pseudo_header", counters.checksum_pseudo_header},
                 {"other_addresses", counters.other_addresses},
                 {"refused", std::move(refused)}};
  }
  return all;
}

// --- events
// -----------------------------------------------------------------------------------------------------------

TimePoint Speaker::now() {
  const auto now = runtime::BootClock::now();
  life_->give(now);
  return now;
}

void Speaker::perform(Member& member, const Action& action) {
  std::visit([&](const auto& what) { perform(static_cast<Router&>(member), what); }, action);
}

void Speaker::settled(Member& member) {
  auto& router = static_cast<Router&>(member);
  if (router.told_master != router.core.master() || router.told_reason != router.core.reason()) publish(router);
}

void Speaker::drain(Member& member) {
  auto& router = static_cast<Router&>(member);
  if (router.port->socket) router.port->socket->drain();
  for (const auto& heartbeat : router.heartbeats) {
    if (heartbeat.port->socket) heartbeat.port->socket->drain();
  }
}

void Speaker::expired(std::uint32_t owner, Timer timer, std::uint64_t generation) {
  const auto found = by_id_.find(owner);
  if (found != by_id_.end()) expire(*found->second, timer, generation);
}

void Speaker::received(Port& port, const Datagram& datagram) {
  const auto vrid = peek_vrid(datagram.payload);
  if (!vrid) return;
  if (auto* beats = port.heartbeats[*vrid]; beats != nullptr) return heartbeat_received(*beats, port, datagram);
  if (port.routers[*vrid] == nullptr) return;  // another group of routers on the same segment
  auto& router = *port.routers[*vrid];
  if (is_our_heartbeat(router, port, datagram)) return;
  if (const auto decoded = admit(router, datagram)) {
    dispatch(router, Received{decoded->priority, decoded->interval, datagram.source});
  }
}

/// The receive checks, and what they have to tell.
std::optional<Decoded> Speaker::admit(Router& router, const Datagram& datagram) {
  const auto& settings = router.core.settings();
  const bool unicast = !settings.unicast_peers.empty();
  if (datagram.destination.is_multicast() == unicast) return std::nullopt;
  const auto decoded =
      decode(datagram, {settings.version, settings.virtual_router_id,
                        std::chrono::duration_cast<Duration>(settings.advert_interval), !unicast,
                        settings.auth_pass.text, router.authenticator ? &*router.authenticator : nullptr,
                        runtime::wall_time(), settings.unicast_peers, settings.check_unicast_source});
  if (!decoded) {
    refuse(router, decoded.error());
    return std::nullopt;
  }
  ++router.counters.received;
  if (settings.version == 3 && settings.family == net::Family::ipv4) {
    ++(decoded->checksum == ChecksumForm::message ? router.counters.checksum_message
                                                  : router.counters.checksum_pseudo_header);
  }
  if (decoded->skew) tell_skew(router, datagram.source, *decoded->skew);
  if (!has_our_addresses(router, *decoded, datagram)) return std::nullopt;
  return *decoded;
}

// RFC 9568 section 7.1 leaves it open what follows. To discard the advertisement would make a second master of two
// routers of which one has its new configuration already: only strict_mode does so.
bool Speaker::has_our_addresses(Router& router, const Decoded& decoded, const Datagram& datagram) {
  const auto& settings = router.core.settings();
  if (settings.election.skip_check_adv_addr && router.core.master() == datagram.source) return true;
  if (decoded.priority == priority_leaving || same_addresses(decoded, settings.family, router.advertised)) return true;
  ++router.counters.other_addresses;
  const bool strict = settings.election.strict && decoded.priority != priority_owner;
  log_refusal(router, router.other_addresses_logged,
              fmt::format("{} advertises other addresses than ours: {}", datagram.source,
                          strict ? "refused, because of strict_mode" : "is there an old configuration?"));
  return !strict;
}

void Speaker::refuse(Router& router, const Refusal& refusal) {
  const auto check = static_cast<std::size_t>(refusal.check);
  ++router.counters.refused[check];
  log_refusal(router, router.refusal_logged[check], "advertisement refused: " + refusal.message);
}

void Speaker::log_refusal(const Router& router, TimePoint& logged, const std::string& what) {
  const auto now = runtime::BootClock::now();
  if (logged != TimePoint{} && now - logged < refusal_log_interval) return;
  logged = now;
  log::warning("{}: {}", router.config.name, what);
}

/// Before advertisements are refused for it.
void Speaker::tell_skew(Router& router, const net::IpAddress& source, std::chrono::seconds skew) {
  if (router.config.auth_hmac->anti_replay != config::AntiReplay::time) return;
  const auto window = router.authenticator->window();
  const auto now = runtime::BootClock::now();
  if (2 * std::abs(skew.count()) <= window.count()) return;
  if (router.skew_told != TimePoint{} && now - router.skew_told < refusal_log_interval) return;
  router.skew_told = now;
  log::warning("{}: {}'s clock is {} s {} ours; beyond {} s its advertisements are refused: set the clocks by NTP",
               router.config.name, source, std::abs(skew.count()), skew.count() < 0 ? "behind" : "ahead of",
               window.count());
}

void Speaker::link_changed(const std::string& interface) {
  for (auto& [key, port] : ports_) {
    if (key.first == interface) open_port(*port);
  }
  for (auto& [name, router] : routers_) {
    tell_links(*router);
    tell_source(*router);
    tell_heartbeats(*router);
  }
  trackers_->links_changed();
  schedule_repair();
}

void Speaker::address_changed(const netlink::Address& address, bool removed) {
  if (kernel_->has_routes() || (removed && keeper_->wants(address))) schedule_repair();
  if (address.protocol == netlink::ballast_address_protocol) return announce_taken_up(address);
  for (auto& [name, router] : routers_) {
    tell_source(*router);
    tell_heartbeats(*router);
  }
  trackers_->links_changed();
}

void Speaker::announce_taken_up(const netlink::Address& address) {
  for (auto& [name, router] : routers_) {
    const auto waiting = router->to_announce.extract(address.prefix);
    if (waiting.empty() || !router->put) continue;
    for (const auto& own : all_addresses(router->config)) {
      const auto* link = host_->link(own.interface);
      if (link == nullptr || link->index != address.link || own.prefix != address.prefix) continue;
      announcer_->announce(router->id, {{own.prefix.address, link->index, link->name, link->mac}}, waiting.mapped(),
                           router->core.settings().announce);
    }
  }
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
    if (!router->put || router->core.role() != Role::master) continue;
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
  auto* signer = router.authenticator && router.authenticator->signs() ? &*router.authenticator : nullptr;
  const Advertisement advertisement{settings.version,
                                    settings.virtual_router_id,
                                    action.priority,
                                    std::chrono::duration_cast<Duration>(settings.advert_interval),
                                    router.advertised,
                                    settings.auth_pass.text,
                                    signer,
                                    signer == nullptr ? 0 : signer->next_sequence(runtime::wall_time())};
  for (const auto& heartbeat : router.heartbeats) {
    if (heartbeat.source && heartbeat.port->socket) {
      (void)send(router, *heartbeat.port->socket, *heartbeat.source, advertisement);
    }
  }
  if (!source || !router.out->socket) return;
  const auto outcome = send(router, *router.out->socket, *source, advertisement);
  if (!outcome && !router.send_failed) log::warning("{}: {}", router.config.name, outcome.error().message);
  router.send_failed = !outcome;
}

/// To every destination of the instance; the last failure.
Result<> Speaker::send(Router& router, AdvertisementSocket& socket, const net::IpAddress& source,
                       const Advertisement& advertisement) {
  const auto& settings = router.core.settings();
  const auto form = settings.v3_checksum_as_v2 ? ChecksumForm::message : ChecksumForm::pseudo_header;
  Result<> outcome;
  for (const auto& [destination, ttl] : destinations_of(settings)) {
    encode(advertisement, source, destination, form, buffer_);
    const auto sent = socket.send(source, destination, buffer_, ttl);
    if (sent)
      ++router.counters.sent;
    else
      outcome = sent;
  }
  if (outcome) return outcome;
  ++router.counters.failed;
  router.send_error = outcome.error().message;
  return outcome;
}

void Speaker::perform(Router& router, const SetTimer& action) { timers_.set(router.id, action); }

void Speaker::perform(Router& router, const Become& action) {
  if (action.to == Role::master) {
    keeper_->put(all_addresses(router.config));
    router.put = true;
  } else {
    announcer_->cancel(router.id);
    router.to_announce.clear();
  }
  schedule_routes(router);
  report(router, action);
}

void Speaker::perform(Router& router, const ReleaseAddresses&) {
  if (std::exchange(router.put, false)) keeper_->take(all_addresses(router.config));
  schedule_routes(router);
  publish(router);
  const bool none = std::ranges::none_of(routers_, [](const auto& each) { return each.second->put; });
  if (stopping_ && none) all_released_.cancel();
}

// The note that comes with it tells people; each one would be too much for them.
void Speaker::perform(Router& router, const RivalHeard&) {
  ++router.rivals;
  publish(router);
}

void Speaker::perform(Router& router, const AnnounceAddresses& action) {
  std::vector<AnnounceTarget> targets;
  for (const auto& address : all_addresses(router.config)) {
    const auto* link = host_->link(address.interface);
    if (link == nullptr || (action.elsewhere && address.interface == router.config.interface)) continue;
    if (host_->is_coming({link->index, address.prefix})) {
      router.to_announce[address.prefix] = action.repeat;
      continue;
    }
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
  log::write(bad ? log::Level::warning : log::Level::notice, text,
             {{"BALLAST_INSTANCE", router.config.name},
              {"BALLAST_STATE", fmt::format("{}", change.to)},
              {"BALLAST_OLD_STATE", fmt::format("{}", change.from)},
              {"BALLAST_PRIORITY", fmt::format("{}", router.core.priority())},
              {"BALLAST_REASON", change.reason}});
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
  state.holds_addresses = router.put;
  state.since = router.since;
  state.rivals = router.rivals;
  state.stopped = stopping_ && core.role() == Role::init;
  state.reason = core.reason();
  for (const auto& address : all_addresses(router.config))
    state.virtual_addresses.push_back(address.prefix.to_string());
  outlet_.publish(state);
  if (router.group != nullptr) publish(static_cast<const Group&>(*router.group));
}

void Speaker::publish(const Group& group) {
  const auto role = role_of(group);
  outlet_.publish_group({group.name, role, stopping_ && role == Role::init});
}

void Speaker::schedule_save() {
  if (std::exchange(save_scheduled_, true)) return;
  boost::asio::post(io_, [this] {
    if (std::exchange(save_scheduled_, false)) save_state();
  });
}

void Speaker::save_state() {
  SavedState state{boot_id(), runtime::unix_time(), {}, {}};
  for (const auto& [name, router] : routers_) {
    state.instances.push_back({router->core.role(), router->since, router->core.source(), router->config});
  }
  // After a stop nobody knows how old it will be.
  if (!stopping_) {
    for (const auto& value : trackers_->values()) {
      const auto tracks = [&](const auto& entry) { return entry.second->tracks(value.first); };
      if (std::ranges::any_of(routers_, tracks)) state.tracks.push_back(value);
    }
  }
  if (const auto done = write_state(run_dir_, state); !done) log::error("{}", done.error().message);
}

}  // namespace ballast::vrrpd
