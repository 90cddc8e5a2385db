#include "tools/realserver/planner.hpp"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "common/netlink/address_reconciler.hpp"
#include "tools/realserver/settings.hpp"

namespace ballast::realserver {
namespace {

constexpr const char* loopback_name = "lo";

bool has_vips(const Wanted& wanted) { return wanted.mode != Mode::fnat; }

const netlink::Link* find_link(const std::vector<netlink::Link>& links, const std::string& name) {
  const auto found = std::ranges::find(links, name, &netlink::Link::name);
  return found == links.end() ? nullptr : &*found;
}

std::string name_of_link(const Found& found, int index) {
  const auto link = std::ranges::find(found.links, index, &netlink::Link::index);
  return link == found.links.end() ? fmt::format("interface {}", index) : link->name;
}

bool is_ours(const netlink::Address& address, int loopback) {
  return address.link == loopback && address.protocol == address_mark;
}

/// Host scope or deprecated: nothing that this server begins by itself is ever sent from a VIP.
netlink::Address address_of(const net::IpAddress& vip, int loopback) {
  netlink::Address address;
  address.link = loopback;
  address.prefix = {vip, static_cast<std::uint8_t>(vip.bit_length())};
  address.protocol = address_mark;
  if (vip.is_v4()) {
    address.scope = RT_SCOPE_HOST;
  } else {
    address.flags = IFA_F_NODAD | IFA_F_DEPRECATED;
  }
  return address;
}

void plan_addresses(const std::optional<Wanted>& wanted, const Found& found, int loopback, Plan& plan,
                    netlink::AddressChanges& changes) {
  std::vector<netlink::Address> desired;
  for (const auto& vip : wanted&& has_vips(*wanted) ? wanted->vips : std::vector<net::IpAddress>{}) {
    bool is_there = false;
    for (const auto& address : found.addresses) {
      if (address.prefix.address != vip || is_ours(address, loopback)) continue;
      if (address.link == loopback) {
        is_there = true;
        plan.notes.push_back(
            fmt::format("{} is on lo already, by somebody else: it is used as it is, and undo leaves it", vip));
      } else {
        plan.conflicts.push_back(
            fail("{} is on {}, put there by somebody else, and is announced there: take it away "
                 "(ip address delete {} dev {}), or leave it out of --vip",
                 vip, name_of_link(found, address.link), address.prefix, name_of_link(found, address.link)));
      }
    }
    if (!is_there) desired.push_back(address_of(vip, loopback));
  }
  std::vector<netlink::Address> ours;
  std::ranges::copy_if(found.addresses, std::back_inserter(ours),
                       [&](const auto& address) { return is_ours(address, loopback); });
  changes = netlink::reconcile_addresses(desired, ours, ours);
}

const ChangedSetting* find_changed(const Record& record, const std::string& name) {
  const auto found = std::ranges::find(record.settings, name, &ChangedSetting::name);
  return found == record.settings.end() ? nullptr : &*found;
}

void plan_settings(const std::vector<Requirement>& needed, const Found& found, const Record& record, Plan& plan,
                   std::vector<Step>& restore) {
  for (const auto& requirement : needed) {
    if (!requirement.met) plan.steps.push_back(ChangeSetting{requirement.name, requirement.now, requirement.value});
  }
  for (const auto& changed : record.settings) {
    if (std::ranges::find(needed, changed.name, &Requirement::name) != needed.end()) continue;
    const auto now = found.settings.find(changed.name);
    if (now == found.settings.end() || now->second == changed.before) continue;
    if (now->second == changed.ours) {
      restore.emplace_back(RestoreSetting{changed.name, changed.before});
    } else {
      plan.notes.push_back(fmt::format("/proc/sys/{} is {}, set by somebody else since it was made {}: left as it is",
                                       changed.name, now->second, changed.ours));
    }
  }
}

void check_interfaces(const Wanted& wanted, const Found& found, Plan& plan) {
  for (const auto& interface : wanted.interfaces) {
    if (find_link(found.links, interface) == nullptr) {
      plan.conflicts.push_back(fail("there is no interface {}", interface));
      continue;
    }
    const auto attachment = found.attachments.find(interface);
    if (wanted.mode != Mode::tun || attachment == found.attachments.end()) continue;
    if (attachment->second.holder == Holder::another) {
      plan.conflicts.push_back(
          fail("interface {}: another XDP program is attached, {}; detach it (ip link set {} xdp off) or name another "
               "interface",
               interface, attachment->second.program, interface));
    }
  }
}

std::vector<std::string> surplus_pins(const std::optional<Wanted>& wanted, const Found& found) {
  std::vector<std::string> surplus;
  for (const auto& pinned : found.tunnel_pins) {
    const bool kept = wanted && wanted->mode == Mode::tun &&
                      std::ranges::find(wanted->interfaces, pinned) != wanted->interfaces.end();
    if (!kept) surplus.push_back(pinned);
  }
  return surplus;
}

}  // namespace

std::vector<std::string> settings_of_interest(const std::optional<Wanted>& wanted, const Record& record) {
  std::vector<std::string> names;
  if (wanted) names = setting_names(*wanted);
  for (const auto& changed : record.settings) names.push_back(changed.name);
  return names;
}

Result<Wanted> with_interfaces(Wanted wanted, const std::vector<netlink::Link>& links) {
  if (!wanted.interfaces.empty() || wanted.mode == Mode::fnat) return wanted;
  std::vector<std::string> candidates;
  for (const auto& link : links) {
    if (link.admin_up && link.name != loopback_name) candidates.push_back(link.name);
  }
  if (candidates.size() == 1) {
    wanted.interfaces = std::move(candidates);
  } else if (wanted.mode == Mode::tun) {
    return fail("say by --interface where tunnels from the load balancers arrive: {}",
                candidates.empty() ? std::string{"no interface is up"}
                                   : fmt::format("there are {}", fmt::join(candidates, ", ")));
  }
  return wanted;
}

Plan plan(const std::optional<Wanted>& wanted, const Found& found, const Record& record) {
  Plan made;
  const auto* loopback = find_link(found.links, loopback_name);
  if (loopback == nullptr) {
    made.conflicts.push_back(fail("there is no interface {}", loopback_name));
    return made;
  }
  netlink::AddressChanges changes;
  plan_addresses(wanted, found, loopback->index, made, changes);
  if (wanted) check_interfaces(*wanted, found, made);
  for (const auto& address : changes.remove) made.steps.emplace_back(RemoveAddress{address});
  std::vector<Step> restore;
  plan_settings(wanted ? requirements(*wanted, found.settings) : std::vector<Requirement>{}, found, record, made,
                restore);
  const bool tunnels = wanted && wanted->mode == Mode::tun;
  const bool clients = wanted && wanted->mode == Mode::fnat;
  if (tunnels) made.steps.emplace_back(Unwrap{});
  if (clients) made.steps.emplace_back(ShowClients{});
  for (const auto& address : changes.add) made.steps.emplace_back(AddAddress{address});
  const auto surplus = surplus_pins(wanted, found);
  const bool entirely = !tunnels && found.tunnel_maps;
  if (!surplus.empty() || entirely) made.steps.emplace_back(StopUnwrapping{surplus, entirely});
  if (!clients && found.client_pins) made.steps.emplace_back(StopShowingClients{});
  made.steps.insert(made.steps.end(), restore.begin(), restore.end());
  return made;
}

Record before_steps(const Record& record, const std::optional<Wanted>& wanted, const Plan& plan) {
  Record next = record;
  next.wanted = wanted;
  for (const auto& step : plan.steps) {
    const auto* change = std::get_if<ChangeSetting>(&step);
    if (change == nullptr) continue;
    const auto known = std::ranges::find(next.settings, change->name, &ChangedSetting::name);
    if (known == next.settings.end()) {
      next.settings.push_back({change->name, change->before, change->value});
    } else {
      // Whoever changed it meanwhile gave it a value of their own, which is what undo gives back.
      if (change->before != known->ours) known->before = change->before;
      known->ours = change->value;
    }
  }
  return next;
}

Record after_steps(const Record& record, const Found& found) {
  Record next{record.wanted, {}};
  const auto needed = record.wanted ? requirements(*record.wanted, found.settings) : std::vector<Requirement>{};
  for (const auto& requirement : needed) {
    if (const auto* changed = find_changed(record, requirement.name)) next.settings.push_back(*changed);
  }
  return next;
}

std::string describe(const Step& step) {
  struct Words {
    std::string operator()(const RemoveAddress& it) const { return fmt::format("{} taken from lo", it.address.prefix); }
    std::string operator()(const AddAddress& it) const { return fmt::format("{} put on lo", it.address.prefix); }
    std::string operator()(const ChangeSetting& it) const {
      return fmt::format("/proc/sys/{}: {} -> {}", it.name, it.before, it.value);
    }
    std::string operator()(const RestoreSetting& it) const {
      return fmt::format("/proc/sys/{}: back to {}", it.name, it.value);
    }
    std::string operator()(const Unwrap&) const { return "tunnels are unwrapped"; }
    std::string operator()(const StopUnwrapping& it) const {
      return it.interfaces.empty() ? "the tunnel program is unloaded"
                                   : fmt::format("tunnels are not unwrapped on {}", fmt::join(it.interfaces, ", "));
    }
    std::string operator()(const ShowClients&) const { return "programs see their clients' addresses"; }
    std::string operator()(const StopShowingClients&) const { return "programs see the load balancers' addresses"; }
  };
  return std::visit(Words{}, step);
}

}  // namespace ballast::realserver
