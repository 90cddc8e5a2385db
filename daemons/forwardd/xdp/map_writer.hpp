#pragma once
#include "daemons/forwardd/xdp/exit.hpp"
#include "daemons/forwardd/xdp/load_table.hpp"
#include "daemons/forwardd/xdp/mirror.hpp"
#include "daemons/forwardd/xdp/object.hpp"

namespace ballast::forwardd::xdp {

/// Carries one change out.
Result<> write_change(const Object& object, LoadTable& load, const Change& change);

/// Writes tables of services that no packet finds yet, many at once: of a single one the kernel waits until no program
/// can see what was there before, which takes milliseconds each.
Result<> write_fresh_tables(const Object& object, const std::vector<const PutTable*>& tables);

/// What the maps hold now. Tables are read only where the kernel allows it; one that is not known is written anew.
Result<Mirror> read_mirror(const Object& object);

/// Makes `uppers` tell of these devices and no others.
Result<> write_uppers(const Object& object, const std::map<std::uint32_t, Exit>& wanted);

/// Makes next hops that connections have cached void.
Result<> bump_route_generation(const Object& object);

}  // namespace ballast::forwardd::xdp
