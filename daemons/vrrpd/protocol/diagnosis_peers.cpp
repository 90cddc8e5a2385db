// The doctor's judgement: what other routers advertise, and what of it arrives.
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "daemons/vrrpd/protocol/diagnosis.hpp"

namespace ballast::vrrpd {

using bus::Finding;
using bus::Gravity;
using net::IpAddress;

namespace {

class Report {
 public:
  Report(const Observation& seen, Findings& findings) : seen_{seen}, findings_{findings} {}
  void add(Gravity gravity, const char* code, const IpAddress& peer, std::string what, std::string meaning,
           std::string advice) {
    add_at(gravity, code, fmt::format("{} on {}", peer, seen_.interface), std::move(what), std::move(meaning),
           std::move(advice));
  }
  void add_at(Gravity gravity, const char* code, std::string where, std::string what, std::string meaning,
              std::string advice) {
    // One sender, one finding of a kind: it may say the same in several forms.
    if (!told_.emplace(code, where).second) return;
    findings_.push_back(
        {gravity, code, seen_.instance, std::move(where), std::move(what), std::move(meaning), std::move(advice)});
  }

 private:
  const Observation& seen_;
  Findings& findings_;
  std::set<std::pair<std::string, std::string>> told_;
};

std::vector<IpAddress> advertised(const Observation& seen) {
  std::vector<IpAddress> addresses;
  for (const auto& vip : seen.vips) {
    if (vip.advertised && vip.address.family() == seen.family) addresses.push_back(vip.address);
  }
  std::ranges::sort(addresses);
  return addresses;
}

std::vector<IpAddress> without(std::vector<IpAddress> some, const std::vector<IpAddress>& others) {
  std::erase_if(some, [&](const auto& address) { return std::ranges::find(others, address) != others.end(); });
  return some;
}

std::string list(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const auto& address : addresses) texts.push_back(address.to_string());
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

bool is_our_mode(const Observation& seen, const Heard& heard) { return heard.multicast == seen.peers.empty(); }

constexpr auto not_heard = "its advertisements are refused: this router does not know of it, and two may be MASTER";

/// Of one receive check that an advertisement does not pass.
struct Verdict {
  Gravity gravity;
  const char* code;
  const char* meaning;
  const char* advice;
};

Verdict verdict_of(const Heard& heard) {
  constexpr auto authentication =
      "give both the same `authentication` (version 2) or `auth_hmac` keys; while keys change, mode permissive";
  constexpr auto forged = "its sender has no key of ours, or is not who it says";
  switch (*heard.refused) {
    case Refused::ttl:
      return {Gravity::critical, "wrong-ttl", not_heard,
              "look for a router or a firewall rule between the two that changes the TTL; for unicast peers compare "
              "unicast_ttl there with min_ttl, max_ttl here"};
    case Refused::version:
      return {Gravity::critical, "version-mismatch", not_heard, "give both the same `version` (or vrrp_version)"};
    case Refused::checksum:
      return {Gravity::critical, "wrong-checksum", not_heard,
              "something on the way changes advertisements (address translation?), or the sender is broken"};
    case Refused::authentication:
    case Refused::hmac_missing:
    case Refused::hmac_unknown_key:
    case Refused::hmac_malformed:
      return {Gravity::critical, "authentication-mismatch", not_heard, authentication};
    case Refused::hmac_forged:
      return {Gravity::critical, "authentication-mismatch", forged, authentication};
    case Refused::hmac_stale:
      return {Gravity::critical, "clock-skew", not_heard,
              "set the clocks of both by NTP: timedatectl, chronyc tracking"};
    case Refused::hmac_replayed:
      return {Gravity::warning, "replayed", "somebody repeats what a router has sent, or the network doubles packets",
              "tcpdump -e -ni INTERFACE ip proto 112 tells the MAC that they come from"};
    case Refused::interval:
      return {Gravity::critical, "interval-mismatch", not_heard, "give both the same `advert_int`"};
    case Refused::source:
      return {Gravity::critical, "no-unicast-peer", not_heard,
              "add it to unicast_peer, or take us out of its list; the lists must name each other"};
    case Refused::length:
      if (heard.trailer) return {Gravity::critical, "authentication-mismatch", not_heard, authentication};
      break;
    default:
      break;
  }
  return {Gravity::warning, "malformed", not_heard, "whatever sends this is broken: tcpdump -vv ip proto 112"};
}

void judge_group(const Observation& seen, const Heard& heard, Report& report) {
  report.add(Gravity::critical, "vrid-collision", heard.source,
             fmt::format("{} advertises VRID {} with other addresses: {}; ours: {}", heard.source, seen.vrid,
                         list(heard.addresses), list(advertised(seen))),
             "two groups of routers share a VRID: each takes the other for its own, and one of them has no master",
             "give one of the groups another virtual_router_id");
}

void judge_accepted(const Observation& seen, const Heard& heard, Report& report) {
  const auto theirs = heard.addresses;
  const auto ours = advertised(seen);
  if (!seen.skips_address_check && (!without(theirs, ours).empty() || !without(ours, theirs).empty())) {
    report.add(Gravity::warning, "address-mismatch", heard.source,
               fmt::format("{} advertises other addresses than ours: only there {}, only here {}", heard.source,
                           list(without(theirs, ours)), list(without(ours, theirs))),
               "when the role changes hands, addresses that are on one router only are lost or never move",
               "give both the same virtual_ipaddress; what is not to be advertised goes to virtual_ipaddress_excluded");
  }
  if (heard.interval != seen.interval) {
    report.add(Gravity::warning, "interval-mismatch", heard.source,
               fmt::format("{} advertises every {}, we do every {}", heard.source,
                           describe(std::chrono::duration_cast<Duration>(heard.interval)),
                           describe(std::chrono::duration_cast<Duration>(seen.interval))),
               "how long a takeover needs depends on who was MASTER", "give both the same `advert_int`");
  }
  if (heard.priority == seen.priority && heard.priority != priority_leaving) {
    report.add(Gravity::warning, "same-priority", heard.source,
               fmt::format("{} has priority {}, as we have", heard.source, heard.priority),
               "whose address is higher wins; which one that is nobody meant",
               "give each router a priority of its own");
  }
  if (!seen.peers.empty() && std::ranges::find(seen.peers, heard.source) == seen.peers.end()) {
    report.add(Gravity::warning, "no-unicast-peer", heard.source,
               fmt::format("{} advertises to us and is no unicast_peer here", heard.source),
               "it does not hear us, and will be MASTER beside us",
               fmt::format("add {} to unicast_peer, or take us out of its list", heard.source));
  }
}

/// What does no harm yet.
void judge_form(const Observation& seen, const Heard& heard, Report& report) {
  if (heard.skew && 2 * std::abs(*heard.skew) > seen.time_window && seen.time_window > 0) {
    report.add(Gravity::warning, "clock-skew", heard.source,
               fmt::format("{}'s clock is {} s {} ours", heard.source, std::abs(*heard.skew),
                           *heard.skew < 0 ? "behind" : "ahead of"),
               fmt::format("beyond {} s (time_window) its advertisements are refused: two masters", seen.time_window),
               "set the clocks of both by NTP: timedatectl, chronyc tracking");
  }
  if (heard.pseudo_header && *heard.pseudo_header == seen.message_checksum) {
    report.add(Gravity::note, "checksum-form", heard.source,
               fmt::format("{}'s checksum covers {}, ours {}", heard.source,
                           *heard.pseudo_header ? "the pseudo-header, too" : "the message alone",
                           seen.message_checksum ? "the message alone" : "the pseudo-header, too"),
               "Ballast takes both; another router may refuse ours",
               seen.message_checksum ? "remove v3_checksum_as_v2" : "set v3_checksum_as_v2");
  }
}

void judge(const Observation& seen, const Heard& heard, Report& report) {
  if (seen.source && heard.source == *seen.source) {
    return report.add(Gravity::critical, "duplicate-source", heard.source,
                      fmt::format("another machine, {}, advertises from {}, our own address", heard.mac, heard.source),
                      "two machines have one address, or the network sends our packets back",
                      "find who has that MAC: ip neighbour on another machine, or the switch's table");
  }
  if (heard.priority == priority_leaving) return;
  if (is_other_group(seen, heard)) return judge_group(seen, heard, report);
  if (!is_our_mode(seen, heard)) {
    return report.add(
        Gravity::critical, "unicast-mismatch", heard.source,
        heard.multicast ? fmt::format("{} advertises by multicast, this instance by unicast", heard.source)
                        : fmt::format("{} advertises by unicast, this instance by multicast", heard.source),
        "neither hears the other: two may be MASTER", "give both unicast_peer with each other's address, or none");
  }
  if (!heard.refused) {
    judge_accepted(seen, heard, report);
    return judge_form(seen, heard, report);
  }
  const auto verdict = verdict_of(heard);
  report.add(verdict.gravity, verdict.code, heard.source, heard.refusal, verdict.meaning, verdict.advice);
}

void judge_masters(const Observation& seen, Report& report) {
  std::vector<const Heard*> masters;
  for (const auto& heard : seen.heard) {
    const auto kept_out = std::ranges::find(seen.arrivals, heard.source, &Arrival::source);
    if (kept_out != seen.arrivals.end() && is_kept_out(*kept_out)) continue;
    const bool again = std::ranges::find(masters, heard.source, &Heard::source) != masters.end();
    if (is_master_elsewhere(seen, heard) && heard.count > 1 && !again) masters.push_back(&heard);
  }
  if (masters.empty()) return;
  const auto& first = *masters.front();
  if (seen.role == bus::VrrpRole::master) {
    return report.add(Gravity::critical, "two-masters", first.source,
                      fmt::format("{} is MASTER with priority {}, and so are we with {}", first.source, first.priority,
                                  seen.priority),
                      "it does not hear us: clients reach one or the other by chance",
                      fmt::format("on {}: nft list ruleset, tcpdump -ni INTERFACE ip proto 112; and multicast (IGMP "
                                  "snooping without a querier) in the switches",
                                  first.source));
  }
  if (masters.size() < 2) return;
  report.add(Gravity::critical, "two-masters", first.source,
             fmt::format("{} and {} are both MASTER, with priorities {} and {}", first.source, masters[1]->source,
                         first.priority, masters[1]->priority),
             "they do not hear each other: clients reach one or the other by chance",
             "ballastctl doctor on each of them; look at firewalls and at multicast in the switches between them");
}

void judge_stranger(const Observation& seen, const Heard& stranger, Report& report) {
  report.add(Gravity::critical, "other-vrid", stranger.source,
             fmt::format("{} advertises VRID {} with addresses of ours: {}; we are VRID {}", stranger.source,
                         stranger.vrid, list(stranger.addresses), seen.vrid),
             "both are MASTER of the same addresses", "give both the same virtual_router_id");
}

}  // namespace

bool is_kept_out(const Arrival& arrival) { return arrival.on_wire > 1 && arrival.received + 1 < arrival.on_wire; }

bool is_other_group(const Observation& seen, const Heard& heard) {
  const auto ours = advertised(seen);
  return !heard.addresses.empty() && !ours.empty() && without(heard.addresses, ours) == heard.addresses;
}

bool is_master_elsewhere(const Observation& seen, const Heard& heard) {
  return !heard.refused && is_our_mode(seen, heard) && heard.priority != priority_leaving &&
         (!seen.source || heard.source != *seen.source) && !is_other_group(seen, heard);
}

void diagnose_peers(const Observation& seen, Findings& findings) {
  Report report{seen, findings};
  for (const auto& heard : seen.heard) judge(seen, heard, report);
  for (const auto& stranger : seen.strangers) judge_stranger(seen, stranger, report);
  if (!seen.role_changed) judge_masters(seen, report);
}

void diagnose_passage(const Observation& seen, Findings& findings) {
  if (!seen.listened) return;
  Report report{seen, findings};
  for (const auto& arrival : seen.arrivals) {
    if (!is_kept_out(arrival) || (seen.source && arrival.source == *seen.source)) continue;
    const auto what = fmt::format("{} advertisements of {} reached {}, vrrpd received {}", arrival.on_wire,
                                  arrival.source, seen.hears_on, arrival.received);
    if (seen.link.rp_filter == 1 && !arrival.route.empty() && arrival.route != seen.hears_on) {
      report.add(
          Gravity::critical, "rp-filter", arrival.source, what,
          fmt::format("rp_filter is strict, and the way to {} is by {}: the kernel drops what comes by {}",
                      arrival.source, arrival.route, seen.hears_on),
          fmt::format(
              "sysctl -w net.ipv4.conf.{}.rp_filter=2 (in force is the larger of that and of all), or mend the route",
              seen.hears_on));
      continue;
    }
    report.add(
        Gravity::critical, "input-dropped", arrival.source, what,
        "a firewall of this host drops protocol 112: this router does not know of the other, and two may be MASTER",
        fmt::format(
            "nft list ruleset, iptables-save; let it in: nft insert rule inet FILTER INPUT meta l4proto vrrp accept, "
            "or iptables -I INPUT -i {} -p vrrp -j ACCEPT",
            seen.hears_on));
  }
  if (seen.send_failed > 0) {
    report.add_at(Gravity::critical, "output-dropped", seen.sends_on,
                  fmt::format("{} advertisements could not be sent: {}", seen.send_failed, seen.send_error),
                  "others do not hear this router: two may be MASTER",
                  "`Operation not permitted` is a firewall of this host: nft list ruleset; let it out: nft insert rule "
                  "inet FILTER "
                  "OUTPUT meta l4proto vrrp accept");
  } else if (seen.sent > 1 && seen.left + 1 < seen.sent) {
    report.add_at(
        Gravity::critical, "output-dropped", seen.sends_on,
        fmt::format("{} advertisements were sent, {} left by {}", seen.sent, seen.left, seen.sends_on),
        "others do not hear this router: two may be MASTER",
        fmt::format("a filter behind the socket drops them: nft list ruleset (postrouting, egress), tc filter show "
                    "dev {} egress, tc -s qdisc show dev {}",
                    seen.sends_on, seen.sends_on));
  }
}

}  // namespace ballast::vrrpd
