#include "daemons/vrrpd/protocol/diagnosis.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace ballast::vrrpd {

using bus::Finding;
using bus::Gravity;

namespace {

Finding about(const Observation& seen, Gravity gravity, const char* code, std::string where, std::string what,
              std::string meaning, std::string advice) {
  return {gravity, code, seen.instance, std::move(where), std::move(what), std::move(meaning), std::move(advice)};
}

void diagnose_link(const Observation& seen, Findings& findings) {
  const auto& link = seen.link;
  const auto& name = seen.interface;
  const auto add = [&](const char* code, std::string what, std::string meaning, std::string advice) {
    findings.push_back(
        about(seen, Gravity::critical, code, name, std::move(what), std::move(meaning), std::move(advice)));
  };
  if (!link.exists) {
    return add("no-interface", name + " does not exist", "the instance cannot run here",
               "compare `ip link` with `interface` of the configuration");
  }
  if (!link.up)
    return add("interface-down", name + " is down", "the instance cannot run here", "ip link set " + name + " up");
  if (!link.carrier) {
    return add("no-carrier", name + " has no carrier", "nothing can be sent or heard there",
               "look at the cable and at the switch's port; ethtool " + name);
  }
  if (seen.peers.empty() && !link.multicast) {
    add("no-multicast", name + " does no multicast",
        "advertisements to " + multicast_group(seen.family).to_string() + " are not heard by others, or not heard here",
        "ip link set " + name + " multicast on, or use unicast_peer");
  }
  if (seen.family == net::Family::ipv6 && link.ipv6_disabled) {
    return add("ipv6-disabled", "IPv6 is switched off on " + name, "an instance of IPv6 addresses cannot run there",
               fmt::format("sysctl -w net.ipv6.conf.{}.disable_ipv6=0", name));
  }
  if (!seen.source && seen.fault.empty()) {
    add("no-source", name + " has no address to send advertisements from", "the instance cannot run here",
        "ip address show dev " + name + ", or set mcast_src_ip or unicast_src_ip");
  }
  if (!seen.fault.empty()) {
    add(seen.source ? "fault" : "no-source", seen.fault, "the instance cannot run here",
        "remove the cause; it leaves FAULT by itself");
  } else if (seen.role == bus::VrrpRole::fault) {
    add("fault", seen.reason, "the instance cannot run here", "look at the other instances of its vrrp_sync_group");
  }
}

void diagnose_change(const Observation& seen, Findings& findings) {
  if (!seen.role_changed) return;
  findings.push_back(
      about(seen, Gravity::warning, "role-changed", seen.interface,
            fmt::format("the master changed while it was looked at; here it is {} now ({})", seen.role, seen.reason),
            "if nobody wanted it, the instance flaps; who has the addresses was not judged",
            "ballastctl events; and ask again"));
}

/// How long its advertisements are, with their IP header.
std::size_t packet_length(const Observation& seen) {
  const bool v4 = seen.family == net::Family::ipv4;
  const auto advertised = std::ranges::count_if(
      seen.vips, [&](const VipObservation& vip) { return vip.advertised && vip.address.family() == seen.family; });
  return (v4 ? 20U : 40U) + 8U + static_cast<std::size_t>(advertised) * (v4 ? 4U : 16U) +
         (seen.version == 2 ? 8U : 0U) + (seen.signs ? trailer_length : 0U);
}

void diagnose_mtu(const Observation& seen, Findings& findings) {
  const auto& link = seen.link;
  if (!link.exists) return;
  if (const auto length = packet_length(seen); length > link.mtu) {
    findings.push_back(about(
        seen, Gravity::critical, "mtu", seen.interface,
        fmt::format("an advertisement has {} bytes, {} takes {}", length, seen.interface, link.mtu),
        "it is not sent, or in fragments that others may not take",
        "move addresses to virtual_ipaddress_excluded, which is not advertised, or give the interface a larger mtu"));
  }
  if (!link.parent.empty() && link.mtu > link.parent_mtu) {
    findings.push_back(about(
        seen, Gravity::warning, "mtu", seen.interface,
        fmt::format("{} has mtu {}, {} below it {}", seen.interface, link.mtu, link.parent, link.parent_mtu),
        "large packets to and from the addresses are lost",
        fmt::format("ip link set {} mtu {}, or a larger one for {}", seen.interface, link.parent_mtu, link.parent)));
  }
}

void diagnose_vip(const Observation& seen, const VipObservation& vip, Findings& findings) {
  const bool here = std::ranges::find(vip.present_on, vip.interface) != vip.present_on.end();
  const auto add = [&](Gravity gravity, const char* code, std::string what, std::string meaning, std::string advice) {
    findings.push_back(about(seen, gravity, code, fmt::format("{} on {}", vip.address, vip.interface), std::move(what),
                             std::move(meaning), std::move(advice)));
  };
  if (vip.duplicate) {
    add(Gravity::critical, "dad-failed",
        fmt::format("the kernel does not use {}: duplicate address detection has failed", vip.address),
        "another machine has it, or had it when it was added; nobody reaches it here",
        "find the other one (ip -6 address on each machine), then restart vrrpd or hand over and back");
  } else if (vip.tentative) {
    add(Gravity::warning, "tentative", fmt::format("{} is tentative", vip.address),
        "it is not used until duplicate address detection is over", "leave out `-nodad` in its line");
  }
  if (seen.role == bus::VrrpRole::master && !here) {
    add(Gravity::critical, "vip-missing",
        fmt::format("{} is not on {} though the instance is MASTER here", vip.address, vip.interface),
        "nobody reaches it", "journalctl -u vrrpd says why it could not be added; another program may take it away");
  }
  if (seen.role == bus::VrrpRole::master || seen.holds_addresses) return;
  for (const auto& interface : vip.present_on) {
    if (interface == "lo") continue;  // a load balancer that is a real server, too
    add(Gravity::critical, "vip-not-ours",
        fmt::format("{} is on {} though the instance is {} here", vip.address, interface, seen.role),
        "two machines have the address: clients reach one or the other by chance",
        fmt::format("ip address delete {} dev {}, and look who adds it: a network manager, or keepalived beside us",
                    vip.address, interface));
  }
}

}  // namespace

void diagnose_interface(const Observation& seen, Findings& findings) {
  diagnose_link(seen, findings);
  diagnose_mtu(seen, findings);
  for (const auto& vip : seen.vips) diagnose_vip(seen, vip, findings);
}

Findings diagnose(const Observation& seen) {
  Findings findings;
  diagnose_change(seen, findings);
  diagnose_interface(seen, findings);
  diagnose_passage(seen, findings);
  diagnose_peers(seen, findings);
  if (!seen.role_changed) diagnose_owners(seen, findings);
  return findings;
}

namespace {

void diagnose_forwarding(const std::vector<std::string>& services, bool on, const char* setting, Findings& findings) {
  if (services.empty() || on) return;
  findings.push_back({Gravity::critical, "forwarding-off", "", setting,
                      fmt::format("{} is 0, and IPVS forwards {} by NAT", setting, fmt::join(services, ", ")),
                      "answers of the servers stop here",
                      fmt::format("sysctl -w {}=1, and write it to /etc/sysctl.d", setting)});
}

}  // namespace

Findings diagnose(const HostObservation& seen) {
  Findings findings;
  if (!seen.real_time) {
    findings.push_back({Gravity::note, "no-real-time", "", "vrrpd", "vrrpd runs without real-time priority",
                        "on a busy machine its advertisements are late, and a backup takes over for nothing",
                        "start it by its unit (CPUSchedulingPolicy=rr), or give the container CAP_SYS_NICE"});
  }
  if (seen.needs_clock && seen.clock_synchronised == false) {
    findings.push_back(
        {Gravity::warning, "clock-unsynchronised", "", "system clock", "the clock is not synchronised",
         "auth_hmac refuses advertisements of another time (time_window): two masters, once the clocks are apart",
         "timedatectl set-ntp true, or chronyc tracking"});
  }
  diagnose_forwarding(seen.needs_forwarding4, seen.forwards4, "net.ipv4.ip_forward", findings);
  diagnose_forwarding(seen.needs_forwarding6, seen.forwards6, "net.ipv6.conf.all.forwarding", findings);
  for (const auto& each : seen.settings) {
    if (each.actual >= each.wanted) continue;
    const auto name = fmt::format("net.ipv4.conf.{}.{}", each.interface, each.name);
    findings.push_back({Gravity::warning, "setting-changed", "", each.interface,
                        fmt::format("{} is {}, expected at least {}", name, each.actual, each.wanted),
                        "somebody changed what vrrpd had set: interfaces may answer ARP for one another's addresses",
                        fmt::format("sysctl -w {}={}, and look for the line in /etc/sysctl.d that says otherwise", name,
                                    each.wanted)});
  }
  return findings;
}

void sort_by_gravity(Findings& findings) { std::ranges::stable_sort(findings, {}, &Finding::gravity); }

}  // namespace ballast::vrrpd
