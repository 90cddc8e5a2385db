#include "common/config/resolve_forwarding.hpp"

#include <algorithm>

#include "common/config/values.hpp"

namespace ballast::config {
namespace {

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
      : report_{binder.report()}, draft_{draft}, groups_{groups}, floats_{floats}, made_{made} {
    for (const auto& server : draft.servers) {
      if (server.address) add(*server.address, server.method, "real_server");
    }
    if (draft.sorry) add(draft.sorry->address, draft.sorry_method, "sorry_server");
  }

  void run() {
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
  }

  void one_packet() {
    if (!draft_.one_packet || !draft_.one_packet->value) return;
    made_.one_packet = true;
    if (made_.protocol != Protocol::udp)
      report_.error(draft_.one_packet->at, "ops is for UDP: the packets of a TCP connection go to one server");
  }

  void persistence() {
    if (draft_.persistence_timeout) made_.persistence_timeout = draft_.persistence_timeout->value;
    const bool every_port =
        std::ranges::any_of(made_.endpoints, [](const auto& endpoint) { return endpoint.port == 0; });
    if (!every_port || draft_.persistence_timeout) return;
    made_.persistence_timeout = default_persistence;
    report_.warning(draft_.at,
                    fmt::format("{} is of every port and has no persistence_timeout: {} s is assumed", draft_.title,
                                seconds_text(default_persistence)),
                    "add a port or persistence_timeout");
  }

  void granularity() {
    if (!draft_.persistence_granularity || made_.endpoints.empty()) return;
    const auto& [text, at] = *draft_.persistence_granularity;
    if (made_.persistence_timeout == 0s) {
      report_.warning(at, "persistence_granularity is ignored without persistence_timeout");
      return;
    }
    const bool v4 = made_.endpoints.front().address.is_v4();
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
  const ServiceDraft& draft_;
  LocalGroups& groups_;
  bool floats_;
  VirtualServer& made_;
  std::vector<FnatServer> fnat_;
};

}  // namespace

std::string_view family_text(const net::IpAddress& address) { return address.is_v4() ? "IPv4" : "IPv6"; }

MethodDraft method_of(const ServiceDraft& service, const std::optional<At<MethodDraft>>& own) {
  return own ? own->value : service.method ? service.method->value : MethodDraft{};
}

void resolve_forwarding(Binder& binder, const ServiceDraft& draft, LocalGroups& groups, bool floats,
                        VirtualServer& made) {
  Forwarding{binder, draft, groups, floats, made}.run();
}

}  // namespace ballast::config
