#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "common/config/amend.hpp"
#include "common/config/resolve.hpp"
#include "common/config/resolve_checks.hpp"
#include "common/config/resolve_forwarding.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

struct ServiceKey {
  net::Endpoint endpoint;
  Protocol protocol = Protocol::tcp;
  bool operator==(const ServiceKey&) const = default;
};
struct ServiceKeyHash {
  std::size_t operator()(const ServiceKey& key) const {
    return std::hash<net::IpAddress>{}(key.endpoint.address) ^ (std::size_t{key.endpoint.port} << 8) ^
           static_cast<std::size_t>(key.protocol);
  }
};

class ServiceResolver {
 public:
  ServiceResolver(Binder& binder, Model& model)
      : binder_{binder}, report_{binder.report()}, model_{model}, local_groups_{binder} {
    for (const auto& instance : model.vrrp_instances) {
      for (const auto& address : instance.virtual_addresses) floating_.insert(address.prefix.address);
      for (const auto& address : instance.virtual_addresses_excluded) floating_.insert(address.prefix.address);
    }
    for (const auto& group : binder.draft().address_groups) expand_group(group);
  }

  void run() {
    for (const auto& draft : binder_.draft().services) resolve(draft);
    for (const auto& draft : binder_.draft().amendments) amend(draft);
    local_groups_.check(model_, floating_);
  }

 private:
  void expand_group(const AddressGroupDraft& draft) {
    group_names_.push_back(draft.name.value);
    auto& [endpoints, fwmarks] = groups_[draft.name.value];
    for (const auto& mark : draft.fwmarks) fwmarks.push_back(mark.value);
    for (const auto& [range, at] : draft.ranges) {
      expanded_ += range.count;
      if (expanded_ > binder_.limits().addresses) {
        report_.error(at,
                      fmt::format("the virtual_server_groups hold more than {} addresses", binder_.limits().addresses));
        return;
      }
      for (std::uint32_t i = 0; i < range.count; ++i)
        endpoints.push_back({address_plus(range.first, i), range.port.value_or(0)});
    }
    if (endpoints.empty() && fwmarks.empty())
      report_.error(draft.name.at, fmt::format("virtual_server_group {} has no addresses", draft.name.value));
  }

  void resolve(const ServiceDraft& draft) {
    VirtualServer made;
    if (!draft.protocol && !draft.fwmark) {
      report_.warning(draft.at, fmt::format("{} has no protocol: TCP is assumed", draft.title),
                      "keepalived assumes UDP");
    }
    made.protocol = draft.protocol ? draft.protocol->value : Protocol::tcp;
    const auto method = method_of(draft, {});
    made.method = method.method;
    made.tunnel = method.tunnel;
    made.scheduler = draft.scheduler ? draft.scheduler->value : Scheduler::wlc;
    made.expire_nodest = draft.expire_nodest.value_or(model_.global.expire_nodest);
    made.sloppy_tcp = draft.sloppy_tcp.value_or(model_.global.sloppy_tcp);
    made.alpha = draft.timing.alpha.value_or(false);
    made.omega = draft.omega;
    made.when_all_down = draft.when_all_down;
    made.slow_start = draft.slow_start;
    made.ha_suspend = draft.ha_suspend;
    made.passive_check = draft.passive;
    made.quorum_up = draft.quorum_up;
    made.quorum_down = draft.quorum_down;
    made.mail = alert(draft.alert, false);
    if (draft.timeouts.tcp || draft.timeouts.tcp_fin || draft.timeouts.udp) {
      const auto& global = model_.global.lvs_timeouts;
      made.timeouts =
          LvsTimeouts{draft.timeouts.tcp.value_or(global.tcp), draft.timeouts.tcp_fin.value_or(global.tcp_fin),
                      draft.timeouts.udp.value_or(global.udp)};
    }
    endpoints(draft, made);
    family(draft, made);
    check_endpoints(draft, made);
    if (draft.servers.empty() && draft.sources.empty()) {
      report_.warning(draft.at, fmt::format("{} has no real_server{}", draft.title,
                                            draft.sorry ? ": its sorry_server serves alone" : " and is ignored"));
      if (!draft.sorry) return;
    }
    std::unordered_map<ServiceKey, Position, ServiceKeyHash> seen;
    for (const auto& server : draft.servers) add_server(draft, server, made, seen);
    for (const auto& source : draft.sources) add_source(draft, source, made);
    sorry_server(draft, made);
    resolve_forwarding(binder_, draft, local_groups_, floats(made), made);
    quorum(draft, made);
    model_.virtual_servers.push_back(std::move(made));
    drafts_.push_back(&draft);
  }

  void amend(const AmendDraft& draft) {
    const auto index = find_service(draft.service);
    if (!index) return;
    if (draft.remove) {
      model_.virtual_servers.erase(model_.virtual_servers.begin() + static_cast<std::ptrdiff_t>(*index));
      drafts_.erase(drafts_.begin() + static_cast<std::ptrdiff_t>(*index));
      return;
    }
    auto& made = model_.virtual_servers[*index];
    const auto& service = *drafts_[*index];
    for (const auto& removed : draft.removed) {
      if (const auto found = find_server(made, service, removed); found != made.real_servers.end())
        made.real_servers.erase(found);
    }
    if (!draft.service.servers.empty()) add_servers(draft.service.servers, service, made);
    for (const auto& weighed : draft.weights) {
      if (const auto found = find_server(made, service, weighed); found != made.real_servers.end())
        found->weight = static_cast<int>(weighed.weight);
    }
  }

  void add_servers(const std::vector<ServerDraft>& servers, const ServiceDraft& service, VirtualServer& made) {
    std::unordered_map<ServiceKey, Position, ServiceKeyHash> seen;
    for (const auto& server : made.real_servers) seen.emplace(ServiceKey{server.endpoint, made.protocol}, service.at);
    for (const auto& server : servers) {
      const auto before = made.real_servers.size();
      add_server(service, server, made, seen);
      if (made.real_servers.size() == before) continue;
      if (const auto local = has_local_address(made, made.real_servers.back()); !local)
        report_.error(server.at, local.error().message);
    }
  }

  /// The service that an amendment means.
  std::optional<std::size_t> find_service(const ServiceDraft& draft) {
    if (!draft.group && !draft.address && !draft.fwmark) return std::nullopt;  // reported where it was read
    const auto port = static_cast<std::uint16_t>(draft.port ? draft.port->value : 0);
    const auto place =
        draft.group ? "group:" + draft.group->value : net::Endpoint{draft.address->value, port}.to_string();
    std::vector<std::string> names;
    if (draft.fwmark) {
      names = {mark_name(draft.fwmark->value, net::Family::ipv4), mark_name(draft.fwmark->value, net::Family::ipv6)};
    } else {
      for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::sctp}) {
        if (!draft.protocol || draft.protocol->value == protocol)
          names.push_back(fmt::format("{}:{}", protocol, place));
      }
    }
    std::optional<std::size_t> found;
    for (const auto& name : names) {
      const auto service = std::ranges::find(model_.virtual_servers, name, &VirtualServer::name);
      if (service == model_.virtual_servers.end()) continue;
      if (found) {
        report_.error(draft.at, fmt::format("there is more than one {}", draft.title), "add protocol TCP, UDP or SCTP");
        return std::nullopt;
      }
      found = static_cast<std::size_t>(service - model_.virtual_servers.begin());
    }
    if (!found) report_.error(draft.at, fmt::format("there is no {} to amend", draft.title));
    return found;
  }

  std::vector<RealServer>::iterator find_server(VirtualServer& made, const ServiceDraft& service,
                                                const ServerNameDraft& draft) {
    if (!draft.address) return made.real_servers.end();
    const bool given = draft.port && draft.port->value != 0;
    const net::Endpoint endpoint{draft.address->value,
                                 given ? static_cast<std::uint16_t>(draft.port->value) : common_port(made).value_or(0)};
    const auto found = std::ranges::find(made.real_servers, endpoint, &RealServer::endpoint);
    if (found == made.real_servers.end())
      report_.error(draft.address->at, fmt::format("there is no real_server {} in {}", endpoint, service.title));
    return found;
  }

  void endpoints(const ServiceDraft& draft, VirtualServer& made) {
    if (draft.address) {
      const auto port = draft.port ? draft.port->value : 0;
      const net::Endpoint endpoint{draft.address->value, static_cast<std::uint16_t>(port)};
      made.endpoints.push_back(endpoint);
      made.name = fmt::format("{}:{}", made.protocol, endpoint);
    }
    if (!draft.group || draft.group->value.empty()) return;
    const auto& [name, at] = *draft.group;
    made.name = fmt::format("{}:group:{}", made.protocol, name);
    const auto group = groups_.find(name);
    if (group == groups_.end()) {
      const auto near = nearest(name, group_names_);
      report_.error(at, fmt::format("there is no virtual_server_group '{}'", shorten(name)),
                    near.empty() ? "" : fmt::format("did you mean '{}'?", near));
    } else if (const auto [first, fresh] = group_services_.emplace(made.name, draft.at); !fresh) {
      report_.error(draft.at, fmt::format("{} ({}) exists already ({})", draft.title, made.protocol,
                                          report_.where(first->second)));
    } else {
      made.endpoints = group->second.endpoints;
      made.fwmarks = group->second.fwmarks;
    }
  }

  static std::string mark_name(std::uint32_t mark, net::Family family) {
    return fmt::format("fwmark{}:{}", family == net::Family::ipv6 ? "6" : "", mark);
  }

  /// Of its addresses; that of a service by fwmark is said, or is its servers'.
  void family(const ServiceDraft& draft, VirtualServer& made) {
    const auto* first = draft.servers.empty() ? nullptr : &draft.servers.front().address;
    const auto* example = first != nullptr && *first ? &(*first)->value
                          : draft.sorry              ? &draft.sorry->address.value
                                                     : nullptr;
    if (!made.endpoints.empty())
      made.family = made.endpoints.front().address.family();
    else if (draft.family)
      made.family = draft.family->value;
    else if (example != nullptr)
      made.family = example->family();
    if (draft.family && draft.family->value != made.family)
      report_.error(draft.family->at, fmt::format("{} has an address of the other family", draft.title));
    if (draft.fwmark) {
      made.fwmarks.push_back(draft.fwmark->value);
      made.name = mark_name(draft.fwmark->value, made.family);
    }
  }

  void check_endpoints(const ServiceDraft& draft, const VirtualServer& made) {
    for (const auto mark : made.fwmarks) {
      const auto [first, fresh] = taken_marks_.emplace(mark_name(mark, made.family), draft.at);
      if (!fresh) {
        report_.error(draft.at, fmt::format("{}: a service of fwmark {} exists already ({})", draft.title, mark,
                                            report_.where(first->second)));
      }
    }
    const net::Endpoint* homeless = nullptr;
    for (const auto& endpoint : made.endpoints) {
      const auto [first, fresh] = taken_.emplace(ServiceKey{endpoint, made.protocol}, draft.at);
      if (!fresh) {
        report_.error(draft.at, fmt::format("{}: a {} service at {} exists already ({})", draft.title, made.protocol,
                                            endpoint, report_.where(first->second)));
        break;
      }
      if (homeless == nullptr && !floating_.contains(endpoint.address)) homeless = &endpoint;
    }
    const auto other = std::ranges::find_if(made.endpoints, [&](const auto& endpoint) {
      return endpoint.address.family() != made.endpoints.front().address.family();
    });
    if (other != made.endpoints.end()) {
      report_.error(draft.at, fmt::format("{} has addresses of both families, {} and {}", draft.title,
                                          made.endpoints.front().address, other->address));
    }
    if (homeless != nullptr && !model_.vrrp_instances.empty()) {
      report_.warning(
          draft.at, fmt::format("{} is in no vrrp_instance: this node serves it whatever its role", homeless->address));
    }
  }

  /// The port of a server that names none: the service's.
  std::optional<std::uint16_t> common_port(const VirtualServer& made) const {
    if (made.endpoints.empty()) return std::nullopt;
    const auto port = made.endpoints.front().port;
    const bool same = std::ranges::all_of(made.endpoints, [&](const auto& endpoint) { return endpoint.port == port; });
    return same ? std::optional{port} : std::nullopt;
  }

  /// Address and port of a real or sorry server, checked against what its method can do.
  net::Endpoint server_endpoint(const VirtualServer& made, const At<net::IpAddress>& address,
                                const std::optional<At<unsigned>>& port, Method method, std::string_view kind) {
    if (!made.endpoints.empty() || !made.fwmarks.empty()) check_family(made.family, address, method, kind);
    const bool given = port && port->value != 0;
    if (given) return {address.value, server_port(made, *port, method)};
    return {address.value, common_port(made).value_or(0)};
  }

  void check_family(net::Family service, const At<net::IpAddress>& server, Method method, std::string_view kind) {
    if (service == server.value.family() || method == Method::tun) return;
    if (method == Method::fnat && service == net::Family::ipv6) return;
    report_.error(server.at,
                  fmt::format("{} {} is {}, its service is {}: {}", kind, server.value, family_text(server.value),
                              family_text(service),
                              method == Method::fnat ? "FNAT translates from IPv6 to IPv4, not the other way"
                                                     : fmt::format("{} cannot translate between them", method)));
  }

  /// The port that a server is given of its own. Connections to a service of every port keep the one they asked for, as
  /// IPVS has it.
  std::uint16_t server_port(const VirtualServer& made, const At<unsigned>& port, Method method) {
    const auto own = static_cast<std::uint16_t>(port.value);
    const auto differs = std::ranges::find_if(
        made.endpoints, [&](const auto& endpoint) { return endpoint.port != 0 && endpoint.port != own; });
    const bool every = std::ranges::any_of(made.endpoints, [](const auto& endpoint) { return endpoint.port == 0; });
    if (differs != made.endpoints.end() && (method == Method::dr || method == Method::tun))
      report_.error(port.at, fmt::format("{} cannot change the port: the service's is {}", method, differs->port));
    else if (differs != made.endpoints.end() && every)
      report_.error(port.at, "the port cannot be changed: the service has addresses of every port, too");
    if (!every) return own;
    report_.warning(port.at,
                    fmt::format("port {} is probed only: connections to a service of every port keep theirs", own),
                    "leave it out, and give checks connect_port");
    return 0;
  }

  [[nodiscard]] bool floats(const VirtualServer& made) const {
    return std::ranges::any_of(made.endpoints,
                               [&](const auto& endpoint) { return floating_.contains(endpoint.address); });
  }

  void add_server(const ServiceDraft& service, const ServerDraft& draft, VirtualServer& made,
                  std::unordered_map<ServiceKey, Position, ServiceKeyHash>& seen) {
    if (!draft.address) return;
    RealServer server;
    common_parts(service, draft, server);
    const auto endpoint = server_endpoint(made, *draft.address, draft.port, server.method, "real_server");
    server.endpoint = endpoint;
    const auto [first, fresh] = seen.emplace(ServiceKey{endpoint, made.protocol}, draft.at);
    if (!fresh) {
      report_.error(draft.at, fmt::format("real_server {} exists already in {} ({})", endpoint, service.title,
                                          report_.where(first->second)));
    }
    server.checks = resolve_checks(binder_, service, draft, endpoint);
    for (const auto& [name, at] : draft.checks_to_come) {
      binder_.not_yet(at,
                      fmt::format("checker '{}' of keepalived is not done yet and is ignored: real_server {} {}", name,
                                  endpoint, draft.checks.empty() ? "counts as always up" : "is checked without it"));
    }
    made.real_servers.push_back(std::move(server));
  }

  /// What a server has besides its address.
  void common_parts(const ServiceDraft& service, const ServerDraft& draft, RealServer& server) {
    const auto method = method_of(service, draft.method);
    server.method = method.method;
    server.tunnel = method.tunnel;
    thresholds(draft, server);
    server.weight = static_cast<int>(draft.weight);
    server.inhibit_on_failure =
        draft.timing.inhibit_on_failure.value_or(service.timing.inhibit_on_failure.value_or(false));
    server.any_check = draft.any_check;
    server.notify_up = draft.notify_up;
    server.notify_down = draft.notify_down;
    server.mail = alert(draft.alert, true);
  }

  /// Whether a change is told by mail: what the object says, smtp_alert_checker, smtp_alert, keepalived's default.
  [[nodiscard]] bool alert(const std::optional<At<bool>>& own, bool standard) const {
    const auto& draft = binder_.draft();
    const auto& said = own ? own : draft.checker_alert ? draft.checker_alert : draft.alert;
    return !model_.global.mail.to.empty() && (said ? said->value : standard);
  }

  void add_source(const ServiceDraft& service, const SourceDraft& draft, VirtualServer& made) {
    ServerSource source;
    source.query = draft.query;
    source.query.interval = draft.interval.value_or(1s);
    common_parts(service, draft.like, source.like);
    if (source.query.port == 0) source.query.port = common_port(made).value_or(0);
    if (source.query.kind == SourceKind::etcd && source.query.endpoints.empty())
      report_.error(draft.like.at, "real_servers_from etcd has no endpoint", "add endpoint http://HOST:2379");
    source.like.checks = resolve_checks(binder_, service, draft.like, {});
    made.sources.push_back(std::move(source));
  }

  void thresholds(const ServerDraft& draft, RealServer& made) {
    made.upper_threshold = draft.upper_threshold ? draft.upper_threshold->value : 0;
    made.lower_threshold = draft.lower_threshold ? draft.lower_threshold->value : 0;
    if (made.lower_threshold == 0) return;
    if (made.upper_threshold == 0)
      report_.warning(draft.lower_threshold->at, "lthreshold means nothing without uthreshold");
    else if (made.lower_threshold > made.upper_threshold)
      report_.error(draft.lower_threshold->at,
                    fmt::format("lthreshold {} is above uthreshold {}", made.lower_threshold, made.upper_threshold));
  }

  void sorry_server(const ServiceDraft& draft, VirtualServer& made) {
    if (!draft.sorry) return;
    const auto method = method_of(draft, draft.sorry_method);
    const auto endpoint = server_endpoint(made, draft.sorry->address, draft.sorry->port, method.method, "sorry_server");
    made.sorry_server = SorryServer{endpoint, method.method, method.tunnel, draft.sorry_inhibit};
  }

  void quorum(const ServiceDraft& draft, VirtualServer& made) {
    made.quorum = draft.quorum ? draft.quorum->value : 1;
    made.hysteresis = draft.hysteresis ? draft.hysteresis->value : 0;
    std::uint64_t total = 0;
    for (const auto& server : made.real_servers) total += static_cast<unsigned>(server.weight);
    if (draft.quorum && made.quorum > total && !draft.servers.empty() && draft.sources.empty()) {
      report_.warning(draft.quorum->at,
                      fmt::format("quorum {} is never reached: all servers together weigh {}", made.quorum, total));
    }
    if (draft.hysteresis && made.hysteresis >= made.quorum) {
      report_.warning(draft.hysteresis->at,
                      fmt::format("hysteresis is lowered to {}, below the quorum of {}", made.quorum - 1, made.quorum));
      made.hysteresis = made.quorum - 1;
    }
  }

  Binder& binder_;
  Report& report_;
  Model& model_;
  LocalGroups local_groups_;
  FloatingAddresses floating_;
  struct Group {
    std::vector<net::Endpoint> endpoints;
    std::vector<std::uint32_t> fwmarks;
  };
  std::unordered_map<std::string, Group> groups_;
  std::vector<std::string_view> group_names_;
  std::unordered_map<std::string, Position> group_services_;
  std::unordered_map<ServiceKey, Position, ServiceKeyHash> taken_;
  std::unordered_map<std::string, Position> taken_marks_;
  std::vector<const ServiceDraft*> drafts_;  ///< of the model's services, in their order
  std::size_t expanded_ = 0;
};

}  // namespace

void resolve_services(Binder& binder, Model& model) { ServiceResolver{binder, model}.run(); }

}  // namespace ballast::config
