#pragma once
#include "common/config/options.hpp"

namespace ballast::config {

/// Reads one record of virtual_routes or static_routes, as `ip route add` has it:
/// `[KIND] [to] DESTINATION [via ADDRESS] [dev INTERFACE] …`. Faults are reported at their words.
void add_route_record(Binder& binder, const Statement& record, std::vector<RouteDraft>& list);

/// The same of virtual_rules or static_rules, as `ip rule add` has it: `[from PREFIX] [to PREFIX] … [table TABLE]`.
void add_rule_record(Binder& binder, const Statement& record, std::vector<RuleDraft>& list);

/// The record of a route, with what is not a default.
std::string record_of(const Route& route);
std::string record_of(const Rule& rule);

}  // namespace ballast::config
