#pragma once
// What should be against what is: steps, conflicts, and a report. Pure.
#include <variant>

#include "common/result.hpp"
#include "tools/realserver/model.hpp"

namespace ballast::realserver {

struct RemoveAddress {
  netlink::Address address;
  bool operator==(const RemoveAddress&) const = default;
};
struct AddAddress {
  netlink::Address address;
  bool operator==(const AddAddress&) const = default;
};
struct ChangeSetting {
  std::string name;
  int before = 0;
  int value = 0;
  bool operator==(const ChangeSetting&) const = default;
};
struct RestoreSetting {
  std::string name;
  int value = 0;
  bool operator==(const RestoreSetting&) const = default;
};
/// Loads the tunnel program or takes the pinned one over, and attaches it to the interfaces.
struct Unwrap {
  bool operator==(const Unwrap&) const = default;
};
/// Detaches from these interfaces; `entirely`: its maps go, too.
struct StopUnwrapping {
  std::vector<std::string> interfaces;
  bool entirely = false;
  bool operator==(const StopUnwrapping&) const = default;
};
struct ShowClients {
  bool operator==(const ShowClients&) const = default;
};
struct StopShowingClients {
  bool operator==(const StopShowingClients&) const = default;
};
using Step = std::variant<RemoveAddress, ChangeSetting, Unwrap, ShowClients, AddAddress, StopUnwrapping,
                          StopShowingClients, RestoreSetting>;

struct Plan {
  std::vector<Step> steps;
  std::vector<Error> conflicts;    ///< any: nothing is to be changed
  std::vector<std::string> notes;  ///< what a person should know
};

/// The kernel settings that count for these wishes and this past.
std::vector<std::string> settings_of_interest(const std::optional<Wanted>& wanted, const Record& record);

/// The interfaces given or, where none is, the only one there is; to choose among several is an error for `tun`.
Result<Wanted> with_interfaces(Wanted wanted, const std::vector<netlink::Link>& links);

/// The steps from what is found to what is wanted (none: to how it was before). ARP is quiet and tunnels are unwrapped
/// before an address appears, and until after it has gone. Only what `record` and marks call ours is taken away.
Plan plan(const std::optional<Wanted>& wanted, const Found& found, const Record& record);

/// The record to write before a plan's steps: with every old value that they overwrite.
Record before_steps(const Record& record, const std::optional<Wanted>& wanted, const Plan& plan);
/// The record to write after them: without what was put back.
Record after_steps(const Record& record, const Found& found);

std::string describe(const Step& step);

}  // namespace ballast::realserver
