#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t any_number = 1'000;
constexpr Duration day = 86'400s;

void set_engine(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  const auto engine = read<EngineKind>(binder, word, parse_choice<EngineKind>);
  if (!engine) return;
  if (*engine != EngineKind::xdp) {
    binder.report().error(word.at, "this version forwards by its own data path only: lb_engine xdp");
    return;
  }
  if (binder.context() == Context::global_defs)
    binder.draft().global.lb_engine = *engine;
  else
    binder.service().engine = *engine;
}

void set_timeouts(Binder& binder, const Statement& statement) {
  constexpr Duration longest = 31 * day;
  const bool global = binder.context() == Context::global_defs;
  // A service that names one of them takes the others from global_defs, wherever that stands: filled in at the end.
  LvsTimeoutsDraft& draft = global ? binder.draft().timeouts : binder.service().timeouts;
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

}  // namespace

void add_global_keywords(std::vector<Keyword>& table) {
  using enum Context;
  const auto global = [](auto member) {
    return [member](Binder & binder) -> auto& { return binder.draft().global.*member; };
  };
  const auto announce = [](auto member) {
    return [member](Binder & binder) -> auto& { return binder.announce().*member; };
  };
  const auto add = [&](std::string_view name, std::vector<Context> contexts, Value value, std::string_view doc) {
    table.push_back({name, {}, std::move(contexts), std::move(value), doc, {}, {}, false});
  };

  table.push_back({"global_defs", {}, {top}, {}, "What holds for the whole node.", global_defs, {}, true});
  add("router_id", {global_defs}, text("NAME", global(&Global::router_id)), "This node's name; default: the host's.");
  table.push_back({"script_user",
                   {},
                   {global_defs},
                   custom("USER [GROUP]", 1, 2,
                          [](Binder& binder, const Statement& statement) {
                            auto& user = binder.draft().global.script_user;
                            user = statement.words[1].text;
                            if (statement.words.size() > 2) user += " " + statement.words[2].text;
                          }),
                   "Who runs scripts, unless one says otherwise.",
                   {},
                   {},
                   false});
  add("enable_script_security", {global_defs}, boolean(global(&Global::enable_script_security)),
      "Refuse scripts run as root that others may write.");
  add("lb_engine", {global_defs, virtual_server}, custom(choices<EngineKind>(), 1, 1, set_engine),
      "What forwards: Ballast's own XDP data path (default) or the kernel's IPVS.");
  add("lb_interfaces", {global_defs}, custom("INTERFACE…", 1, any_number, set_lb_interfaces),
      "Where the data path is attached; default: those that carry a VIP or reach a real server.");
  add("xdp_mode", {global_defs}, choice<XdpMode>(global(&Global::xdp_mode)),
      "auto (default): native where the driver can, else generic with a warning.");
  add("connection_table_size", {global_defs}, number(1'024, 100'000'000, global(&Global::connection_table_size)),
      "Connections remembered at the same time; default 1000000.");
  add("lvs_timeouts", {global_defs, virtual_server},
      custom("[tcp SECONDS] [tcpfin SECONDS] [udp SECONDS]", 2, 6, set_timeouts),
      "How long idle connections are remembered: established TCP (900), closing TCP (120), UDP (300).");
  add("vrrp_version", {global_defs},
      number(
          2, 3, [](Binder & binder) -> auto& { return binder.draft().vrrp_version; }),
      "VRRP version of instances that do not say; default 2, and 3 for IPv6.");

  const auto garp = [&](std::string_view name, std::string_view global_name, const Value& value, std::string_view doc) {
    add(global_name, {global_defs}, value, doc);
    add(name, {vrrp_instance}, value, doc);
  };
  garp("garp_master_delay", "vrrp_garp_master_delay", seconds(0s, day, announce(&AnnounceDraft::delay)),
       "From becoming master to the second burst of gratuitous ARP or NA; 0: none; default 5.");
  garp("garp_master_repeat", "vrrp_garp_master_repeat", number(0, 1'000, announce(&AnnounceDraft::repeat)),
       "Announcements in a burst; default 5.");
  garp("garp_master_refresh", "vrrp_garp_master_refresh", seconds(0s, day, announce(&AnnounceDraft::refresh)),
       "Announce again so often while master; 0 (default): never.");
  garp("garp_master_refresh_repeat", "vrrp_garp_master_refresh_repeat",
       number(0, 1'000, announce(&AnnounceDraft::refresh_repeat)), "Announcements in a refresh; default 1.");
  garp("garp_lower_prio_delay", "vrrp_garp_lower_prio_delay",
       seconds(0s, day, announce(&AnnounceDraft::lower_prio_delay)),
       "As garp_master_delay, after another, lower master was heard; default: the same.");
  garp("garp_lower_prio_repeat", "vrrp_garp_lower_prio_repeat",
       number(0, 1'000, announce(&AnnounceDraft::lower_prio_repeat)),
       "As garp_master_repeat, after another, lower master was heard; default: the same.");
  garp("garp_interval", "vrrp_garp_interval", seconds(0s, 10s, announce(&AnnounceDraft::garp_interval)),
       "Between two gratuitous ARPs; default 0.");
  garp("gna_interval", "vrrp_gna_interval", seconds(0s, 10s, announce(&AnnounceDraft::gna_interval)),
       "Between two unsolicited neighbour advertisements; default 0.");
}

}  // namespace ballast::config
