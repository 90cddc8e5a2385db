// The doctor's judgement: who answers for the virtual addresses.
#include <fmt/ranges.h>

#include <algorithm>

#include "daemons/vrrpd/protocol/diagnosis.hpp"
#include "daemons/vrrpd/protocol/packet.hpp"

namespace ballast::vrrpd {

using bus::Gravity;

namespace {

/// `02:00:00:00:00:03 (which 10.0.0.3 advertises from)`
std::string describe(const Observation& seen, const net::MacAddress& mac) {
  if (const auto vrid = vrid_of(mac)) return fmt::format("{} (the virtual MAC of VRID {})", mac, *vrid);
  const auto sender = std::ranges::find(seen.heard, mac, &Heard::mac);
  if (sender == seen.heard.end()) return mac.to_string();
  return fmt::format("{} (which {} advertises from)", mac, sender->source);
}

std::string describe(const Observation& seen, const std::vector<net::MacAddress>& macs) {
  std::vector<std::string> texts;
  for (const auto& mac : macs) texts.push_back(describe(seen, mac));
  return fmt::format("{}", fmt::join(texts, " and "));
}

const Heard* master_elsewhere(const Observation& seen) {
  const auto found =
      std::ranges::find_if(seen.heard, [&](const Heard& heard) { return is_master_elsewhere(seen, heard); });
  return found == seen.heard.end() ? nullptr : &*found;
}

bool answers_for(const Observation& seen, const Heard& master, const net::MacAddress& mac) {
  if (mac == virtual_mac(seen.family, seen.vrid)) return true;
  return std::ranges::any_of(seen.heard,
                             [&](const Heard& heard) { return heard.source == master.source && heard.mac == mac; });
}

class Owners {
 public:
  Owners(const Observation& seen, const VipObservation& vip, Findings& findings)
      : seen_{seen}, vip_{vip}, findings_{findings}, master_{master_elsewhere(seen)} {}

  void diagnose() {
    for (const auto& interface : vip_.own_answers) {
      add(Gravity::warning, "arp-flux", fmt::format("{} of this host answers for {}, too", interface, vip_.address),
          "two interfaces of this host are on one network, and clients' packets come by either",
          "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2");
    }
    if (seen_.role == bus::VrrpRole::master) return as_master();
    if (vip_.answers.size() > 1) return several();
    if (vip_.answers.size() == 1) return one(vip_.answers.front());
    if (!vip_.present_on.empty() || seen_.holds_addresses) return;
    none();
  }

 private:
  void add(Gravity gravity, const char* code, std::string what, std::string meaning, std::string advice) {
    findings_.push_back({gravity, code, seen_.instance, fmt::format("{} on {}", vip_.address, vip_.probed_on),
                         std::move(what), std::move(meaning), std::move(advice)});
  }
  static constexpr auto by_chance = "clients reach one or the other by chance";
  static constexpr auto find_it =
      "find that machine by its MAC (the switch's table, ip neighbour) and take the address from it: ip address delete";

  void as_master() {
    if (vip_.answers.empty()) return;
    add(Gravity::critical, "duplicate-owner",
        fmt::format("{} answers for {}, too, of which we are MASTER", describe(seen_, vip_.answers), vip_.address),
        by_chance, find_it);
  }
  void several() {
    add(Gravity::critical, "duplicate-owner",
        fmt::format("{} answer for {}", describe(seen_, vip_.answers), vip_.address), by_chance, find_it);
  }
  void one(const net::MacAddress& mac) {
    if (master_ == nullptr) {
      add(Gravity::critical, "foreign-owner",
          fmt::format("{} answers for {}, and nobody advertises VRID {}", describe(seen_, mac), vip_.address,
                      seen_.vrid),
          "a machine has the address without VRRP, or its advertisements do not get here: soon two machines have it",
          find_it);
    } else if (vip_.probed_on == seen_.interface && !answers_for(seen_, *master_, mac)) {
      add(Gravity::critical, "foreign-owner",
          fmt::format("{} answers for {}, but {} is MASTER, at {}", describe(seen_, mac), vip_.address, master_->source,
                      describe(seen_, master_->mac)),
          "clients reach another machine than the MASTER", find_it);
    }
  }
  void none() {
    const bool near = master_ != nullptr && master_->ttl == vrrp_ttl && master_->count > 1;
    const bool has_it = near && std::ranges::find(master_->addresses, vip_.address) != master_->addresses.end();
    if (!has_it || vip_.probed_on != seen_.interface) return;
    add(Gravity::critical, "vip-unanswered",
        fmt::format("nobody answers for {}, of which {} is MASTER", vip_.address, master_->source),
        "clients of this network do not reach the address",
        fmt::format(
            "on {}: ip address show (is it there?), sysctl net.ipv4.conf.all.arp_ignore (above 1 it may keep quiet), "
            "arptables -L, nft list ruleset",
            master_->source));
  }

  const Observation& seen_;
  const VipObservation& vip_;
  Findings& findings_;
  const Heard* master_;
};

}  // namespace

void diagnose_owners(const Observation& seen, Findings& findings) {
  for (const auto& vip : seen.vips) {
    if (!vip.probed_on.empty()) Owners{seen, vip, findings}.diagnose();
  }
}

}  // namespace ballast::vrrpd
