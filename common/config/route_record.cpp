#include "common/config/route_record.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/config/kernel_names.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t most_hops = 64;
constexpr std::array counted{string_view{"mtu"},      string_view{"advmss"},
                             string_view{"hoplimit"}, string_view{"rtt"},
                             string_view{"rttvar"},   string_view{"reordering"},
                             string_view{"window"},   string_view{"cwnd"},
                             string_view{"ssthresh"}, string_view{"rto_min"},
                             string_view{"initcwnd"}, string_view{"initrwnd"},
                             string_view{"quickack"}, string_view{"fastopen_no_cookie"}};
constexpr std::array ignored_for_now{string_view{"expires"}, string_view{"encap"}, string_view{"vrf"},
                                     string_view{"ttl-propagate"}};

/// `300ms`, `0.3s` or a number in the kernel's own unit, which is `scale` to a millisecond.
Result<std::uint32_t> parse_time(std::string_view text, unsigned scale) {
  if (const auto raw = parse_any_number(text)) return raw;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
  const double factor = unit == "s" || unit == "sec" || unit == "secs"      ? 1000
                        : unit == "ms" || unit == "msec" || unit == "msecs" ? 1
                                                                            : 0;
  const double product = value * factor * scale;
  if (error != std::errc{} || factor == 0 || !(product >= 0) || product > 0xffff'ffff) {
    return fail("'{}' is no time: expected 300ms, 0.3s or the kernel's number", shorten(text));
  }
  return static_cast<std::uint32_t>(std::llround(product));
}

Result<std::uint32_t> parse_metric(std::string_view name, std::string_view text) {
  constexpr unsigned rtt_scale = 8;     // the kernel keeps eighths
  constexpr unsigned rttvar_scale = 4;  // and quarters
  if (name == "rtt") return parse_time(text, rtt_scale);
  if (name == "rttvar") return parse_time(text, rttvar_scale);
  if (name == "rto_min") return parse_time(text, 1);
  const std::uint32_t most = name == "hoplimit" ? 255 : name == "quickack" || name == "fastopen_no_cookie" ? 1 : ~0U;
  return parse_any_number(text, most);
}

class RouteReader {
 public:
  RouteReader(Binder& binder, const Statement& record)
      : binder_{binder}, record_{record}, options_{binder, record, 0} {}

  void run(std::vector<RouteDraft>& list) {
    while (const auto* word = options_.next()) take(*word);
    finish();
    if (!failed_) list.push_back({std::move(route_), record_.at()});
  }

 private:
  void take(const Word& word) {
    const auto& text = word.text;
    if (const auto kind = from_name<RouteKind>(text); kind && !destination_) {
      route_.kind = *kind;
    } else if (const auto placement = from_name<RoutePlacement>(text)) {
      route_.placement = *placement;
    } else if (text == "inet" || text == "inet6") {
      family_ = text == "inet" ? net::Family::ipv4 : net::Family::ipv6;
    } else if (text == "no_track") {
      route_.track = false;
    } else if (text == "onlink") {
      hop().onlink = true;
    } else if (text == "nexthop") {
      next_hop(word);
    } else if (!take_valued(word)) {
      take_destination(word);
    }
  }

  /// Options with a value; false: not one.
  bool take_valued(const Word& word) {
    const auto& text = word.text;
    if (text == "to") return with_value(word, [&](const Word& value) { take_destination(value); });
    if (text == "via" || text == "gw") return take_gateway(word);
    if (text == "or") {
      next_hop(word);
      return take_gateway(word);
    }
    if (text == "src")
      return with_value(word, [&](const Word& value) { set(value, route_.source, net::IpAddress::parse); });
    if (text == "from")
      return with_value(word, [&](const Word& value) { set(value, route_.from, net::Prefix::parse); });
    if (text == "dev" || text == "oif") {
      return with_value(word, [&](const Word& value) { set(value, hop().interface, parse_interface); });
    }
    if (text == "table") return with_value(word, [&](const Word& value) { set(value, route_.table, parse_table); });
    if (text == "metric" || text == "priority" || text == "preference") {
      return with_value(word, [&](const Word& value) { set(value, route_.metric, whole); });
    }
    if (text == "tos" || text == "dsfield") {
      return with_value(word, [&](const Word& value) { set(value, route_.tos, parse_tos); });
    }
    if (text == "scope") return with_value(word, [&](const Word& value) { set(value, route_.scope, parse_scope); });
    if (text == "proto" || text == "protocol") {
      return with_value(word, [&](const Word& value) { take_protocol(value); });
    }
    if (text == "realms") {
      auto& realms = several_ ? hop().realms : route_.realms;
      return with_value(word, [&](const Word& value) { set(value, realms, parse_realms); });
    }
    if (text == "weight") return with_value(word, [&](const Word& value) { take_weight(value); });
    if (text == "track_group") return with_value(word, [&](const Word& value) { route_.group = value.text; });
    return take_metric(word);
  }

  bool take_metric(const Word& word) {
    const auto& text = word.text;
    if (std::ranges::find(counted, text) != counted.end() || text == "congctl") {
      if (options_.take("lock")) route_.locked.push_back(text);
      return with_value(word, [&](const Word& value) {
        if (text == "congctl")
          route_.congestion_control = value.text;
        else
          set(value, route_.metrics[text], [&](std::string_view given) { return parse_metric(text, given); });
      });
    }
    if (text == "features") return with_value(word, [&](const Word& value) { take_feature(value); });
    if (text == "pref") return with_value(word, [&](const Word& value) { take_preference(value); });
    if (std::ranges::find(ignored_for_now, text) == ignored_for_now.end()) return false;
    return with_value(word, [&](const Word&) { options_.not_yet(word); });
  }

  template <class Take>
  bool with_value(const Word& word, Take take) {
    if (const auto* value = options_.value_of(word))
      take(*value);
    else
      failed_ = true;
    return true;
  }

  template <class Target, class Parser>
  void set(const Word& word, Target& target, Parser parse) {
    using T = std::decay_t<decltype(*parse(string_view{}))>;
    if (const auto value = read<T>(binder_, word, parse))
      target = *value;
    else
      failed_ = true;
  }

  static Result<std::uint32_t> whole(std::string_view text) { return parse_any_number(text); }

  bool take_gateway(const Word& word) {
    if (!options_.take("inet")) static_cast<void>(options_.take("inet6"));
    return with_value(word, [&](const Word& value) { set(value, hop().via, net::IpAddress::parse); });
  }

  void take_protocol(const Word& word) {
    std::uint8_t value = 0;
    set(word, value, parse_route_protocol);
    if (!failed_) route_.protocol = value;
  }

  void take_weight(const Word& word) {
    constexpr unsigned most = 256;
    set(word, hop().weight, [](std::string_view text) { return parse_number(text, 1, most); });
  }

  void take_feature(const Word& word) {
    if (word.text == "ecn") {
      route_.metrics["features"] = 1;  // RTAX_FEATURE_ECN
    } else {
      error(word.at, fmt::format("unknown feature '{}', expected ecn", shorten(word.text)));
    }
  }

  void take_preference(const Word& word) {
    if (word.text != "low" && word.text != "medium" && word.text != "high") {
      return error(word.at, fmt::format("'{}' is none of low|medium|high", shorten(word.text)));
    }
    route_.preference = word.text == "medium" ? "" : word.text;
  }

  void take_destination(const Word& word) {
    if (destination_) return error(word.at, fmt::format("unknown option '{}'", shorten(word.text)));
    destination_ = word;
    if (word.text == "default" || word.text == "any" || word.text == "all") return;
    set(word, route_.destination, net::Prefix::parse);
    if (failed_) return;
    const auto family = route_.destination.address.family();
    if (family_ && *family_ != family) error(word.at, fmt::format("{} is of another family", word.text));
    family_ = family;
  }

  void next_hop(const Word& word) {
    if (several_ || !route_.hops.empty()) route_.hops.emplace_back();
    several_ = true;
    if (route_.hops.size() > most_hops) error(word.at, fmt::format("a route has {} next hops at most", most_hops));
  }

  RouteHop& hop() {
    if (route_.hops.empty()) route_.hops.emplace_back();
    return route_.hops.back();
  }

  void finish() {
    if (!destination_) return error(record_.at(), "a route has no destination");
    if (failed_) return;
    settle_family();
    const bool any = destination_->text == "default" || destination_->text == "any" || destination_->text == "all";
    if (any) {
      route_.destination = *net::Prefix::parse(*family_ == net::Family::ipv4 ? "0.0.0.0/0" : "::/0");
    }
    check();
  }

  /// Of a destination that has none: what the others say, or else IPv4.
  void settle_family() {
    if (family_) return;
    family_ = net::Family::ipv4;
    if (route_.source) family_ = route_.source->family();
    if (route_.from) family_ = route_.from->address.family();
    for (const auto& each : route_.hops) {
      if (each.via) family_ = each.via->family();
    }
  }

  void check() {
    const bool six = *family_ == net::Family::ipv6;
    if (route_.source && route_.source->family() != *family_) error(record_.at(), "src is of another family");
    if (route_.from && (!six || route_.from->address.family() != *family_)) {
      error(record_.at(), "from is for routes of IPv6 alone, and of their family");
    }
    for (auto& each : route_.hops) {
      if (each.via && six && each.via->is_v4()) error(record_.at(), "an IPv6 route has no IPv4 gateway");
      if (each.interface.empty() && route_.hops.size() > 1) each.interface = route_.hops.back().interface;
    }
    const bool ways = route_.kind < RouteKind::blackhole;
    if (!ways && !route_.hops.empty()) {
      error(record_.at(), fmt::format("a {} route has no gateway and no interface", route_.kind));
    }
    if (ways &&
        std::ranges::none_of(route_.hops, [](const auto& each) { return each.via || !each.interface.empty(); })) {
      error(record_.at(), "a route needs via ADDRESS or dev INTERFACE");
    }
    if (!six && !route_.preference.empty()) error(record_.at(), "pref is for routes of IPv6 alone");
    if (route_.protocol && route_.track) {
      binder_.report().warning(record_.at(), "only a route with no_track has a protocol of its own: it is ignored");
      route_.protocol.reset();
    }
  }

  void error(Position at, const std::string& message) {
    binder_.report().error(at, message);
    failed_ = true;
  }

  Binder& binder_;
  const Statement& record_;
  Options options_;
  Route route_;
  std::optional<Word> destination_;
  std::optional<net::Family> family_;
  bool several_ = false;
  bool failed_ = false;
};

std::string record_of(const RouteHop& hop) {
  std::string out;
  if (hop.via) out += fmt::format(" via {}", *hop.via);
  if (!hop.interface.empty()) out += " dev " + hop.interface;
  if (hop.onlink) out += " onlink";
  return out;
}

std::string realms_text(std::uint32_t realms) { return fmt::format(" realms {}/{}", realms >> 16, realms & 0xffffU); }

}  // namespace

void add_route_record(Binder& binder, const Statement& record, std::vector<RouteDraft>& list) {
  RouteReader{binder, record}.run(list);
}

std::string record_of(const Route& route) {
  std::string out;
  if (route.kind != RouteKind::unicast) out += fmt::format("{} ", route.kind);
  out += route.destination.to_string();
  if (route.from) out += fmt::format(" from {}", *route.from);
  if (route.source) out += fmt::format(" src {}", *route.source);
  if (route.hops.size() == 1) out += record_of(route.hops.front());
  if (route.tos != 0) out += fmt::format(" tos {:#x}", route.tos);
  if (route.table != 254) out += fmt::format(" table {}", route.table);
  if (route.metric != 0) out += fmt::format(" metric {}", route.metric);
  if (route.scope != 0) out += fmt::format(" scope {}", route.scope);
  if (route.protocol) out += fmt::format(" proto {}", *route.protocol);
  if (route.realms != 0) out += realms_text(route.realms);
  const auto locked = [&](std::string_view name) {
    return std::ranges::find(route.locked, name) == route.locked.end() ? "" : "lock ";
  };
  for (const auto& [name, value] : route.metrics) {
    if (name == "features")
      out += " features ecn";
    else
      out += fmt::format(" {} {}{}", name, locked(name), value);
  }
  if (!route.congestion_control.empty())
    out += fmt::format(" congctl {}{}", locked("congctl"), route.congestion_control);
  if (!route.preference.empty()) out += " pref " + route.preference;
  if (route.placement != RoutePlacement::prepend) out += fmt::format(" {}", route.placement);
  if (!route.track) out += " no_track";
  if (!route.group.empty()) out += " track_group " + route.group;
  if (route.hops.size() > 1) {
    for (const auto& hop : route.hops) {
      out += fmt::format(" nexthop{} weight {}{}", record_of(hop), hop.weight,
                         hop.realms == 0 ? "" : realms_text(hop.realms));
    }
  }
  return out;
}

}  // namespace ballast::config
