#include "common/config/resolve_forwarding.hpp"

#include <algorithm>

#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t most_engine_name = 16;  ///< IP_VS_PENAME_MAXLEN

/// A server that FNAT forwards to.
struct FnatServer {
  net::IpAddress address;
  Position at;
  Position method;  ///< where FNAT is said
  std::string_view kind;
};

class Forwarding {
 public:
  Forwarding(Binder& binder, const ServiceDraft& draft, LocalGroups& groups, bool floats, VirtualServer& made)
      : report_{binder.report()},
        global_{binder.draft()},
        draft_{draft},
        groups_{groups},
        floats_{floats},
        made_{made} {
    for (const auto& server : draft.servers) {
      if (server.address) add(*server.address, server.method, "real_server");
    }
    if (draft.sorry) add(draft.sorry->address, draft.sorry_method, "sorry_server");
  }

  void run() {
    engine();
    hashing();
    one_packet();
    persistence();
    granularity();
    local_addresses();
    client_address();
  }

 private:
  void add(const At<net::IpAddress>& address, const std::optional<At<MethodDraft>>& own, std::string_view kind) {
    if (method_of(draft_, own).method != Method::fnat) return;
    fnat_.push_back({address.value, address.at, own ? own->at : draft_.method->at, kind});
  }

  /// What only one of the engines can do, and where it is written.
  struct Need {
    std::string what;
    Position at;
  };

  [[nodiscard]] const ServerDraft* find_server(auto condition) const {
    const auto found = std::ranges::find_if(
        draft_.servers, [&](const auto& server) { return condition(method_of(draft_, server.method), server); });
    return found == draft_.servers.end() ? nullptr : &*found;
  }

  [[nodiscard]] std::optional<Need> need_of_ipvs() const {
    if (draft_.fwmark) return Need{"a service by fwmark", draft_.fwmark->at};
    if (!made_.fwmarks.empty()) return Need{"a group with a fwmark", draft_.at};
    if (made_.protocol == Protocol::sctp) return Need{"protocol SCTP", draft_.protocol->at};
    if (draft_.persistence_engine) return Need{"persistence_engine", draft_.persistence_engine->at};
    const auto* server = find_server([](const auto& method, const auto&) {
      return method.tunnel.type == TunnelType::gue && method.tunnel.checksum == TunnelChecksum::remcsum;
    });
    if (server != nullptr)
      return Need{"a tunnel with remcsum", server->method ? server->method->at : draft_.method->at};
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Need> need_of_xdp() const {
    if (!fnat_.empty()) return Need{"lvs_method FNAT", fnat_.front().method};
    if (made_.scheduler == Scheduler::p2c) return Need{"lvs_sched p2c", draft_.scheduler->at};
    if (draft_.passive) return Need{"passive_check", draft_.passive_at};
    if (made_.timeouts) return Need{"lvs_timeouts of one service", draft_.timeouts.at};
    return std::nullopt;
  }

  /// Where nobody names an engine, what only IPVS can do is IPVS's: keepalived's files run as they are.
  void engine() {
    const auto ipvs = need_of_ipvs();
    const auto asked = draft_.engine ? draft_.engine->value : global_.global.lb_engine;
    made_.engine = ipvs && !draft_.engine ? EngineKind::ipvs : asked;
    if (ipvs && made_.engine == EngineKind::xdp)
      report_.error(ipvs->at, fmt::format("{} needs the kernel's IPVS", ipvs->what), "write lb_engine ipvs");
    else if (ipvs && asked == EngineKind::xdp)
      report_.warning(ipvs->at, fmt::format("{} needs the kernel's IPVS, which {} gets", ipvs->what, draft_.title),
                      "write lb_engine ipvs in it");
    const auto xdp = need_of_xdp();
    if (xdp && made_.engine == EngineKind::ipvs)
      report_.error(xdp->at, fmt::format("{}: the kernel's IPVS cannot do it", xdp->what), "lb_engine xdp can");
    if (made_.engine == EngineKind::ipvs) mixed_families();
  }

  /// IPVS's messages name connections of one family.
  void mixed_families() {
    if (!global_.sync_daemon) return;
    const auto* server = find_server(
        [&](const auto&, const auto& each) { return each.address && each.address->value.family() != made_.family; });
    if (server != nullptr)
      report_.error(server->address->at,
                    fmt::format("IPVS's sync daemon knows no {} server of an {} service",
                                family_text(server->address->value.family()), family_text(made_.family)),
                    "leave out lvs_sync_daemon, or lb_engine xdp");
  }

  void hashing() {
    const bool hashes = made_.scheduler == Scheduler::sh || made_.scheduler == Scheduler::mh;
    for (const auto* option : {&draft_.hash_port, &draft_.hash_fallback}) {
      if (hashes || !*option) continue;
      report_.warning(
          (*option)->at,
          fmt::format("{} means nothing with lvs_sched {} and is ignored", (*option)->value, made_.scheduler),
          "it is for sh and mh");
    }
    made_.hash_port = hashes && draft_.hash_port;
    made_.hash_fallback = hashes && draft_.hash_fallback;
    made_.third_flag = draft_.third_flag.has_value();
    if (made_.third_flag && made_.engine == EngineKind::xdp)
      report_.warning(draft_.third_flag->at, "flag-3 is ignored: no scheduler has a third flag");
  }

  void one_packet() {
    if (!draft_.one_packet || !draft_.one_packet->value) return;
    made_.one_packet = true;
    if (made_.protocol != Protocol::udp && made_.fwmarks.empty())
      report_.error(draft_.one_packet->at, "ops is for UDP: the packets of a TCP connection go to one server");
  }

  void persistence() {
    if (draft_.persistence_timeout) made_.persistence_timeout = draft_.persistence_timeout->value;
    if (draft_.persistence_engine) persistence_engine();
    const bool every_port =
        std::ranges::any_of(made_.endpoints, [](const auto& endpoint) { return endpoint.port == 0; });
    if (!every_port || draft_.persistence_timeout) return;
    made_.persistence_timeout = default_persistence;
    report_.warning(draft_.at,
                    fmt::format("{} is of every port and has no persistence_timeout: {} s is assumed", draft_.title,
                                seconds_text(default_persistence)),
                    "add a port or persistence_timeout");
  }

  void persistence_engine() {
    const auto& [name, at] = *draft_.persistence_engine;
    made_.persistence_engine = name;
    if (name.size() >= most_engine_name)
      report_.error(at, fmt::format("'{}' is too long for a module's name", shorten(name)));
    if (made_.persistence_timeout == 0s)
      report_.error(at, "persistence_engine means nothing without persistence_timeout");
    else if (made_.protocol != Protocol::udp && made_.fwmarks.empty())
      report_.error(at, fmt::format("persistence_engine {} is for protocol UDP", shorten(name)));
  }

  void granularity() {
    if (!draft_.persistence_granularity) return;
    const auto& [text, at] = *draft_.persistence_granularity;
    if (made_.persistence_timeout == 0s) {
      report_.warning(at, "persistence_granularity is ignored without persistence_timeout");
      return;
    }
    const bool v4 = made_.family == net::Family::ipv4;
    const auto length = v4 ? parse_netmask(text) : parse_number(text, 1, 128);
    if (length) {
      (v4 ? made_.persistence_prefix4 : made_.persistence_prefix6) = *length;
      return;
    }
    const auto as_length = parse_number(text, 1, 32);
    report_.error(at, length.error().message,
                  !v4         ? "an IPv6 service takes a prefix length, such as 64"
                  : as_length ? fmt::format("did you mean '{}'?", netmask(*as_length))
                              : "");
  }

  void local_addresses() {
    if (fnat_.empty()) {
      if (draft_.local_group)
        report_.warning(draft_.local_group->at, "laddr_group_name is ignored without lvs_method FNAT");
      return;
    }
    if (!draft_.local_group) {
      report_.error(fnat_.front().method, fmt::format("FNAT in {} needs laddr_group_name", draft_.title),
                    groups_.suggestion());
      return;
    }
    const auto* all = groups_.find(*draft_.local_group, floats_);
    if (all == nullptr || all->empty()) return;
    for (const auto& server : fnat_) check_family(server, *all);
    // A group may serve services of either family: each takes those that its servers can answer to.
    std::ranges::copy_if(*all, std::back_inserter(made_.local_addresses), [&](const auto& address) {
      return std::ranges::any_of(fnat_,
                                 [&](const auto& server) { return server.address.family() == address.family(); });
    });
  }

  /// IPv6 behind IPv4, which is told with the server's address.
  [[nodiscard]] bool cannot_reach(const FnatServer& server) const {
    return server.address.is_v6() && !made_.endpoints.empty() && made_.endpoints.front().address.is_v4();
  }

  void check_family(const FnatServer& server, const std::vector<net::IpAddress>& all) {
    const bool served =
        std::ranges::any_of(all, [&](const auto& address) { return address.family() == server.address.family(); });
    if (served || cannot_reach(server)) return;
    report_.error(server.at,
                  fmt::format("{} {} is {}: local_address_group {} has no address of that family", server.kind,
                              server.address, family_text(server.address), shorten(draft_.local_group->value)));
  }

  void client_address() {
    const bool udp = made_.protocol == Protocol::udp;
    if (udp && !fnat_.empty()) made_.client_address = ClientAddress::none;
    if (!draft_.client_address) return;
    const auto& [choice, at] = *draft_.client_address;
    using enum ClientAddress;
    if (fnat_.empty()) {
      report_.warning(at, "client_address is ignored without lvs_method FNAT: servers see the client's own address");
      return;
    }
    if (!udp) {
      made_.client_address = choice;
      return;
    }
    if (choice == proxy_v1 || choice == proxy_v2)
      report_.error(at, fmt::format("client_address {} is for TCP: UDP has no beginning to put it at", choice),
                    "write client_address none");
    else if (choice == toa)
      report_.warning(at, "client_address toa is for TCP: servers see local addresses as the clients'",
                      "write client_address none");
  }

  Report& report_;
  const Draft& global_;
  const ServiceDraft& draft_;
  LocalGroups& groups_;
  bool floats_;
  VirtualServer& made_;
  std::vector<FnatServer> fnat_;
};

}  // namespace

std::string_view family_text(net::Family family) { return family == net::Family::ipv4 ? "IPv4" : "IPv6"; }
std::string_view family_text(const net::IpAddress& address) { return family_text(address.family()); }

MethodDraft method_of(const ServiceDraft& service, const std::optional<At<MethodDraft>>& own) {
  return own ? own->value : service.method ? service.method->value : MethodDraft{};
}

void resolve_forwarding(Binder& binder, const ServiceDraft& draft, LocalGroups& groups, bool floats,
                        VirtualServer& made) {
  Forwarding{binder, draft, groups, floats, made}.run();
}

}  // namespace ballast::config
