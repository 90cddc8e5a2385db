#include "common/config/resolve_local.hpp"

#include <algorithm>

#include "common/config/values.hpp"

namespace ballast::config {
namespace {

/// The first address of a range for which something holds.
template <class Predicate>
std::optional<net::IpAddress> first_of(const AddressRange& range, Predicate holds) {
  for (std::uint32_t i = 0; i < range.count; ++i) {
    if (const auto address = address_plus(range.first, i); holds(address)) return address;
  }
  return std::nullopt;
}

/// Who has each address that a local one must not be.
std::unordered_map<net::IpAddress, std::string> owners_of(const Model& model) {
  std::unordered_map<net::IpAddress, std::string> owners;
  for (const auto& service : model.virtual_servers) {
    for (const auto& endpoint : service.endpoints)
      owners.try_emplace(endpoint.address, "the VIP of virtual_server " + service.name);
    for (const auto& server : service.real_servers)
      owners.try_emplace(server.endpoint.address, "a real_server of virtual_server " + service.name);
    if (service.sorry_server)
      owners.try_emplace(service.sorry_server->endpoint.address, "the sorry_server of virtual_server " + service.name);
  }
  return owners;
}

}  // namespace

LocalGroups::LocalGroups(Binder& binder) : binder_{binder}, report_{binder.report()} {
  for (const auto& draft : binder.draft().local_groups) {
    const auto& [name, at] = draft.name;
    const auto [entry, fresh] = groups_.try_emplace(name, Group{&draft, {}, false});
    if (!fresh) {
      report_.error(at, fmt::format("local_address_group {} exists already ({})", shorten(name),
                                    report_.where(entry->second.draft->name.at)));
      continue;
    }
    names_.push_back(name);
    expand(entry->second);
  }
}

void LocalGroups::expand(Group& group) {
  const auto& [name, at] = group.draft->name;
  if (group.draft->ranges.empty())
    report_.error(at, fmt::format("local_address_group {} has no addresses", shorten(name)));
  std::unordered_set<net::IpAddress> seen;
  for (const auto& [range, place] : group.draft->ranges) {
    expanded_ += range.count;
    if (expanded_ > binder_.limits().addresses) {
      report_.error(place,
                    fmt::format("the local_address_groups hold more than {} addresses", binder_.limits().addresses));
      return;
    }
    if (group.addresses.size() + range.count > most_local_addresses) {
      report_.error(place, fmt::format("local_address_group {} holds more than {} addresses", shorten(name),
                                       most_local_addresses));
      return;
    }
    const auto wrong = first_of(range, [&](const auto& address) {
      return address.is_unspecified() || address.is_multicast() || address.is_link_local();
    });
    const auto twice = first_of(range, [&](const auto& address) { return !seen.insert(address).second; });
    if (wrong) report_.error(place, fmt::format("{} cannot be a local address", *wrong));
    if (twice) report_.error(place, fmt::format("{} stands in local_address_group {} twice", *twice, shorten(name)));
    for (std::uint32_t i = 0; i < range.count; ++i) group.addresses.push_back(address_plus(range.first, i));
  }
}

const std::vector<net::IpAddress>* LocalGroups::find(const At<std::string>& name, bool floats) {
  const auto group = groups_.find(name.value);
  if (group == groups_.end()) {
    const auto near = nearest(name.value, names_);
    report_.error(name.at, fmt::format("there is no local_address_group '{}'", shorten(name.value)),
                  near.empty() ? "" : fmt::format("did you mean '{}'?", near));
    return nullptr;
  }
  group->second.floats |= floats;
  return &group->second.addresses;
}

std::string LocalGroups::suggestion() const {
  if (names_.empty())
    return "write local_address_group NAME { ADDRESS } at the top level and laddr_group_name NAME here";
  return fmt::format("add laddr_group_name {}", shorten(names_.front()));
}

void LocalGroups::check(const Model& model, const FloatingAddresses& floating) {
  if (groups_.empty()) return;
  const auto owners = owners_of(model);
  for (const auto& [name, group] : groups_) {
    for (const auto& [range, at] : group.draft->ranges) {
      const auto taken = first_of(range, [&](const auto& address) { return owners.contains(address); });
      if (taken) {
        report_.error(at, fmt::format("local address {} is {}, too", *taken, owners.at(*taken)),
                      "give it an address of its own");
      }
      if (!group.floats) continue;
      const auto fixed = first_of(range, [&](const auto& address) { return !floating.contains(address); });
      if (fixed) {
        report_.warning(at,
                        fmt::format("local address {} is in no vrrp_instance, while the VIP is in one: after a "
                                    "failover servers go on answering to this node",
                                    *fixed),
                        "add it to virtual_ipaddress or virtual_ipaddress_excluded");
      }
    }
  }
}

}  // namespace ballast::config
