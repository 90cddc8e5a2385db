#pragma once
#include "daemons/forwardd/xdp/exit.hpp"
#include "daemons/forwardd/xdp/load_table.hpp"
#include "daemons/forwardd/xdp/mirror.hpp"
#include "daemons/forwardd/xdp/object.hpp"

namespace ballast::forwardd::xdp {

/// Carries one change out.
Result<> write_change(const Object& object, LoadTable& load, const Change& change);

/// Writes tables (PutTable all), many at once: after each write the kernel waits until no program can see what was
/// there before, which takes milliseconds.
Result<> write_tables(const Object& object, std::span<const Change> tables);

/// Writes all of a mirror into maps that are empty, but for tables, and for maps that they share with others.
Result<> write_mirror(const Object& object, const Mirror& mirror);

/// Servers' counts, from maps that are given up for larger ones.
Result<> copy_counts(const Object& from, const Object& to, const Mirror& mirror);

/// What the maps hold now. Tables are read only where the kernel allows it; one that is not known is written anew.
Result<Mirror> read_mirror(const Object& object);

/// Makes `uppers` tell of these devices and no others.
Result<> write_uppers(const Object& object, const std::map<std::uint32_t, Exit>& wanted);

/// Makes next hops that connections have cached void.
Result<> bump_route_generation(const Object& object);

}  // namespace ballast::forwardd::xdp
