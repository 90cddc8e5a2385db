#include "daemons/forwardd/tables.hpp"

#include <algorithm>
#include <numeric>

namespace ballast::forwardd {
namespace {

/// Part of the layout between nodes: another seed gives every flow another server.
constexpr std::uint64_t maglev_seed = 0x62616c6c61737431;  // "ballast1"

std::vector<TableServer> with_weight(std::span<const TableServer> servers) {
  std::vector<TableServer> kept;
  std::ranges::copy_if(servers, std::back_inserter(kept), [](const auto& server) { return server.weight > 0; });
  return kept;
}

/// Brings the sum of weights to at most `most`, by proportion, with at least 1 for each.
void scale_down(std::vector<TableServer>& servers, std::size_t most) {
  std::uint64_t sum = 0;
  for (const auto& server : servers) sum += server.weight;
  if (sum <= most) return;
  for (auto& server : servers) {
    const auto scaled = (std::uint64_t{server.weight} * most + sum / 2) / sum;
    server.weight = static_cast<std::uint32_t>(std::max<std::uint64_t>(scaled, 1));
  }
}

std::uint64_t mix(std::uint64_t value) {  // the finalizer of splitmix64
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

std::uint64_t hash(const net::Endpoint& endpoint, std::uint64_t seed) {
  std::uint64_t value = mix(seed);
  for (const auto byte : endpoint.address.mapped()) value = (value ^ byte) * 0x100000001b3;
  return mix(value ^ (std::uint64_t{endpoint.port} << 16));
}

/// A server's order of preference over the slots, one step at a time.
struct Preference {
  std::uint32_t position;
  std::uint32_t skip;
  std::uint64_t turns = 0;  ///< weight not spent yet
};

std::vector<Preference> preferences(const std::vector<TableServer>& servers, std::uint32_t slots) {
  std::vector<Preference> made;
  for (const auto& server : servers) {
    made.push_back({static_cast<std::uint32_t>(hash(server.endpoint, maglev_seed) % slots),
                    static_cast<std::uint32_t>(hash(server.endpoint, ~maglev_seed) % (slots - 1) + 1)});
  }
  return made;
}

}  // namespace

std::vector<std::uint32_t> round_robin_table(std::span<const TableServer> servers, std::size_t slots_max) {
  auto kept = with_weight(servers);
  if (kept.empty()) return {};
  std::uint32_t divisor = 0;
  for (const auto& server : kept) divisor = std::gcd(divisor, server.weight);
  for (auto& server : kept) server.weight /= divisor;
  scale_down(kept, slots_max);
  std::int64_t total = 0;
  for (const auto& server : kept) total += server.weight;
  std::vector<std::int64_t> credit(kept.size());
  std::vector<std::uint32_t> table;
  table.reserve(static_cast<std::size_t>(total));
  for (std::int64_t slot = 0; slot < total; ++slot) {
    for (std::size_t i = 0; i < kept.size(); ++i) credit[i] += kept[i].weight;
    const auto next = static_cast<std::size_t>(std::ranges::max_element(credit) - credit.begin());
    credit[next] -= total;
    table.push_back(kept[next].index);
  }
  return table;
}

std::vector<std::uint32_t> maglev_table(std::span<const TableServer> servers, std::uint32_t slots) {
  auto kept = with_weight(servers);
  if (kept.empty() || slots < 2) return {};
  std::ranges::sort(kept, {}, &TableServer::endpoint);
  auto wishes = preferences(kept, slots);
  const std::uint64_t heaviest = std::ranges::max(kept, {}, &TableServer::weight).weight;
  std::vector<std::uint32_t> table(slots);
  std::vector<bool> taken(slots);
  for (std::uint32_t filled = 0; filled < slots;) {
    for (std::size_t i = 0; i < kept.size() && filled < slots; ++i) {
      // A server has a turn each time its weights have added up to the heaviest one's.
      wishes[i].turns += kept[i].weight;
      if (wishes[i].turns < heaviest) continue;
      wishes[i].turns -= heaviest;
      auto& position = wishes[i].position;
      while (taken[position]) position = (position + wishes[i].skip) % slots;
      taken[position] = true;
      table[position] = kept[i].index;
      ++filled;
    }
  }
  return table;
}

std::vector<std::uint32_t> list_table(std::span<const TableServer> servers) {
  std::vector<std::uint32_t> table;
  for (const auto& server : servers) {
    if (server.weight > 0) table.push_back(server.index);
  }
  return table;
}

}  // namespace ballast::forwardd
