#pragma once
// A machine as tests write it: lo and eth0, with what is put on them.
#include "tools/realserver/planner.hpp"
#include "tools/realserver/settings.hpp"

namespace ballast::realserver {

constexpr int lo = 1;
constexpr int eth0 = 2;

inline net::IpAddress ip(const char* text) { return *net::IpAddress::parse(text); }
inline net::Prefix prefix(const char* text) { return *net::Prefix::parse(text); }

inline netlink::Link link(int index, const char* name, bool up = true) {
  netlink::Link made;
  made.index = index;
  made.name = name;
  made.admin_up = up;
  return made;
}

inline netlink::Address address(int link, const char* text, std::uint8_t mark = 0, std::uint8_t scope = 0) {
  netlink::Address made;
  made.link = link;
  made.prefix = prefix(text);
  made.protocol = mark;
  made.scope = scope;
  return made;
}

constexpr std::uint8_t host_scope = 254;

inline Wanted wanted(Mode mode, std::vector<const char*> vips) {
  Wanted made;
  made.mode = mode;
  for (const auto* vip : vips) made.vips.push_back(ip(vip));
  if (mode != Mode::fnat) made.interfaces = {"eth0"};
  if (mode == Mode::fnat) made.trust = {prefix("10.0.0.0/24")};
  return made;
}

/// As a freshly installed machine is.
inline Found fresh() {
  Found found;
  found.links = {link(lo, "lo"), link(eth0, "eth0")};
  found.addresses = {address(lo, "127.0.0.1/8", 0, host_scope), address(eth0, "10.0.0.21/24")};
  for (const auto* interface : {"all", "eth0"}) {
    for (const auto* setting : {"arp_ignore", "arp_announce", "rp_filter"}) {
      found.settings[fmt::format("net/ipv4/conf/{}/{}", interface, setting)] = 0;
    }
  }
  found.attachments["eth0"] = {};
  return found;
}

inline std::string conf(const char* interface, const char* setting) {
  return fmt::format("net/ipv4/conf/{}/{}", interface, setting);
}

/// Carries steps out on what is found.
struct Hands {
  Found& found;
  const std::optional<Wanted>& wish;

  void operator()(const RemoveAddress& step) const {
    std::erase_if(found.addresses, [&](const auto& each) {
      return each.link == step.address.link && each.prefix == step.address.prefix;
    });
  }
  void operator()(const AddAddress& step) const { found.addresses.push_back(step.address); }
  void operator()(const ChangeSetting& step) const { found.settings[step.name] = step.value; }
  void operator()(const RestoreSetting& step) const { found.settings[step.name] = step.value; }
  void operator()(const Unwrap&) const {
    found.tunnel_maps = true;
    found.tunnel_pins = wish->interfaces;
    for (const auto& interface : wish->interfaces)
      found.attachments[interface] = {Holder::us, true, "'ballast_tunnel'"};
  }
  void operator()(const StopUnwrapping& step) const {
    for (const auto& interface : step.interfaces) {
      std::erase(found.tunnel_pins, interface);
      found.attachments[interface] = {};
    }
    if (step.entirely) found.tunnel_maps = false;
  }
  void operator()(const ShowClients&) const { found.client_pins = found.clients_attached = true; }
  void operator()(const StopShowingClients&) const { found.client_pins = found.clients_attached = false; }
};

/// What is found after these steps were carried out.
inline Found after(Found found, const std::vector<Step>& steps, const std::optional<Wanted>& wish) {
  for (const auto& step : steps) std::visit(Hands{found, wish}, step);
  return found;
}

}  // namespace ballast::realserver
