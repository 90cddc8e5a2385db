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

NextHopResolver::Tracked NextHopResolver::track(std::span<const net::IpAddress> come,
                                                std::span<const net::IpAddress> go) {
  Tracked tracked;
  bool other_ways = false;
  const auto find_way = [&](const net::IpAddress& address, Server& server) {
    const auto found = look_up(address, server);
    if (!found) return tracked.errors.push_back(found.error());
    other_ways = true;
  };
  const auto lost = lost_;
  for (const auto& address : lost) {
    auto& server = servers_.at(address);
    find_way(address, server);
    tracked.changed |= server.way.has_value();
  }
  for (const auto& address : come) {
    auto& server = servers_[address];
    if (server.uses++ == 0) find_way(address, server);
  }
  for (const auto& address : go) {
    const auto found = servers_.find(address);
    if (found == servers_.end() || --found->second.uses > 0) continue;
    servers_.erase(found);
    lost_.erase(address);
    other_ways = true;
  }
  if (other_ways) manage(tracked.errors);
  return tracked;
}

std::vector<Error> NextHopResolver::refresh_routes() {
  std::vector<Error> errors;
  for (auto& [address, server] : servers_) {
    if (auto found = look_up(address, server); !found) errors.push_back(found.error());
  }
  manage(errors);
  return errors;
}

Result<> NextHopResolver::look_up(const net::IpAddress& address, Server& server) {
  server.way.reset();
  lost_.insert(address);
  const auto route = socket_.route_to(address);
  if (!route) return route.error();
  if (route->local) return fail("server {} is this machine itself: a server has to be another", address);
  server.way = Way{route->link, route->gateway.value_or(address)};
  if (route->source) server.local = *route->source;
  lost_.erase(address);
  return {};
}

void NextHopResolver::manage(std::vector<Error>& errors) {
  ways_.clear();
  for (const auto& [address, server] : servers_) {
    if (server.way) ways_.insert(*server.way);
  }
  for (const auto& way : managed_) {
    if (ways_.contains(way)) continue;
    if (auto done = socket_.release_neighbour(way.link, way.neighbour); !done) errors.push_back(done.error());
  }
  std::set<Way> managed;
  for (const auto& way : ways_) {
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
    return {ways_.contains(way) && (resolved || removed), false};
  }
  if (resolved && known->second == neighbour.mac) return {};
  if (resolved)
    known->second = neighbour.mac;
  else
    macs_.erase(known);
  return {true, true};
}

std::optional<NextHop> NextHopResolver::hop_to(const net::IpAddress& server) const {
  const auto known = servers_.find(server);
  if (known == servers_.end() || !known->second.way) return std::nullopt;
  const auto& way = *known->second.way;
  const auto mac = macs_.find(way);
  const auto link = links_.find(way.link);
  if (mac == macs_.end() || link == links_.end() || !link->second.admin_up) return std::nullopt;
  const auto exit = exit_of(way.link, links_);
  return NextHop{.ifindex = exit.ifindex,
                 .source = link->second.mac,
                 .destination = mac->second,
                 .local = known->second.local,
                 .mtu = link->second.mtu,
                 .vlan = exit.vlan};
}

std::set<int> NextHopResolver::links_used() const {
  std::set<int> used;
  for (const auto& way : ways_) used.insert(way.link);
  return used;
}

}  // namespace ballast::forwardd::xdp
