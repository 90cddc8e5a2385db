#pragma once
// From the desired state and what the maps hold to the writes that make them agree. Pure.
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemons/forwardd/desired.hpp"
#include "daemons/forwardd/xdp/entries.hpp"
#include "daemons/forwardd/xdp/mirror.hpp"

namespace ballast::forwardd::xdp {

struct PlannedService {
  std::uint32_t index = 0;
  std::map<std::string, std::uint32_t> servers;  ///< endpoint text -> server index
  /// As above: entries of servers that were reached in another way, kept for the connections that go on so.
  std::multimap<std::string, std::uint32_t> former;
  /// The maps hold all of this, and next hops as `plan_next_hops` keeps them; none: it is to be looked at again.
  config::SharedList<DesiredService>::Shared settled;
};
using PlannedServices = std::map<std::string, PlannedService>;

struct Plan {
  std::vector<Change> changes;  ///< in this order no packet meets half a service
  std::vector<Error> errors;    ///< what did not fit, by name
  PlannedServices services;
  std::map<std::string, std::uint32_t> roles;  ///< name -> index
  bool full = false;                           ///< larger maps of services and servers would hold more of it
};

/// Whether a server's index has connections, by the counts of now.
using HasConnections = std::function<bool(std::uint32_t server)>;

/// Unchanged services, servers and tables are in no change. Services are recognised by their addresses and ports,
/// servers by service, address, port and method, so that a restarted forwardd finds its own again in the pinned maps.
/// A server whose method changes gets a second entry; the former one stays, for its connections alone, while it has
/// any. `before`: of the plan before, all of whose changes have been written; a service that is settled in it and
/// shared between both states is passed over.
Plan make_plan(const Mirror& now, const DesiredState& desired, const FindHop& hops, const HasConnections& busy,
               PlannedServices before = {});

}  // namespace ballast::forwardd::xdp
