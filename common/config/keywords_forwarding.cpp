// How packets reach the servers, and which server a client gets.
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr unsigned any_count = 0xffff'ffff;
constexpr unsigned longest_persistence = 31 * 86'400;
constexpr std::string_view method_syntax =
    "NAT|DR|FNAT|FULLNAT|TUN [type ipip|gue|gre] [port NUMBER] [nocsum|csum|remcsum]";

/// The options behind `lvs_method TUN`, in any order.
class TunnelReader {
 public:
  TunnelReader(Binder& binder, const Statement& statement) : binder_{binder}, words_{statement.words} {}

  Tunnel read_options() {
    for (std::size_t i = 2; i < words_.size(); ++i) {
      const auto& option = words_[i];
      if (option.text == "type" || option.text == "port") {
        read_value(option, ++i < words_.size() ? &words_[i] : nullptr);
      } else if (const auto checksum = from_name<TunnelChecksum>(option.text)) {
        tunnel_.checksum = *checksum;
        checksum_at_ = option.at;
      } else {
        const bool type = from_name<TunnelType>(option.text).has_value();
        error(option.at, fmt::format("'{}' is no option of TUN", shorten(option.text)),
              type ? fmt::format("did you mean 'type {}'?", option.text)
                   : "expected type ipip|gue|gre, port NUMBER, nocsum|csum|remcsum");
      }
    }
    if (!faulty_) check();
    return tunnel_;
  }

 private:
  void read_value(const Word& option, const Word* value) {
    if (value == nullptr) {
      error(option.at, fmt::format("'{}' has no value: expected {}", option.text,
                                   option.text == "type" ? choices<TunnelType>() : "NUMBER (1 to 65535)"));
    } else if (option.text == "type") {
      const auto type = read<TunnelType>(binder_, *value, parse_choice<TunnelType>);
      if (type) tunnel_.type = *type;
      faulty_ |= !type;
      type_at_ = value->at;
    } else {
      const auto port =
          read<unsigned>(binder_, *value, [](std::string_view text) { return parse_number(text, 1, 65'535); });
      if (port) tunnel_.port = static_cast<std::uint16_t>(*port);
      faulty_ |= !port;
      port_at_ = option.at;
    }
  }

  /// What each type has: a port and any checksum GUE, a plain checksum GRE, neither IPIP.
  void check() {
    using enum TunnelChecksum;
    if (tunnel_.type == TunnelType::gue && tunnel_.port == 0)
      error(type_at_, "a gue tunnel needs the port that the real server takes it at", "add port 6080");
    if (tunnel_.type != TunnelType::gue && tunnel_.port != 0)
      error(port_at_, fmt::format("a tunnel of type {} has no port", tunnel_.type), "only gue has");
    if (tunnel_.type == TunnelType::ipip && tunnel_.checksum != none)
      error(checksum_at_,
            fmt::format("a tunnel of type ipip has no checksum: {} is for gue and gre", tunnel_.checksum));
    else if (tunnel_.type == TunnelType::gre && tunnel_.checksum == remcsum)
      error(checksum_at_, "a tunnel of type gre has no remote checksum", "did you mean 'csum'?");
  }

  void error(Position at, std::string message, std::string hint = {}) {
    binder_.report().error(at, std::move(message), std::move(hint));
    faulty_ = true;
  }

  Binder& binder_;
  const std::vector<Word>& words_;
  Tunnel tunnel_;
  Position type_at_, port_at_, checksum_at_;
  bool faulty_ = false;
};

std::optional<At<MethodDraft>> read_method(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  const auto method = read<Method>(binder, word, parse_choice<Method>);
  if (!method) return std::nullopt;
  if (*method == Method::tun)
    return At<MethodDraft>{{*method, TunnelReader{binder, statement}.read_options()}, word.at};
  if (statement.words.size() > 2) {
    const auto& surplus = statement.words[2];
    binder.report().warning(surplus.at,
                            fmt::format("surplus word '{}' after '{}' is ignored", shorten(surplus.text), word.text),
                            "options are for TUN");
  }
  return At<MethodDraft>{{*method}, word.at};
}

void set_method(Binder& binder, const Statement& statement) {
  auto& target = binder.context() == Context::virtual_server ? binder.service().method : binder.server().method;
  if (const auto method = read_method(binder, statement)) target = *method;
}

void set_sorry_method(Binder& binder, const Statement& statement) {
  if (const auto method = read_method(binder, statement)) binder.service().sorry_method = *method;
}

void open_local_group(Binder& binder, const Statement& statement) {
  auto& draft = binder.draft().local_groups.emplace_back();
  draft.name.at = statement.at();
  if (statement.words.size() > 1) draft.name = {statement.words[1].text, statement.words[1].at};
}

void add_local_record(Binder& binder, const Statement& record) {
  const auto& words = record.words;
  if (words.size() > 1) {
    binder.report().warning(words[1].at, fmt::format("surplus word '{}' is ignored", shorten(words[1].text)),
                            "expected ADDRESS or FIRST-LAST; the routes decide on the interface");
  }
  const auto range = read<AddressRange>(binder, words[0],
                                        [&](std::string_view text) { return parse_range(text, most_local_addresses); });
  if (range) binder.local_group().ranges.push_back({*range, words[0].at});
}

void set_persistence(Binder& binder, const Statement& statement) {
  auto& target = binder.service().persistence_timeout;
  target = {default_persistence, statement.at()};
  if (statement.words.size() < 2) return;
  const auto& word = statement.words[1];
  const auto parse = [](std::string_view text) { return parse_number(text, 1, longest_persistence); };
  if (const auto value = read<unsigned>(binder, word, parse)) target = {std::chrono::seconds{*value}, word.at};
}

/// A switch of the hash schedulers. The name that switched it on is kept: each scheduler has one of its own.
Value hash_switch(std::optional<At<std::string>> ServiceDraft::*member) {
  return custom("[on|off]", 0, 1, [member](Binder& binder, const Statement& statement) {
    const auto& name = statement.words[0];
    const auto on = statement.words.size() == 1 ? true : read<bool>(binder, statement.words[1], parse_boolean);
    if (!on) return;
    auto& target = binder.service().*member;
    target = *on ? std::optional{At<std::string>{name.text, name.at}} : std::nullopt;
  });
}

void add_method_keywords(Table& table) {
  using enum Context;
  table
      .value("lvs_method", {virtual_server, real_server, real_servers_from}, custom(method_syntax, 1, 6, set_method),
             "How packets reach the server; default NAT.")
      .aliases = {"lb_kind"};
  table.value("sorry_server_lvs_method", {virtual_server}, custom(method_syntax, 1, 6, set_sorry_method),
              "Default: the service's.");
  table.records("local_address_group", top, custom("NAME", 1, 1, open_local_group), add_local_record,
                "ADDRESS|FIRST-LAST|ADDRESS/LENGTH, one a line: where FNAT's connections to servers come from.");
  table.value("laddr_group_name", {virtual_server},
              text("NAME", member_of(&Binder::service)(&ServiceDraft::local_group)), "FNAT: the local_address_group.");
  table.value("client_address", {virtual_server},
              choice<ClientAddress>(member_of(&Binder::service)(&ServiceDraft::client_address)),
              "FNAT: how servers learn the client's address: a TCP option (toa, default), the PROXY protocol, or not.");
}

void add_scheduler_keywords(Table& table) {
  const std::vector here{Context::virtual_server};
  const auto own = member_of(&Binder::service);
  table
      .value("lvs_sched", here, choice<Scheduler>(own(&ServiceDraft::scheduler)),
             "Which server a new connection goes to; default wlc.")
      .aliases = {"lb_algo"};
  table
      .value("sh-port", here, hash_switch(&ServiceDraft::hash_port),
             "sh and mh hash the client's port, too, not its address alone.")
      .aliases = {"mh-port", "flag-2"};
  table
      .value("sh-fallback", here, hash_switch(&ServiceDraft::hash_fallback),
             "sh and mh pass over a server that takes nothing new.")
      .aliases = {"mh-fallback", "flag-1"};
  table.value("flag-3", here, hash_switch(&ServiceDraft::third_flag),
              "IPVS: a flag for the scheduler; none of Linux has it.");
  table.value("ops", here, boolean(own(&ServiceDraft::one_packet)), "UDP: every packet is scheduled by itself.");
  table.value("persistence_timeout", here,
              custom(fmt::format("[SECONDS (1 to {})]", longest_persistence), 0, 1, set_persistence),
              "A client stays with its server so long after its last connection; without a value 360.");
  table.value("persistence_engine", here, text("sip", own(&ServiceDraft::persistence_engine)),
              "IPVS: a client is known by what this module finds in its packets: sip, the call.");
  table.value("persistence_granularity", here, text("NETMASK|LENGTH", own(&ServiceDraft::persistence_granularity)),
              "Clients of one network count as one: a netmask for IPv4, a prefix length for IPv6.");
}

void add_connection_keywords(Table& table) {
  using enum Context;
  const auto global = member_of(&Binder::global);
  const auto service = member_of(&Binder::service);
  const auto server = member_of(&Binder::server);
  constexpr std::string_view nodest = "Connections of a server that failed are dropped at once; default off.";
  constexpr std::string_view sloppy = "A packet in the middle of a TCP connection may begin an entry; default off.";
  table.value("expire_nodest", {global_defs}, boolean(global(&Global::expire_nodest)), nodest);
  table.value("expire_nodest", {virtual_server}, boolean(service(&ServiceDraft::expire_nodest)), nodest);
  table.value("sloppy_tcp", {global_defs}, boolean(global(&Global::sloppy_tcp)), sloppy);
  table.value("sloppy_tcp", {virtual_server}, boolean(service(&ServiceDraft::sloppy_tcp)), sloppy);
  table.value("uthreshold", {real_server, real_servers_from},
              number(0, any_count, server(&ServerDraft::upper_threshold)),
              "Connections from which it gets no new ones; 0 (default): no limit.");
  table.value("lthreshold", {real_server, real_servers_from},
              number(0, any_count, server(&ServerDraft::lower_threshold)),
              "Below so many it gets new ones again; 0 (default): three quarters of uthreshold.");
}

}  // namespace

void add_forwarding_keywords(Table& table) {
  add_method_keywords(table);
  add_scheduler_keywords(table);
  add_connection_keywords(table);
}

}  // namespace ballast::config
