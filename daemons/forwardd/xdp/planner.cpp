#include "daemons/forwardd/xdp/planner.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <tuple>

#include "daemons/forwardd/tables.hpp"
#include "daemons/forwardd/xdp/filters.hpp"
#include "daemons/forwardd/xdp/layout_values.hpp"
#include "daemons/forwardd/xdp/local_plan.hpp"

namespace ballast::forwardd::xdp {
namespace {

using ServerIdentity = std::tuple<std::uint32_t, net::IpAddress, std::uint16_t, std::uint8_t>;

constexpr std::array methods{layout::METHOD_NAT, layout::METHOD_DR, layout::METHOD_TUN, layout::METHOD_FNAT};

/// A server named twice in one service (a sorry server that is a real one, too) is one server that takes the most of
/// both.
std::vector<DesiredServer> without_doubles(const std::vector<DesiredServer>& servers) {
  std::vector<DesiredServer> kept;
  for (const auto& server : servers) {
    const auto same = std::ranges::find_if(
        kept, [&](const auto& other) { return other.endpoint == server.endpoint && other.method == server.method; });
    if (same == kept.end())
      kept.push_back(server);
    else if (server.weight > same->weight || same->status == bus::ServerStatus::down)
      *same = server;
  }
  return kept;
}

std::vector<std::uint32_t> table_of(config::Scheduler scheduler, const std::vector<TableServer>& members) {
  using enum config::Scheduler;
  switch (scheduler) {
    case mh:
      return maglev_table(members);
    case rr:
    case wrr:
    case sh:
    case dh:
    case twos:
    case p2c:
      return round_robin_table(members);
    default:
      return list_table(members);
  }
}

/// One run of the planner; the order of its steps is the order of the writes.
class Planner {
 public:
  Planner(const Mirror& now, const DesiredState& desired, const FindHop& hops, const HasConnections& busy,
          PlannedServices before)
      : now_{now},
        desired_{desired},
        hops_{hops},
        busy_{busy},
        before_{std::move(before)},
        locals_{now.locals, now.limits.locals},
        planned_(desired.services.size()),
        untouched_(now.services.size()) {}

  Plan run() {
    pass_over_settled();
    claim_services();
    claim_roles();
    find_servers();
    for_each_to_plan([&](const auto& service, auto& planned) { find_former_ways(service, planned); });
    drop_keys();
    widen_filters();
    for_each_to_plan([&](const auto& service, auto& planned) { plan_service(service, planned); });
    put_tables();
    put_keys();
    clear_rest();
    return std::move(plan_);
  }

 private:
  template <class T>
  static T at(const std::vector<T>& values, std::uint32_t index) {
    return index < values.size() ? values[index] : T{};
  }

  std::optional<std::uint32_t> known_index(const DesiredService& service) const {
    for (const auto& endpoint : service.endpoints) {
      const auto found = now_.keys.find(key_of(endpoint, service.protocol));
      if (found != now_.keys.end() && !claimed_services_.contains(found->second)) return found->second;
    }
    return std::nullopt;
  }

  bool is_untouched(std::uint32_t service) const { return service < untouched_.size() && untouched_[service]; }
  /// It has a place, and is to be planned.
  bool is_to_plan(std::size_t place) const {
    return planned_[place] != nullptr && !is_untouched(planned_[place]->index);
  }
  template <class Visit>
  void for_each_planned(Visit visit) {
    for (std::size_t place = 0; place < planned_.size(); ++place) {
      if (planned_[place] != nullptr) visit(desired_.services[place], *planned_[place]);
    }
  }
  template <class Visit>
  void for_each_to_plan(Visit visit) {
    for (place_ = 0; place_ < planned_.size(); ++place_) {
      if (is_to_plan(place_)) visit(desired_.services[place_], *planned_[place_]);
    }
  }

  void pass_over_settled() {
    for (std::size_t place = 0; place < planned_.size(); ++place) {
      const auto known = before_.find(desired_.services[place].name);
      if (known == before_.end()) continue;
      const auto& [index, servers, former, settled] = known->second;
      if (settled == nullptr || settled != desired_.services.shared(place) || at(now_.services, index).used == 0)
        continue;
      untouched_[index] = true;
      claimed_services_.insert(index);
      planned_[place] = &plan_.services.insert(before_.extract(known)).position->second;
    }
    locals_.leave_alone(untouched_, now_.services);
  }

  void claim(std::size_t place, std::uint32_t index) {
    claimed_services_.insert(index);
    planned_[place] = &plan_.services[desired_.services[place].name];
    planned_[place]->index = index;
  }

  void claim_services() {
    for (std::size_t place = 0; place < planned_.size(); ++place) {
      if (planned_[place] != nullptr) continue;
      if (const auto index = known_index(desired_.services[place])) claim(place, *index);
    }
    for (std::size_t place = 0; place < planned_.size(); ++place) {
      if (planned_[place] != nullptr) continue;
      if (const auto index = free_service()) {
        claim(place, *index);
        continue;
      }
      plan_.full = true;
      plan_.errors.push_back(fail("service {}: the data path has room for {} services, and all are taken",
                                  desired_.services[place].name, now_.limits.services - 1));
    }
  }

  std::optional<std::uint32_t> free_service() {
    // One that a service of the past leaves only in this plan is not free yet: its servers still carry its number.
    for (; next_service_ < now_.limits.services; ++next_service_) {
      if (!claimed_services_.contains(next_service_) && at(now_.services, next_service_).used == 0)
        return next_service_++;
    }
    return std::nullopt;
  }

  void claim_known_role(const DesiredService& service, const PlannedService& planned, std::set<std::uint32_t>& taken) {
    if (service.role.empty() || plan_.roles.contains(service.role)) return;
    const auto before = at(now_.services, planned.index);
    if (before.used != 0 && taken.insert(before.role).second) plan_.roles[service.role] = before.role;
  }

  void claim_roles() {
    std::set<std::uint32_t> taken{0};
    // Those that are passed over keep theirs, whoever else comes to have another now.
    for_each_planned([&](const auto& service, const auto& planned) {
      if (is_untouched(planned.index)) claim_known_role(service, planned, taken);
    });
    for_each_planned([&](const auto& service, const auto& planned) { claim_known_role(service, planned, taken); });
    if (at(now_.roles, 0) == 0) plan_.changes.push_back(PutRole{0, 1});
    std::uint32_t next = 1;
    for (std::size_t place = 0; place < planned_.size(); ++place) {
      const auto& service = desired_.services[place];
      if (service.role.empty()) continue;
      const auto state = state_of(service.role);
      if (!plan_.roles.contains(service.role)) {
        while (taken.contains(next)) ++next;
        if (next >= now_.limits.roles) {
          plan_.errors.push_back(fail("service {}: the data path has room for {} VRRP instances, and all are taken",
                                      service.name, now_.limits.roles - 1));
          plan_.services.erase(service.name);
          planned_[place] = nullptr;
          continue;
        }
        taken.insert(next);
        plan_.roles[service.role] = next;
        put_role(next, state.known && state.forwarding ? 1 : 0);
      } else if (state.known) {
        put_role(plan_.roles[service.role], state.forwarding ? 1 : 0);
      }
    }
  }

  RoleState state_of(const std::string& role) const {
    const auto found = desired_.roles.find(role);
    return found == desired_.roles.end() ? RoleState{} : found->second;
  }

  void put_role(std::uint32_t index, std::uint32_t value) {
    if (!roles_done_.insert(index).second || at(now_.roles, index) == value) return;
    plan_.changes.push_back(PutRole{index, value});
  }

  void find_servers() {
    for (std::uint32_t index = 1; index < now_.servers.size(); ++index) {
      const auto& server = now_.servers[index];
      if ((server.flags & layout::SERVER_USED) == 0 || is_untouched(server.service)) continue;
      servers_.emplace(ServerIdentity{server.service, address_of(server), ntohs(server.port), server.method}, index);
    }
  }

  /// The first plan after a change cannot know whether its entry gets one more connection before the table is swapped.
  bool may_have_connections(std::uint32_t index) const { return now_.servers[index].weight > 0 || busy_(index); }

  /// Of servers that stay and are reached in another way now: their connections go on in the former one.
  void find_former_ways(const DesiredService& service, PlannedService& planned) {
    const auto servers = without_doubles(service.servers);
    std::set<ServerIdentity> wanted;
    for (const auto& server : servers) wanted.insert(identity_of(server, planned.index, method_of(server.method)));
    for (const auto& server : servers) {
      for (const auto method : methods) {
        const auto identity = identity_of(server, planned.index, method);
        const auto known = servers_.find(identity);
        if (known == servers_.end() || wanted.contains(identity) || !may_have_connections(known->second)) continue;
        if (!former_.emplace(known->second, server).second) continue;
        planned.former.emplace(server.endpoint.to_string(), known->second);
        if (method == layout::METHOD_FNAT && service.local_addresses.empty()) keep_locals(planned.index);
      }
    }
  }

  static ServerIdentity identity_of(const DesiredServer& server, std::uint32_t owner, std::uint8_t method) {
    return {owner, server.endpoint.address, server.endpoint.port, method};
  }

  void keep_locals(std::uint32_t service) {
    for (const auto& address : locals_.keep(service)) kept_locals_.insert(address);
  }

  void drop_keys() {
    for_each_planned([&](const auto& service, const auto& planned) {
      for (const auto& endpoint : service.endpoints) {
        keys_.emplace(key_of(endpoint, service.protocol), planned.index);
        keys_.emplace(vip_key(endpoint.address), 0);
      }
    });
    for (const auto& [key, index] : now_.keys) {
      if (!keys_.contains(key)) plan_.changes.push_back(DropKey{key});
    }
  }

  std::optional<std::uint32_t> free_server() {
    for (; next_server_ < now_.limits.servers; ++next_server_) {
      if ((at(now_.servers, next_server_).flags & layout::SERVER_USED) == 0) return next_server_++;
    }
    return std::nullopt;
  }

  std::optional<std::uint32_t> plan_server(const DesiredService& service, const DesiredServer& server,
                                           std::uint32_t owner) {
    const auto known = servers_.find(identity_of(server, owner, method_of(server.method)));
    const auto index = known != servers_.end() ? std::optional{known->second} : free_server();
    if (!index) {
      plan_.full = true;
      plan_.errors.push_back(fail("service {}, server {}: the data path has room for {} servers, and all are taken",
                                  service.name, server.endpoint, now_.limits.servers - 1));
      return std::nullopt;
    }
    const bool fresh = known == servers_.end();
    put_server(*index, entry_of(service, server, owner, role_of(service), entry_at(*index), fresh, hops_), fresh);
    return index;
  }

  ServerEntry entry_at(std::uint32_t index) const { return {at(now_.servers, index), at(now_.extras, index)}; }

  void put_server(std::uint32_t index, const ServerEntry& entry, bool fresh) {
    if (!same_bytes(entry_at(index), entry)) plan_.changes.push_back(PutServer{index, entry.value, entry.extra, fresh});
    kept_servers_.insert(index);
  }

  std::uint32_t role_of(const DesiredService& service) const {
    return service.role.empty() ? 0 : plan_.roles.at(service.role);
  }

  void plan_service(const DesiredService& service, PlannedService& planned) {
    const auto errors_before = plan_.errors.size();
    std::vector<TableServer> members;
    for (const auto& server : without_doubles(service.servers)) {
      const auto index = plan_server(service, server, planned.index);
      if (!index) continue;
      planned.servers.try_emplace(server.endpoint.to_string(), *index);
      members.push_back({server.endpoint, *index, weight_of(service.scheduler, server.weight)});
    }
    plan_table(service, planned.index, members);
    for (const auto& [name, index] : planned.former)
      put_server(index, former_entry(former_.at(index), role_of(service), entry_at(index), hops_), false);
    if (planned.former.empty() && plan_.errors.size() == errors_before)
      planned.settled = desired_.services.shared(place_);
  }

  static std::vector<net::IpAddress> locals_of(const DesiredService& service, bool is_v6) {
    std::vector<net::IpAddress> found;
    for (const auto& address : service.local_addresses) {
      if (address.is_v6() == is_v6 && std::ranges::find(found, address) == found.end()) found.push_back(address);
    }
    return found;
  }

  void plan_locals(const DesiredService& service, std::uint32_t index, layout::service& after) {
    const auto before = at(now_.services, index);
    for (const bool is_v6 : {false, true}) {
      const auto wanted = locals_of(service, is_v6);
      const auto range = locals_.place(index, before.used != 0 ? before.locals[is_v6] : layout::local_range{}, wanted);
      if (range) {
        after.locals[is_v6] = *range;
      } else {
        plan_.errors.push_back(
            fail("service {}: the data path has room for {} local addresses of all services, and "
                 "too few are left for its {}",
                 service.name, now_.limits.locals - 1, wanted.size()));
      }
    }
    for (auto& put : locals_.take_changes()) plan_.changes.push_back(put);
  }

  static std::uint64_t digest_inputs(config::Scheduler scheduler, const std::vector<TableServer>& members) {
    std::vector<std::uint32_t> words{static_cast<std::uint32_t>(scheduler)};
    for (const auto& member : members) {
      words.insert(words.end(),
                   {member.index, member.weight, filter_bit(member.endpoint.address), member.endpoint.port});
    }
    return digest_of(words);
  }

  void plan_table(const DesiredService& service, std::uint32_t index, const std::vector<TableServer>& members) {
    const auto before = at(now_.services, index);
    const auto known = at(now_.tables, index);
    auto after = entry_of(service, role_of(service));
    after.table_size = before.table_size;
    plan_locals(service, index, after);
    std::optional<PutTable> table;
    const auto inputs = digest_inputs(service.scheduler, members);
    if (inputs != known.inputs || before.used == 0) {
      auto slots = table_of(service.scheduler, members);
      const auto digest = digest_of(slots);
      after.table_size = static_cast<std::uint32_t>(slots.size());
      const bool nothing_to_write = digest == known.slots || slots.empty();  // nobody looks into one of size 0
      table = PutTable{index, std::move(slots), {inputs, digest}, nothing_to_write && before.used != 0};
    }
    put_service(index, before, after, std::move(table));
  }

  /// The program reads size, then table: at no time may the size pass the table's. And at no time may a table lead to
  /// FNAT servers of a service without LIPs, those of before included.
  void put_service(std::uint32_t index, layout::service written, const layout::service& after,
                   std::optional<PutTable> table) {
    const auto write = [&](const layout::service& wanted, std::vector<Change>& changes) {
      if (same_bytes(written, wanted)) return;
      changes.push_back(PutService{index, wanted});
      written = wanted;
    };
    if (table) {
      const bool shrinks = after.table_size < written.table_size;
      auto meanwhile = shrinks ? after : written;
      for (const std::size_t family : {0U, 1U})
        meanwhile.locals[family] = after.locals[family].count > 0 ? after.locals[family] : written.locals[family];
      if (written.used != 0) write(meanwhile, plan_.changes);
      tables_.push_back(std::move(*table));
    }
    write(after, after_tables_);
  }

  /// All tables side by side, so that they are written at once.
  void put_tables() {
    std::ranges::move(tables_, std::back_inserter(plan_.changes));
    std::ranges::move(after_tables_, std::back_inserter(plan_.changes));
  }

  /// Before a server gets its first packet: its answer must not pass by.
  void widen_filters() {
    filters_ = std::make_shared<layout::filters>();
    for_each_planned([&](const auto& service, const auto& planned) {
      bool answers_pass = false;
      for (const auto& server : service.servers) {
        if (server.method != config::Method::nat) continue;
        set_bit(filters_->source, filter_bit(server.endpoint.address));
        answers_pass = true;
      }
      for (const auto& [name, index] : planned.former) {
        if (now_.servers[index].method != layout::METHOD_NAT) continue;
        set_bit(filters_->source, filter_bit(address_of(now_.servers[index])));
        answers_pass = true;
      }
      for (const auto& local : service.local_addresses) set_bit(filters_->local, filter_bit(local));
      for (const auto& endpoint : service.endpoints) {
        set_bit(filters_->destination, filter_bit(endpoint.address));
        if (answers_pass) set_bit(filters_->by_client, filter_bit(endpoint.address));
      }
    });
    for (const auto& local : kept_locals_) set_bit(filters_->local, filter_bit(local));
    auto both = std::make_shared<layout::filters>(united(now_.filters, *filters_));
    narrowed_ = !same(*both, *filters_);
    if (!same(*both, now_.filters)) plan_.changes.push_back(PutFilters{std::move(both)});
  }

  void put_keys() {
    for (const auto& [key, index] : keys_) {
      const auto before = now_.keys.find(key);
      if (before == now_.keys.end() || before->second != index) plan_.changes.push_back(PutKey{key, index});
    }
  }

  void clear_rest() {
    for (std::uint32_t index = 1; index < now_.services.size(); ++index) {
      if (now_.services[index].used == 0 || claimed_services_.contains(index)) continue;
      plan_.changes.push_back(PutService{index, layout::service{}});
      plan_.changes.push_back(PutTable{index, {}, {}, false});
    }
    for (std::uint32_t index = 1; index < now_.servers.size(); ++index) {
      const auto& server = now_.servers[index];
      if ((server.flags & layout::SERVER_USED) == 0 || is_untouched(server.service) || kept_servers_.contains(index))
        continue;
      // Its address stays, so that late answers are known for what they are.
      auto cleared = server;
      cleared.flags = 0;
      cleared.weight = 0;
      plan_.changes.push_back(PutServer{index, cleared, layout::server_extra{}, false});
    }
    for (auto& put : locals_.leavers()) plan_.changes.push_back(put);
    if (narrowed_) plan_.changes.push_back(PutFilters{filters_});
  }

  const Mirror& now_;
  const DesiredState& desired_;
  const FindHop& hops_;
  const HasConnections& busy_;
  PlannedServices before_;
  LocalPlan locals_;
  Plan plan_;
  std::vector<PlannedService*> planned_;  ///< by place in `desired_`; none: it has no room
  std::vector<bool> untouched_;           ///< by service: everything of it stays as it is
  std::size_t place_ = 0;                 ///< of the service that is being planned
  std::vector<Change> tables_;
  std::vector<Change> after_tables_;  ///< services that use them
  std::set<std::uint32_t> claimed_services_;
  std::set<std::uint32_t> kept_servers_;
  std::set<std::uint32_t> roles_done_;
  std::map<ServerIdentity, std::uint32_t> servers_;
  std::map<std::uint32_t, DesiredServer> former_;  ///< what is wanted of the server now
  std::set<net::IpAddress> kept_locals_;
  Keys keys_;
  std::shared_ptr<layout::filters> filters_;
  std::uint32_t next_service_ = 1;
  std::uint32_t next_server_ = 1;
  bool narrowed_ = false;
};

}  // namespace

Plan make_plan(const Mirror& now, const DesiredState& desired, const FindHop& hops, const HasConnections& busy,
               PlannedServices before) {
  return Planner{now, desired, hops, busy, std::move(before)}.run();
}

}  // namespace ballast::forwardd::xdp
