// Speaker: what the doctor asks it.
#include <linux/if_addr.h>

#include <algorithm>

#include "daemons/vrrpd/protocol/packet.hpp"
#include "daemons/vrrpd/shell/doctor.hpp"
#include "daemons/vrrpd/shell/host_facts.hpp"
#include "daemons/vrrpd/shell/speaker.hpp"

namespace ballast::vrrpd {
namespace {

/// Links and addresses by what the doctor looks them up with.
struct Index {
  explicit Index(const Host& host) {
    for (const auto& name : host.link_names()) links[host.link(name)->index] = host.link(name);
    for (const auto& [key, address] : host.addresses()) addresses.emplace(address.prefix.address, &address);
  }
  std::map<int, const netlink::Link*> links;
  std::multimap<net::IpAddress, const netlink::Address*> addresses;
};

LinkObservation look_at_link(const netlink::Link* link, const Index& index) {
  LinkObservation look;
  if (link == nullptr) return look;
  look.exists = true;
  look.up = link->admin_up;
  look.carrier = link->running;
  look.mtu = link->mtu;
  if (link->kind == "veth" || link->peer_index == 0 || link->peer_elsewhere) return look;
  const auto below = index.links.find(link->peer_index);
  if (below == index.links.end()) return look;
  look.parent = below->second->name;
  look.parent_mtu = below->second->mtu;
  return look;
}

VipObservation look_at_vip(const Index& index, const config::VirtualAddress& vip, bool advertised) {
  VipObservation look;
  look.address = vip.prefix.address;
  look.interface = vip.interface;
  look.advertised = advertised;
  const auto [first, last] = index.addresses.equal_range(vip.prefix.address);
  for (auto entry = first; entry != last; ++entry) {
    const auto link = index.links.find(entry->second->link);
    if (link == index.links.end()) continue;
    look.present_on.push_back(link->second->name);
    const auto flags = entry->second->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED);
    look.tentative |= flags == IFA_F_TENTATIVE;
    look.duplicate |= (flags & IFA_F_DADFAILED) != 0;
  }
  return look;
}

/// By the interface below the virtual MAC's link: a frame with that MAC would draw the MASTER's packets here.
std::string probe_interface(const config::VrrpInstance& settings, const std::string& interface) {
  const auto vmac = std::ranges::find(settings.kernel.vmacs, interface, &config::Vmac::name);
  return vmac == settings.kernel.vmacs.end() ? interface : vmac->interface;
}

/// A solicitation from :: would be answered to everybody, and change their caches.
std::optional<net::IpAddress> probe_source(const Host& host, int link) {
  for (const auto& [key, address] : host.addresses()) {
    const auto& ip = address.prefix.address;
    if (key.first == link && ip.is_v6() && ip.is_link_local() &&
        address.protocol != netlink::ballast_address_protocol &&
        (address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0) {
      return ip;
    }
  }
  return std::nullopt;
}

std::optional<Question> question_about(const Host& host, const config::VrrpInstance& settings,
                                       const config::VirtualAddress& vip) {
  const auto interface = probe_interface(settings, vip.interface);
  const auto* link = host.link(interface);
  if (link == nullptr || link->mac.is_zero() || !host.is_up(interface)) return std::nullopt;
  const auto source = probe_source(host, link->index);
  if (vip.prefix.address.is_v6() && !source) return std::nullopt;
  return Question{vip.prefix.address, interface, link->mac, source.value_or(net::IpAddress{})};
}

bool forwards_by_nat(const config::VirtualServer& service) {
  const auto nat = [](const auto& server) { return server.method == config::Method::nat; };
  return service.engine == config::EngineKind::ipvs && std::ranges::any_of(service.real_servers, nat);
}

Observation look_at(const Router& router) {
  const auto& settings = router.config;
  Observation seen;
  seen.instance = settings.name;
  seen.interface = settings.interface;
  seen.hears_on = listening_interface(settings);
  seen.sends_on = sending_interface(settings);
  seen.family = settings.family;
  seen.vrid = settings.virtual_router_id;
  seen.version = settings.version;
  seen.priority = router.core.priority();
  seen.interval = settings.advert_interval;
  seen.skips_address_check = settings.election.skip_check_adv_addr;
  seen.message_checksum = settings.v3_checksum_as_v2;
  seen.signs = router.authenticator && router.authenticator->signs();
  if (settings.auth_hmac && settings.auth_hmac->anti_replay == config::AntiReplay::time) {
    seen.time_window = static_cast<int>(router.authenticator->window().count());
  }
  for (const auto& peer : settings.unicast_peers) seen.peers.push_back(peer.address);
  seen.role = router.core.role();
  seen.reason = router.core.reason();
  seen.fault = router.core.own_fault().value_or("");
  seen.holds_addresses = router.put;
  seen.source = router.core.source();
  seen.master = router.core.master();
  seen.send_error = router.send_error;
  return seen;
}

}  // namespace

Consultation Speaker::consult() const {
  Consultation all;
  const Index index{*host_};
  for (const auto& [name, router] : routers_) {
    Patient patient{router->config,          look_at(*router), router->counters.sent,
                    router->counters.failed, router->since,    {}};
    patient.seen.link = look_at_link(host_->link(patient.seen.interface), index);
    const auto& settings = router->config;
    for (const auto* list : {&settings.virtual_addresses, &settings.virtual_addresses_excluded}) {
      for (const auto& vip : *list) {
        patient.seen.vips.push_back(look_at_vip(index, vip, list == &settings.virtual_addresses));
        if (auto question = question_about(*host_, settings, vip)) patient.questions.push_back(std::move(*question));
      }
    }
    all.host.needs_clock |= settings.auth_hmac && settings.auth_hmac->anti_replay == config::AntiReplay::time;
    all.patients.push_back(std::move(patient));
  }
  for (const auto& name : host_->link_names()) {
    const auto& mac = host_->link(name)->mac;
    if (!mac.is_zero() && !vrid_of(mac)) all.own_macs.emplace(mac, name);
  }
  look_at_host(all.host);
  return all;
}

void Speaker::look_at_host(HostObservation& host) const {
  host.real_time = runs_in_real_time();
  host.clock_synchronised = clock_is_synchronised();
  host.forwards4 = link_setting(net::Family::ipv4, "all", "forwarding").value_or(1) != 0;
  host.forwards6 = link_setting(net::Family::ipv6, "all", "forwarding").value_or(1) != 0;
  for (const auto& service : model_.virtual_servers) {
    if (!forwards_by_nat(service) || service.endpoints.empty()) continue;
    auto& list = service.endpoints.front().address.is_v4() ? host.needs_forwarding4 : host.needs_forwarding6;
    list.push_back(service.name);
  }
  for (const auto& [interface, values] : kernel_plan().settings) {
    for (const auto& [name, wanted] : values) {
      // Only rp_filter is of all links, and that of "all" is 0 on purpose.
      if (interface != "all" && interface != "default") host.settings.push_back({interface, name, wanted, wanted});
    }
  }
}

void look_at_settings(Observation& seen) {
  auto& link = seen.link;
  link.multicast = does_multicast(seen.interface).value_or(true);
  link.ipv6_disabled = link_setting(net::Family::ipv6, seen.interface, "disable_ipv6").value_or(0) != 0;
  link.rp_filter = std::max(link_setting(net::Family::ipv4, "all", "rp_filter").value_or(0),
                            link_setting(net::Family::ipv4, seen.hears_on, "rp_filter").value_or(0));
}

}  // namespace ballast::vrrpd
