#include "daemons/vrrpd/shell/host.hpp"

#include <linux/if_addr.h>

#include <algorithm>

#include "common/runtime/log.hpp"

namespace ballast::vrrpd {

Result<std::unique_ptr<Host>> Host::open(boost::asio::io_context& io, Handlers handlers) {
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  std::unique_ptr<Host> host{new Host{std::move(*socket), std::move(handlers)}};
  netlink::MonitorHandlers monitor;
  monitor.link = [self = host.get()](const auto& link, bool removed) { self->link_changed(link, removed); };
  monitor.address = [self = host.get()](const auto& address, bool removed) { self->address_changed(address, removed); };
  monitor.resync = [self = host.get()] {
    if (const auto done = self->read(); !done) log::error("{}", done.error().message);
    if (self->handlers_.resync) self->handlers_.resync();
  };
  // Listening comes before reading: what changes in between is told, not lost.
  auto opened = netlink::Monitor::open(io, std::move(monitor));
  if (!opened) return opened.error();
  host->monitor_ = std::move(*opened);
  if (auto done = host->read(); !done) return done.error();
  return host;
}

const netlink::Link* Host::link(const std::string& name) const {
  const auto found = links_.find(name);
  return found == links_.end() ? nullptr : &found->second;
}

std::vector<std::string> Host::link_names() const {
  std::vector<std::string> names;
  for (const auto& [name, link] : links_) names.push_back(name);
  return names;
}

bool Host::is_up(const std::string& name) const {
  const auto* found = link(name);
  return found != nullptr && found->admin_up && found->running;
}

std::string Host::describe(const std::string& name) const {
  const auto* found = link(name);
  if (found == nullptr) return name + " does not exist";
  if (!found->admin_up) return name + " is down";
  return name + (found->running ? " is up" : " has no carrier");
}

Result<> Host::read() {
  auto links = socket_.links();
  if (!links) return links.error();
  auto addresses = socket_.addresses();
  if (!addresses) return addresses.error();
  links_.clear();
  for (auto& link : *links) links_[link.name] = std::move(link);
  addresses_.clear();
  coming_.clear();
  for (auto& address : *addresses) addresses_[{address.link, address.prefix}] = std::move(address);
  return {};
}

Result<> Host::add(const netlink::Address& address) {
  if (auto done = socket_.add_address(address); !done) return done;
  addresses_[{address.link, address.prefix}] = address;
  if (address.prefix.address.is_v6()) coming_.insert({address.link, address.prefix});
  return {};
}

Result<> Host::remove(const netlink::Address& address) {
  if (auto done = socket_.remove_address(address); !done) return done;
  addresses_.erase({address.link, address.prefix});
  coming_.erase({address.link, address.prefix});
  return {};
}

void Host::link_changed(const netlink::Link& link, bool removed) {
  std::string renamed_from;
  for (const auto& [name, known] : links_) {
    if (known.index == link.index && name != link.name) renamed_from = name;
  }
  if (!renamed_from.empty()) {
    links_.erase(renamed_from);
    handlers_.link(renamed_from);
  }
  const auto found = links_.find(link.name);
  if (removed) {
    if (found == links_.end()) return;
    links_.erase(found);
    std::erase_if(addresses_, [&](const auto& entry) { return entry.first.first == link.index; });
  } else {
    if (found != links_.end() && found->second == link) return;
    links_[link.name] = link;
  }
  handlers_.link(link.name);
}

void Host::address_changed(const netlink::Address& address, bool removed) {
  coming_.erase({address.link, address.prefix});
  if (removed)
    addresses_.erase({address.link, address.prefix});
  else
    addresses_[{address.link, address.prefix}] = address;
  handlers_.address(address, removed);
}

namespace {

bool is_usable(const netlink::Address& address) {
  return address.protocol != netlink::ballast_address_protocol &&
         (address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;
}

bool is_virtual(const config::VrrpInstance& instance, const net::IpAddress& address) {
  const auto same = [&](const config::VirtualAddress& other) { return other.prefix.address == address; };
  return std::ranges::any_of(instance.virtual_addresses, same) ||
         std::ranges::any_of(instance.virtual_addresses_excluded, same);
}

bool speaks_link_local(const config::VrrpInstance& instance) {
  return instance.unicast_peers.empty() || instance.unicast_peers.front().address.is_link_local();
}

/// The configured source must be on this host, but for IPv4 multicast, where the header may carry any
/// (unless it is tracked).
std::optional<net::IpAddress> check_configured(const config::VrrpInstance& instance, const Host& host) {
  const bool any = instance.source->is_v4() && instance.unicast_peers.empty();
  if (any && !instance.kernel.track_source) return instance.source;
  const auto here = std::ranges::any_of(host.addresses(), [&](const auto& entry) {
    return entry.second.prefix.address == *instance.source &&
           (entry.second.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;
  });
  return here ? instance.source : std::nullopt;
}

}  // namespace

std::optional<net::IpAddress> choose_source(const config::VrrpInstance& instance, const Host& host) {
  if (instance.source) return check_configured(instance, host);
  const auto* link = host.link(instance.interface);
  if (link == nullptr) return std::nullopt;
  const netlink::Address* best = nullptr;
  // The owner of the address may have no other; anyone else prefers a primary address of its own.
  const auto rank = [&](const netlink::Address& address) {
    return (is_virtual(instance, address.prefix.address) ? 2 : 0) + ((address.flags & IFA_F_SECONDARY) != 0 ? 1 : 0);
  };
  for (const auto& [key, address] : host.addresses()) {
    const auto& ip = address.prefix.address;
    if (key.first != link->index || ip.family() != instance.family || !is_usable(address)) continue;
    if (ip.is_v6() && ip.is_link_local() != speaks_link_local(instance)) continue;
    if (best == nullptr || rank(address) < rank(*best)) best = &address;
  }
  if (best == nullptr) return std::nullopt;
  return best->prefix.address;
}

std::string describe_missing_source(const config::VrrpInstance& instance) {
  if (instance.source) return fmt::format("{}, the configured source, is not on this machine", *instance.source);
  if (instance.family == net::Family::ipv4) return instance.interface + " has no IPv4 address to send from";
  return instance.interface + (speaks_link_local(instance) ? " has no link-local IPv6 address to send from yet"
                                                           : " has no global IPv6 address to send from yet");
}

}  // namespace ballast::vrrpd
