#include <algorithm>
#include <array>

#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t any_number = 1'000;
constexpr Duration day = 86'400s;

void set_engine(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  const auto engine = read<EngineKind>(binder, word, parse_choice<EngineKind>);
  if (!engine) return;
  if (binder.context() == Context::global_defs)
    binder.draft().global.lb_engine = *engine;
  else
    binder.service().engine = {*engine, word.at};
}

void set_timeouts(Binder& binder, const Statement& statement) {
  constexpr Duration longest = 31 * day;
  const bool global = binder.context() == Context::global_defs;
  // A service that names one of them takes the others from global_defs, wherever that stands: filled in at the end.
  LvsTimeoutsDraft& draft = global ? binder.draft().timeouts : binder.service().timeouts;
  draft.at = statement.at();
  for (std::size_t i = 1; i < statement.words.size(); i += 2) {
    const auto& name = statement.words[i];
    auto* target = name.text == "tcp"      ? &draft.tcp
                   : name.text == "tcpfin" ? &draft.tcp_fin
                   : name.text == "udp"    ? &draft.udp
                                           : nullptr;
    if (target == nullptr) {
      binder.report().error(name.at, fmt::format("'{}' is none of tcp|tcpfin|udp", shorten(name.text)));
    } else if (i + 1 == statement.words.size()) {
      binder.report().error(name.at, fmt::format("'{}' has no value: expected SECONDS", name.text));
    } else if (const auto value = read<Duration>(binder, statement.words[i + 1], [&](std::string_view word) {
                 return parse_seconds(word, 1s, longest);
               })) {
      *target = *value;
    }
  }
}

void set_lb_interfaces(Binder& binder, const Statement& statement) {
  for (std::size_t i = 1; i < statement.words.size(); ++i) {
    const auto& word = statement.words[i];
    if (auto name = read<std::string>(binder, word, parse_interface))
      binder.draft().lb_interfaces.push_back({*name, word.at});
  }
}

/// The options behind `lvs_sync_daemon INTERFACE`, in any order; a word that is none names the instance.
class SyncDaemonReader {
 public:
  SyncDaemonReader(Binder& binder, const Statement& statement) : binder_{binder}, words_{statement.words} {}

  std::optional<SyncDaemon> read_all() {
    const auto interface = read<std::string>(binder_, words_[1], parse_interface);
    for (std::size_t i = 2; i < words_.size(); ++i) {
      const auto& option = words_[i];
      if (!is_option(option.text))
        made_.instance = option.text;
      else if (++i < words_.size())
        read_option(option, words_[i]);
      else
        binder_.report().error(option.at, fmt::format("'{}' has no value", option.text));
    }
    if (!interface) return std::nullopt;
    made_.interface = *interface;
    return made_;
  }

 private:
  static bool is_option(std::string_view word) {
    constexpr std::array names{string_view{"inst"}, string_view{"id"},  string_view{"maxlen"},
                               string_view{"port"}, string_view{"ttl"}, string_view{"group"}};
    return std::ranges::find(names, word) != names.end();
  }

  void read_option(const Word& option, const Word& value) {
    if (option.text == "inst") {
      made_.instance = value.text;
    } else if (option.text == "group") {
      const auto group = read<net::IpAddress>(binder_, value, net::IpAddress::parse);
      if (group && !group->is_multicast())
        binder_.report().error(value.at, fmt::format("{} is no multicast address", *group));
      else if (group)
        made_.group = *group;
    } else if (option.text == "id") {
      take_number(value, 0, 255, made_.id);
    } else if (option.text == "maxlen") {
      take_number(value, 1, 65'507, made_.maxlen);
    } else if (option.text == "port") {
      take_number(value, 1, 65'535, made_.port);
    } else {
      take_number(value, 1, 255, made_.ttl);
    }
  }

  template <class Number>
  void take_number(const Word& word, unsigned least, unsigned most, Number& target) {
    const auto parse = [&](std::string_view text) { return parse_number(text, least, most); };
    if (const auto value = read<unsigned>(binder_, word, parse)) target = static_cast<Number>(*value);
  }

  Binder& binder_;
  const std::vector<Word>& words_;
  SyncDaemon made_;
};

void set_sync_daemon(Binder& binder, const Statement& statement) {
  if (auto made = SyncDaemonReader{binder, statement}.read_all())
    binder.draft().sync_daemon = {std::move(*made), statement.at()};
}

void set_script_user(Binder& binder, const Statement& statement) {
  auto& user = binder.draft().global.script_user;
  user = statement.words[1].text;
  if (statement.words.size() > 2) user += " " + statement.words[2].text;
}

/// The knobs of gratuitous ARP and NA: of one instance, and with `vrrp_` before them of all.
void add_announce_keywords(Table& table) {
  using enum Context;
  const auto own = member_of(&Binder::announce);
  const auto add = [&](std::string_view global_name, const Value& value, std::string_view doc) {
    table.value(global_name, {global_defs}, value, doc);
    table.value(global_name.substr(std::string_view{"vrrp_"}.size()), {vrrp_instance}, value, doc);
  };
  add("vrrp_garp_master_delay", seconds(0s, day, own(&AnnounceDraft::delay)),
      "From becoming master to the second burst of gratuitous ARP or NA; 0: none; default 5.");
  add("vrrp_garp_master_repeat", number(0, 1'000, own(&AnnounceDraft::repeat)), "Announcements in a burst; default 5.");
  add("vrrp_garp_master_refresh", seconds(0s, day, own(&AnnounceDraft::refresh)),
      "Announce again so often while master; 0 (default): never.");
  add("vrrp_garp_master_refresh_repeat", number(0, 1'000, own(&AnnounceDraft::refresh_repeat)),
      "Announcements in a refresh; default 1.");
  add("vrrp_garp_lower_prio_delay", seconds(0s, day, own(&AnnounceDraft::lower_prio_delay)),
      "As garp_master_delay, after another, lower master was heard; default: the same.");
  add("vrrp_garp_lower_prio_repeat", number(0, 1'000, own(&AnnounceDraft::lower_prio_repeat)),
      "As garp_master_repeat, after another, lower master was heard; default: the same.");
  add("vrrp_garp_interval", seconds(0s, 10s, own(&AnnounceDraft::garp_interval)),
      "Between two gratuitous ARPs; default 0.");
  add("vrrp_gna_interval", seconds(0s, 10s, own(&AnnounceDraft::gna_interval)),
      "Between two unsolicited neighbour advertisements; default 0.");
}

}  // namespace

void add_global_keywords(Table& table) {
  using enum Context;
  const auto global = member_of(&Binder::global);
  table.block("global_defs", top, global_defs, {}, "What holds for the whole node.");
  table.value("router_id", {global_defs}, text("NAME", global(&Global::router_id)),
              "This node's name; default: the host's.");
  table.value("script_user", {global_defs}, custom("USER [GROUP]", 1, 2, set_script_user),
              "Who runs scripts, unless one says otherwise.");
  table.value("enable_script_security", {global_defs}, boolean(global(&Global::enable_script_security)),
              "Refuse scripts run as root that others may write.");
  table.value("lb_engine", {global_defs, virtual_server}, custom(choices<EngineKind>(), 1, 1, set_engine),
              "What forwards: Ballast's own XDP data path (default) or the kernel's IPVS.");
  table.value("lb_interfaces", {global_defs}, custom("INTERFACE…", 1, any_number, set_lb_interfaces),
              "Where the data path is attached; default: those that carry a VIP or reach a real server.");
  table.value("xdp_mode", {global_defs}, choice<XdpMode>(global(&Global::xdp_mode)),
              "auto (default): native where the driver can, else generic with a warning.");
  table.value("connection_table_size", {global_defs},
              number(1'024, 100'000'000, global(&Global::connection_table_size)),
              "Connections remembered at the same time; default 1000000.");
  table.value("lvs_timeouts", {global_defs, virtual_server},
              custom("[tcp SECONDS] [tcpfin SECONDS] [udp SECONDS]", 2, 6, set_timeouts),
              "How long idle connections are remembered: established TCP (900), closing TCP (120), UDP (300).");
  table.value(
      "lvs_sync_daemon", {global_defs},
      custom("INTERFACE [[inst] INSTANCE] [id NUMBER] [maxlen NUMBER] [port NUMBER] [ttl NUMBER] [group ADDRESS]", 1,
             14, set_sync_daemon),
      "IPVS tells the peer's IPVS of connections: while the instance is MASTER; without one both tell and listen.");
  table.value("vrrp_version", {global_defs}, number(2, 3, member_of(&Binder::draft)(&Draft::vrrp_version)),
              "VRRP version of instances that do not say; default 2, and 3 for IPv6.");
  add_announce_keywords(table);
}

}  // namespace ballast::config
