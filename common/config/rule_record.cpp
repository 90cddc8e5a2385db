#include <algorithm>

#include "common/config/kernel_names.hpp"
#include "common/config/route_record.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

/// `A-B` or `A`, each up to `most`.
template <class T>
Result<std::pair<T, T>> parse_range_of(std::string_view text, T most) {
  const auto dash = text.find('-');
  const auto first = parse_any_number(text.substr(0, dash), most);
  if (!first) return first.error();
  const auto last = dash == std::string_view::npos ? first : parse_any_number(text.substr(dash + 1), most);
  if (!last) return last.error();
  if (*last < *first) return fail("'{}' ends before it begins", shorten(text));
  return std::pair{static_cast<T>(*first), static_cast<T>(*last)};
}

/// MARK or MARK/MASK.
Result<std::pair<std::uint32_t, std::uint32_t>> parse_mark(std::string_view text) {
  const auto slash = text.find('/');
  const auto mark = parse_any_number(text.substr(0, slash));
  if (!mark) return mark.error();
  if (slash == std::string_view::npos) return std::pair{*mark, ~0U};
  const auto mask = parse_any_number(text.substr(slash + 1));
  if (!mask) return mask.error();
  return std::pair{*mark, *mask};
}

Result<std::uint8_t> parse_ip_protocol(std::string_view text) {
  using Known = std::pair<std::string_view, std::uint8_t>;
  constexpr std::array names{Known{"icmp", 1}, Known{"tcp", 6}, Known{"udp", 17}, Known{"ipv6-icmp", 58},
                             Known{"sctp", 132}};
  std::string lower{text};
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [name, number] : names) {
    if (lower == name) return number;
  }
  const auto number = parse_any_number(text, 255);
  if (!number || *number == 0)
    return fail("'{}' is no IP protocol: expected tcp, udp, icmp or 1 to 255", shorten(text));
  return static_cast<std::uint8_t>(*number);
}

class RuleReader {
 public:
  RuleReader(Binder& binder, const Statement& record) : binder_{binder}, record_{record}, options_{binder, record, 0} {}

  void run(std::vector<RuleDraft>& list) {
    while (const auto* word = options_.next()) take(*word);
    finish();
    if (!failed_) list.push_back({std::move(rule_), record_.at(), has_preference_});
  }

 private:
  void take(const Word& word) {
    const auto& text = word.text;
    if (text == "not") {
      rule_.invert = true;
    } else if (text == "inet" || text == "inet6") {
      family_ = text == "inet" ? net::Family::ipv4 : net::Family::ipv6;
    } else if (text == "no_track") {
      rule_.track = false;
    } else if (text == "l3mdev") {
      rule_.l3mdev = true;
    } else if (text == "nop" || text == "blackhole" || text == "unreachable" || text == "prohibit") {
      act(word, *from_name<RuleAction>(text));
    } else if (!take_place(word) && !take_match(word)) {
      error(word.at, fmt::format("unknown option '{}' of a rule", shorten(text)));
    }
  }

  /// Where the rule stands and leads.
  bool take_place(const Word& word) {
    const auto& text = word.text;
    if (text == "table" || text == "lookup") {
      act(word, RuleAction::lookup);
      return with_value(word, [&](const Word& value) { set(value, rule_.target, parse_table); });
    }
    if (text == "goto") {
      act(word, RuleAction::jump);
      return with_value(word, [&](const Word& value) { set(value, rule_.target, whole); });
    }
    if (text == "preference" || text == "priority" || text == "order" || text == "pref") {
      has_preference_ = true;
      return with_value(word, [&](const Word& value) { set(value, rule_.preference, whole); });
    }
    if (text == "protocol" || text == "proto") {
      return with_value(word, [&](const Word& value) { set(value, rule_.protocol, parse_route_protocol); });
    }
    if (text == "realms") return with_value(word, [&](const Word& value) { set(value, rule_.realms, parse_realms); });
    if (text == "track_group") return with_value(word, [&](const Word& value) { rule_.group = value.text; });
    return false;
  }

  /// Which packets it is for.
  bool take_match(const Word& word) {
    const auto& text = word.text;
    if (text == "from") return with_value(word, [&](const Word& value) { take_prefix(value, rule_.from); });
    if (text == "to") return with_value(word, [&](const Word& value) { take_prefix(value, rule_.to); });
    if (text == "tos" || text == "dsfield") {
      return with_value(word, [&](const Word& value) { set(value, rule_.tos, parse_tos); });
    }
    if (text == "fwmark") return with_value(word, [&](const Word& value) { set(value, rule_.mark, parse_mark); });
    if (text == "iif" || text == "dev") {
      return with_value(word, [&](const Word& value) { set(value, rule_.input, parse_interface); });
    }
    if (text == "oif") return with_value(word, [&](const Word& value) { set(value, rule_.output, parse_interface); });
    if (text == "suppress_prefixlength" || text == "sup_pl") {
      return with_value(word, [&](const Word& value) { set(value, rule_.suppress_prefix_length, prefix_length); });
    }
    if (text == "suppress_ifgroup" || text == "sup_group") {
      return with_value(word, [&](const Word& value) { set(value, rule_.suppress_group, parse_link_group); });
    }
    if (text == "uidrange") return with_value(word, [&](const Word& value) { set(value, rule_.users, users); });
    if (text == "ip_proto" || text == "ipproto") {
      return with_value(word, [&](const Word& value) { set(value, rule_.ip_protocol, parse_ip_protocol); });
    }
    if (text == "sport") return with_value(word, [&](const Word& value) { set(value, rule_.source_ports, ports); });
    if (text == "dport")
      return with_value(word, [&](const Word& value) { set(value, rule_.destination_ports, ports); });
    if (text == "tun_id") return with_value(word, [&](const Word& value) { set(value, rule_.tunnel, whole); });
    return false;
  }

  static Result<std::uint32_t> whole(std::string_view text) { return parse_any_number(text); }
  static Result<std::uint32_t> prefix_length(std::string_view text) { return parse_any_number(text, 128); }
  static Result<std::pair<std::uint32_t, std::uint32_t>> users(std::string_view text) {
    return parse_range_of<std::uint32_t>(text, 0xffff'fffe);
  }
  static Result<std::pair<std::uint16_t, std::uint16_t>> ports(std::string_view text) {
    return parse_range_of<std::uint16_t>(text, 0xffff);
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

  void take_prefix(const Word& word, std::optional<net::Prefix>& target) {
    if (word.text == "all" || word.text == "any" || word.text == "default") return;
    set(word, target, net::Prefix::parse);
    if (!target) return;
    const auto family = target->address.family();
    if (family_ && *family_ != family) return error(word.at, "a rule is for IPv4 or for IPv6, not for both");
    family_ = family;
  }

  void act(const Word& word, RuleAction action) {
    if (acts_) return error(word.at, "a rule has one of table, goto, nop, blackhole, unreachable and prohibit");
    acts_ = true;
    rule_.action = action;
  }

  void finish() {
    if (failed_) return;
    rule_.family = family_.value_or(net::Family::ipv4);
    if (!acts_ && !rule_.l3mdev) {
      return error(record_.at(), "a rule needs table, goto, nop, blackhole, unreachable, prohibit or l3mdev");
    }
    if (acts_ && rule_.l3mdev) error(record_.at(), "l3mdev finds the table by itself");
    if (rule_.protocol && rule_.track) {
      binder_.report().warning(record_.at(), "only a rule with no_track has a protocol of its own: it is ignored");
      rule_.protocol.reset();
    }
  }

  void error(Position at, const std::string& message) {
    binder_.report().error(at, message);
    failed_ = true;
  }

  Binder& binder_;
  const Statement& record_;
  Options options_;
  Rule rule_;
  std::optional<net::Family> family_;
  bool has_preference_ = false;
  bool acts_ = false;
  bool failed_ = false;
};

template <class T>
std::string range_text(std::string_view name, const std::optional<std::pair<T, T>>& range) {
  return range ? fmt::format(" {} {}-{}", name, range->first, range->second) : std::string{};
}

std::string action_of(const Rule& rule) {
  if (rule.l3mdev) return " l3mdev";
  if (rule.action == RuleAction::lookup || rule.action == RuleAction::jump) {
    return fmt::format(" {} {}", rule.action, rule.target);
  }
  return fmt::format(" {}", rule.action);
}

}  // namespace

void add_rule_record(Binder& binder, const Statement& record, std::vector<RuleDraft>& list) {
  RuleReader{binder, record}.run(list);
}

std::string record_of(const Rule& rule) {
  std::string out = rule.family == net::Family::ipv6 ? "inet6" : "inet";
  if (rule.invert) out += " not";
  if (rule.from) out += fmt::format(" from {}", *rule.from);
  if (rule.to) out += fmt::format(" to {}", *rule.to);
  if (rule.tos != 0) out += fmt::format(" tos {:#x}", rule.tos);
  if (rule.mark) out += fmt::format(" fwmark {:#x}/{:#x}", rule.mark->first, rule.mark->second);
  if (!rule.input.empty()) out += " iif " + rule.input;
  if (!rule.output.empty()) out += " oif " + rule.output;
  if (rule.suppress_prefix_length) out += fmt::format(" suppress_prefixlength {}", *rule.suppress_prefix_length);
  if (rule.suppress_group) out += fmt::format(" suppress_ifgroup {}", *rule.suppress_group);
  out += range_text("uidrange", rule.users);
  if (rule.ip_protocol != 0) out += fmt::format(" ip_proto {}", rule.ip_protocol);
  out += range_text("sport", rule.source_ports);
  out += range_text("dport", rule.destination_ports);
  if (rule.tunnel) out += fmt::format(" tun_id {}", *rule.tunnel);
  if (rule.realms != 0) out += fmt::format(" realms {}/{}", rule.realms >> 16, rule.realms & 0xffffU);
  out += action_of(rule);
  out += fmt::format(" preference {}", rule.preference);
  if (rule.protocol) out += fmt::format(" protocol {}", *rule.protocol);
  if (!rule.track) out += " no_track";
  if (!rule.group.empty()) out += " track_group " + rule.group;
  return out;
}

}  // namespace ballast::config
