#include "daemons/forwardd/xdp/next_hop.hpp"

#include <algorithm>

namespace ballast::forwardd::xdp {
std::vector<Error> NextHopResolver::resync() {
  std::vector<Error> errors;
  const auto links = socket_.links();
  const auto neighbours = socket_.neighbours();
  if (!links) errors.push_back(links.error());
  if (!neighbours) errors.push_back(neighbours.error());
  if (!errors.empty()) return errors;
  links_.clear();
  macs_.clear();
  for (const auto& link : *links) links_[link.index] = link;
  for (const auto& neighbour : *neighbours) {
    if (neighbour.resolved()) macs_[{neighbour.link, neighbour.address}] = neighbour.mac;
  }
  return refresh_routes();
}

std::vector<Error> NextHopResolver::track(const std::set<net::IpAddress>& servers) {
  std::vector<Error> errors;
  std::erase_if(servers_, [&](const auto& entry) { return !servers.contains(entry.first); });
  std::erase_if(locals_, [&](const auto& entry) { return !servers.contains(entry.first); });
  for (const auto& server : servers) {
    // One without a way is tried again each time.
    const auto known = servers_.find(server);
    if (known == servers_.end() || !known->second) look_up(server, errors);
  }
  manage(errors);
  return errors;
}

std::vector<Error> NextHopResolver::refresh_routes() {
  std::vector<Error> errors;
  for (const auto& [server, way] : servers_) look_up(server, errors);
  manage(errors);
  return errors;
}

Result<NextHopResolver::Way> NextHopResolver::way_to(const net::IpAddress& server) {
  const auto route = socket_.route_to(server);
  if (!route) return route.error();
  if (route->local) return fail("server {} is this machine itself: a server has to be another", server);
  if (route->source) locals_[server] = *route->source;
  return Way{route->link, route->gateway.value_or(server)};
}

void NextHopResolver::look_up(const net::IpAddress& server, std::vector<Error>& errors) {
  const auto way = way_to(server);
  servers_[server] = way ? std::optional{*way} : std::nullopt;
  if (!way) errors.push_back(way.error());
}

void NextHopResolver::manage(std::vector<Error>& errors) {
  std::set<Way> wanted;
  for (const auto& [server, way] : servers_) {
    if (way) wanted.insert(*way);
  }
  for (const auto& way : managed_) {
    if (wanted.contains(way)) continue;
    if (auto done = socket_.release_neighbour(way.link, way.neighbour); !done) errors.push_back(done.error());
  }
  std::set<Way> managed;
  for (const auto& way : wanted) {
    if (!managed_.contains(way)) {
      if (auto done = socket_.manage_neighbour(way.link, way.neighbour); !done) {
        errors.push_back(done.error());
        continue;
      }
    }
    managed.insert(way);
  }
  managed_ = std::move(managed);
}

NetworkChange NextHopResolver::on_link(const netlink::Link& link, bool removed) {
  const auto known = links_.find(link.index);
  if (removed) {
    links_.erase(link.index);
    std::erase_if(macs_, [&](const auto& entry) { return entry.first.link == link.index; });
    std::erase_if(managed_, [&](const auto& way) { return way.link == link.index; });
    return {true, true};
  }
  if (known != links_.end() && known->second == link) return {};
  // A link that goes down forgets its neighbours, the managed ones, too.
  if (!link.admin_up) std::erase_if(managed_, [&](const auto& way) { return way.link == link.index; });
  links_[link.index] = link;
  return {true, true};
}

NetworkChange NextHopResolver::on_neighbour(const netlink::Neighbour& neighbour, bool removed) {
  const Way way{neighbour.link, neighbour.address};
  const auto known = macs_.find(way);
  const bool resolved = !removed && neighbour.resolved();
  if (removed) managed_.erase(way);
  if (known == macs_.end()) {
    if (resolved) macs_[way] = neighbour.mac;
    const bool ours = std::ranges::any_of(servers_, [&](const auto& entry) { return entry.second == way; });
    return {ours && (resolved || removed), false};
  }
  if (resolved && known->second == neighbour.mac) return {};
  if (resolved)
    known->second = neighbour.mac;
  else
    macs_.erase(known);
  return {true, true};
}

NextHops NextHopResolver::hops() const {
  NextHops hops;
  for (const auto& [server, way] : servers_) {
    if (!way) continue;
    const auto mac = macs_.find(*way);
    const auto link = links_.find(way->link);
    if (mac == macs_.end() || link == links_.end() || !link->second.admin_up) continue;
    const auto exit = exit_of(way->link, links_);
    hops[server] = {.ifindex = exit.ifindex,
                    .source = link->second.mac,
                    .destination = mac->second,
                    .local = locals_.contains(server) ? locals_.at(server) : net::IpAddress{},
                    .mtu = link->second.mtu,
                    .vlan = exit.vlan};
  }
  return hops;
}

std::set<int> NextHopResolver::links_used() const {
  std::set<int> used;
  for (const auto& [server, way] : servers_) {
    if (way) used.insert(way->link);
  }
  return used;
}

}  // namespace ballast::forwardd::xdp
