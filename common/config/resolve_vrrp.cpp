#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "common/config/resolve.hpp"
#include "common/config/resolve_authentication.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t most_addresses = 255;         ///< the count of an advertisement is a byte (RFC 9568, 5.2.5)
constexpr Duration longest_v3_interval = 40'950ms;  ///< 12 bits of centiseconds (RFC 9568, 5.2.7)

std::string_view family_text(net::Family family) { return family == net::Family::ipv4 ? "IPv4" : "IPv6"; }

class InstanceResolver {
 public:
  InstanceResolver(Binder& binder, const InstanceDraft& draft)
      : binder_{binder}, report_{binder.report()}, global_{binder.draft()}, draft_{draft} {}

  VrrpInstance run() {
    made_.name = draft_.name.value;
    if (!draft_.interface)
      report_.error(draft_.block, title() + " has no interface");
    else
      made_.interface = draft_.interface->value;
    if (!draft_.virtual_router_id) {
      report_.error(draft_.block, title() + " has no virtual_router_id");
    } else {
      made_.virtual_router_id = static_cast<std::uint8_t>(draft_.virtual_router_id->value);
    }
    if (draft_.priority) made_.priority = static_cast<std::uint8_t>(draft_.priority->value);
    made_.description = draft_.description;
    made_.accept = draft_.accept.value_or(true);
    made_.v3_checksum_as_v2 = draft_.checksum_as_v2;
    family();
    version();
    interval();
    preemption();
    source();
    heartbeats();
    resolve_authentication(report_, draft_, made_);
    addresses();
    for (const auto& tracked : draft_.tracked) made_.track_interfaces.push_back(tracked.value);
    made_.notify = draft_.notify;
    announce();
    resolve_election(binder_, draft_, made_);
    return std::move(made_);
  }

 private:
  [[nodiscard]] std::string title() const {
    return made_.name.empty() ? std::string{"this vrrp_instance"} : "vrrp_instance " + made_.name;
  }

  void family() {
    if (!draft_.addresses.empty())
      made_.family = draft_.addresses.front().address.prefix.address.family();
    else if (draft_.native_ipv6)
      made_.family = net::Family::ipv6;
    else if (!draft_.peers.empty())
      made_.family = draft_.peers.front().value.address.family();
  }

  void version() {
    const bool ipv6 = made_.family == net::Family::ipv6;
    made_.version = static_cast<std::uint8_t>(ipv6             ? 3
                                              : draft_.version ? draft_.version->value
                                                               : global_.vrrp_version.value_or(2));
    if (ipv6 && draft_.version && draft_.version->value != 3) {
      report_.warning(draft_.version->at, "IPv6 is VRRP version 3 in any case");
    }
  }

  void interval() {
    if (!draft_.advert_interval) return;
    const auto [value, at] = *draft_.advert_interval;
    const Duration step = made_.version == 2 ? Duration{1s} : Duration{10ms};
    made_.advert_interval = (value + step - Duration{1}) / step * step;
    if (made_.version == 3 && value > longest_v3_interval) {
      report_.error(at, fmt::format("VRRP version 3 counts up to {} s", seconds_text(longest_v3_interval)));
    } else if (made_.advert_interval != value) {
      report_.warning(at,
                      fmt::format("VRRP version {} counts in steps of {} s: rounded up to {} s", made_.version,
                                  seconds_text(step), seconds_text(made_.advert_interval)),
                      made_.version == 2 ? "version 3 counts in hundredths" : "");
    }
  }

  // As in keepalived: who begins as master has taken over already.
  void preemption() {
    made_.initial_state = draft_.state ? draft_.state->value : InitialState::backup;
    made_.preempt = !draft_.nopreempt;
    if (draft_.preempt_delay) made_.preempt_delay = draft_.preempt_delay->value;
    if (made_.initial_state != InitialState::master) return;
    if (draft_.nopreempt) {
      report_.warning(*draft_.nopreempt, "nopreempt is ignored with state MASTER", "write state BACKUP on every node");
      made_.preempt = true;
    }
    if (draft_.preempt_delay && made_.preempt_delay > 0s) {
      report_.warning(draft_.preempt_delay->at, "preempt_delay is ignored with state MASTER",
                      "write state BACKUP on every node");
      made_.preempt_delay = 0s;
    }
  }

  void source() {
    const bool unicast = !draft_.peers.empty();
    made_.unicast_ttl = static_cast<std::uint8_t>(draft_.unicast_ttl);
    made_.check_unicast_source = draft_.check_unicast_source.value_or(global_.check_unicast_source);
    auto chosen = unicast ? draft_.unicast_source : draft_.multicast_source;
    if (!chosen) chosen = unicast ? draft_.multicast_source : draft_.unicast_source;
    if (chosen) {
      check_family(*chosen);
      made_.source = chosen->value;
    }
    for (const auto& peer : draft_.peers) {
      const auto& address = peer.value.address;
      check_family({address, peer.at});
      if (made_.source == address) report_.error(peer.at, fmt::format("{} is this node's own source address", address));
      made_.check_unicast_source |= peer.value.min_ttl > 0 || peer.value.max_ttl < 255;
      made_.unicast_peers.push_back(peer.value);
    }
  }

  void heartbeats() {
    for (const auto& [name, at] : draft_.heartbeats) {
      if (name == made_.interface) {
        report_.error(at, fmt::format("{} is the interface of {} already", name, title()),
                      "a heartbeat goes over another network");
      }
      made_.heartbeat_interfaces.push_back(name);
    }
    if (draft_.heartbeats.empty() || draft_.peers.empty()) return;
    report_.error(draft_.heartbeats.front().at, "heartbeats are multicast: not together with unicast_peer");
  }

  void check_family(const At<net::IpAddress>& address) {
    if (address.value.family() == made_.family) return;
    report_.error(address.at, fmt::format("{} in vrrp_instance {}, which speaks {}", address.value, made_.name,
                                          family_text(made_.family)));
  }

  void addresses() {
    for (const auto& draft : draft_.addresses) {
      if (draft.address.prefix.address.family() != made_.family) {
        report_.error(draft.at,
                      fmt::format("{} among addresses of {}", draft.address.prefix.address, family_text(made_.family)),
                      "put it into virtual_ipaddress_excluded, or into an instance of its own");
      }
      add_address(draft, made_.virtual_addresses);
    }
    for (const auto& draft : draft_.excluded) add_address(draft, made_.virtual_addresses_excluded);
    if (!draft_.addresses_given) {
      report_.warning(draft_.block,
                      title() + " has no virtual_ipaddress: routers after RFC 9568 refuse its advertisements");
    } else if (made_.virtual_addresses.size() > most_addresses) {
      report_.error(draft_.addresses[most_addresses].at,
                    fmt::format("an advertisement holds {} addresses", most_addresses),
                    "put the others into virtual_ipaddress_excluded");
    }
  }

  void add_address(const AddressDraft& draft, std::vector<VirtualAddress>& list) {
    auto address = draft.address;
    address.interface = draft.interface ? draft.interface->value : made_.interface;
    if (!seen_.insert(address.prefix.address).second) {
      report_.warning(draft.at, fmt::format("{} stands in vrrp_instance {} twice: the first one counts",
                                            address.prefix.address, made_.name));
      return;
    }
    list.push_back(std::move(address));
  }

  void announce() {
    const auto& own = draft_.announce;
    const auto& global = global_.announce;
    const auto pick = [](const auto& inner, const auto& outer, auto fallback) {
      return inner ? *inner : outer ? *outer : fallback;
    };
    auto& to = made_.announce;
    to.delay = pick(own.delay, global.delay, global_.min_garp ? Duration{0s} : to.delay);
    to.repeat = pick(own.repeat, global.repeat, global_.min_garp ? 1 : to.repeat);
    to.refresh = pick(own.refresh, global.refresh, to.refresh);
    to.refresh_repeat = pick(own.refresh_repeat, global.refresh_repeat, to.refresh_repeat);
    to.lower_prio_delay = pick(own.lower_prio_delay, global.lower_prio_delay, to.delay);
    to.lower_prio_repeat = pick(own.lower_prio_repeat, global.lower_prio_repeat, to.repeat);
    to.garp_interval = pick(own.garp_interval, global.garp_interval, to.garp_interval);
    to.gna_interval = pick(own.gna_interval, global.gna_interval, to.gna_interval);
    to.extra_interval = pick(own.extra_interval, global.extra_interval, to.extra_interval);
    to.extra_all = own.extra_interval ? own.extra_all : global.extra_all;
  }

  Binder& binder_;
  Report& report_;
  const Draft& global_;
  const InstanceDraft& draft_;
  VrrpInstance made_;
  std::unordered_set<net::IpAddress> seen_;
};

bool share_a_peer(const InstanceDraft& a, const InstanceDraft& b) {
  return std::ranges::any_of(a.peers, [&](const auto& peer) {
    return std::ranges::any_of(b.peers, [&](const auto& other) { return other.value.address == peer.value.address; });
  });
}

/// Two routers of one number hear each other, unless both speak to their own peers alone.
void check_router_ids(Binder& binder, const Model& model) {
  std::map<std::tuple<std::string, net::Family, unsigned>, std::vector<const InstanceDraft*>> taken;
  const auto& drafts = binder.draft().instances;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const auto& draft = drafts[i];
    if (!draft.interface || !draft.virtual_router_id) continue;
    auto& others = taken[{draft.interface->value, model.vrrp_instances[i].family, draft.virtual_router_id->value}];
    for (const auto* other : others) {
      if (!draft.peers.empty() && !other->peers.empty() && !share_a_peer(draft, *other)) continue;
      binder.report().error(
          draft.virtual_router_id->at,
          fmt::format("virtual_router_id {} is taken on {} by vrrp_instance {} ({})", draft.virtual_router_id->value,
                      draft.interface->value, other->name.value, binder.report().where(other->virtual_router_id->at)));
      break;
    }
    others.push_back(&draft);
  }
}

/// Who speaks a number on a heartbeat link must be the only one there.
void check_heartbeats(Binder& binder, const Model& model) {
  std::map<std::tuple<std::string, net::Family, unsigned>, std::string> taken;
  for (const auto& instance : model.vrrp_instances) {
    taken.try_emplace({instance.interface, instance.family, instance.virtual_router_id}, instance.name);
  }
  const auto& drafts = binder.draft().instances;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    const auto& instance = model.vrrp_instances[i];
    for (const auto& [name, at] : drafts[i].heartbeats) {
      const auto [other, fresh] = taken.try_emplace({name, instance.family, instance.virtual_router_id}, instance.name);
      if (fresh || name == instance.interface) continue;
      binder.report().error(at,
                            fmt::format("vrrp_instance {} has virtual_router_id {} on {} already", other->second,
                                        instance.virtual_router_id, name),
                            "give one of them another number");
    }
  }
}

template <class Drafts>
void check_names(Binder& binder, const Drafts& drafts, std::string_view kind) {
  std::unordered_map<std::string_view, Position> names;
  for (const auto& draft : drafts) {
    if (draft.name.value.empty()) continue;
    const auto [first, fresh] = names.emplace(draft.name.value, draft.name.at);
    if (fresh) continue;
    binder.report().error(draft.name.at, fmt::format("{} {} exists already ({})", kind, shorten(draft.name.value),
                                                     binder.report().where(first->second)));
  }
}

void check_shared_addresses(Binder& binder) {
  std::unordered_map<net::IpAddress, const InstanceDraft*> owners;
  for (const auto& draft : binder.draft().instances) {
    for (const auto* list : {&draft.addresses, &draft.excluded}) {
      for (const auto& address : *list) {
        const auto [owner, fresh] = owners.emplace(address.address.prefix.address, &draft);
        if (fresh || owner->second == &draft) continue;
        binder.report().warning(address.at, fmt::format("{} is in vrrp_instance {}, too",
                                                        address.address.prefix.address, owner->second->name.value));
      }
    }
  }
}

void resolve_sync_groups(Binder& binder, Model& model) {
  std::vector<std::string_view> names;
  for (const auto& draft : binder.draft().instances) names.push_back(draft.name.value);
  const std::unordered_set<std::string_view> known(names.begin(), names.end());
  std::unordered_map<std::string_view, std::string_view> member_of;
  for (const auto& draft : binder.draft().sync_groups) {
    VrrpSyncGroup group{draft.name.value, {}, {}, {}, draft.notify};
    if (draft.members.empty()) {
      binder.report().warning(draft.name.at,
                              fmt::format("vrrp_sync_group {} has no members and is ignored", group.name));
      continue;
    }
    for (const auto& [member, at] : draft.members) {
      const auto [other, fresh] = member_of.emplace(member, draft.name.value);
      if (!known.contains(member)) {
        const auto near = nearest(member, names);
        binder.report().error(at, fmt::format("there is no vrrp_instance '{}'", shorten(member)),
                              near.empty() ? "" : fmt::format("did you mean '{}'?", near));
      } else if (!fresh) {
        binder.report().error(at,
                              fmt::format("vrrp_instance {} is in vrrp_sync_group {} already", member, other->second));
      }
      group.members.push_back(member);
    }
    for (const auto& tracked : draft.tracked) group.track_interfaces.push_back(tracked.value);
    model.vrrp_sync_groups.push_back(std::move(group));
  }
}

}  // namespace

void resolve_vrrp(Binder& binder, Model& model) {
  for (const auto& draft : binder.draft().instances) {
    model.vrrp_instances.push_back(InstanceResolver{binder, draft}.run());
  }
  check_names(binder, binder.draft().instances, "vrrp_instance");
  check_names(binder, binder.draft().sync_groups, "vrrp_sync_group");
  check_names(binder, binder.draft().address_groups, "virtual_server_group");
  check_router_ids(binder, model);
  check_heartbeats(binder, model);
  check_shared_addresses(binder);
  resolve_sync_groups(binder, model);
}

}  // namespace ballast::config
