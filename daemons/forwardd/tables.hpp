#pragma once
// Schedulers' tables: which server each slot names. Pure, and the same on every node that has the same servers.
#include <cstdint>
#include <span>
#include <vector>

#include "common/net/ip_address.hpp"

namespace ballast::forwardd {

struct TableServer {
  net::Endpoint endpoint;
  std::uint32_t index = 0;   ///< what is written into the slots
  std::uint32_t weight = 1;  ///< 0: in no slot
};

constexpr std::size_t round_robin_slots_max = 4096;
constexpr std::uint32_t maglev_slots = 65'537;  ///< prime, as the permutations need

/// Smooth weighted round robin: a cycle in which each server has slots by its weight, spread evenly. Weights are
/// divided by their greatest common divisor; a cycle that would pass `slots_max` is scaled down, never losing a server.
std::vector<std::uint32_t> round_robin_table(std::span<const TableServer> servers,
                                             std::size_t slots_max = round_robin_slots_max);

/// Maglev's table (NSDI 2016, section 3.4), weighted: a server's removal moves few of the others' slots.
std::vector<std::uint32_t> maglev_table(std::span<const TableServer> servers, std::uint32_t slots = maglev_slots);

/// Every server of a weight above 0 once, for schedulers that compare loads.
std::vector<std::uint32_t> list_table(std::span<const TableServer> servers);

}  // namespace ballast::forwardd
