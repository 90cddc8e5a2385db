#include "daemons/forwardd/xdp/local_plan.hpp"

#include <algorithm>

namespace ballast::forwardd::xdp {
namespace {

net::IpAddress address_of(const layout::local& local) { return net::IpAddress::v6(local.address); }

}  // namespace

LocalPlan::LocalPlan(const std::vector<layout::local>& now, std::uint32_t limit) : slots_(limit) {
  for (std::size_t index = 0; index < std::min(now.size(), slots_.size()); ++index) slots_[index].value = now[index];
}

void LocalPlan::leave_alone(const std::vector<bool>& services, std::span<const layout::service> now) {
  for (std::uint32_t index = 1; index < slots_.size(); ++index) {
    auto& slot = slots_[index];
    const auto service = slot.value.service;
    if (slot.value.used == 0 || service >= services.size() || !services[service]) continue;
    slot.wanted = true;
    for (const auto& range : now[service].locals)
      slot.in_range |= index >= range.first && index < range.first + std::uint32_t{range.count};
  }
}

bool LocalPlan::holds(std::uint32_t index, std::uint32_t service, const net::IpAddress& address) const {
  const auto& local = slots_[index].value;
  return local.used != 0 && local.service == service && address_of(local) == address;
}

/// Free, or of a LIP of this family that the service has no more.
bool LocalPlan::is_usable(std::uint32_t index, std::uint32_t service, std::span<const net::IpAddress> wanted) const {
  if (index >= slots_.size() || slots_[index].in_range) return false;
  if (is_free(index)) return true;
  const auto held = address_of(slots_[index].value);
  return slots_[index].value.service == service && held.is_v6() == wanted.front().is_v6() &&
         std::ranges::find(wanted, held) == wanted.end();
}

void LocalPlan::put(std::uint32_t index, std::uint32_t service, const net::IpAddress& address) {
  if (holds(index, service, address)) return;
  layout::local local{};
  std::memcpy(local.address, address.mapped().data(), sizeof local.address);
  local.used = 1;
  local.generation = slots_[index].value.generation + 1;
  local.service = service;
  std::memcpy(local.former, slots_[index].value.address, sizeof local.former);
  slots_[index].value = local;
  changes_.push_back({index, local});
}

void LocalPlan::mark(std::uint32_t service, layout::local_range range, std::span<const net::IpAddress> wanted) {
  for (std::uint32_t index = range.first; index < range.first + std::uint32_t{range.count}; ++index)
    slots_[index].in_range = true;
  for (auto& slot : slots_) {
    if (slot.value.used == 0 || slot.value.service != service) continue;
    if (std::ranges::find(wanted, address_of(slot.value)) != wanted.end()) slot.wanted = true;
  }
}

/// The range starts where it did: LIPs that stay in it stay where they are, those that come fill its holes and follow
/// it, and the last ones fill what holes are left.
std::optional<layout::local_range> LocalPlan::place_here(std::uint32_t service, layout::local_range before,
                                                         std::span<const net::IpAddress> wanted) {
  const auto count = static_cast<std::uint32_t>(wanted.size());
  if (before.count == 0) return std::nullopt;
  std::vector<net::IpAddress> coming;
  std::vector<bool> stays(count);
  for (const auto& address : wanted) {
    std::uint32_t at = 0;
    while (at < count && (before.first + at >= slots_.size() || !holds(before.first + at, service, address))) ++at;
    if (at < count)
      stays[at] = true;
    else
      coming.push_back(address);
  }
  for (std::uint32_t at = 0; at < count; ++at) {
    if (!stays[at] && !is_usable(before.first + at, service, wanted)) return std::nullopt;
  }
  for (std::uint32_t at = 0, next = 0; at < count; ++at) {
    if (!stays[at]) put(before.first + at, service, coming[next++]);
  }
  return layout::local_range{before.first, static_cast<__u16>(count)};
}

std::optional<std::uint32_t> LocalPlan::find_room(std::size_t count) const {
  std::size_t free = 0;
  for (std::uint32_t index = 1; index < slots_.size(); ++index) {
    free = is_free(index) ? free + 1 : 0;
    if (free == count) return static_cast<std::uint32_t>(index + 1 - count);
  }
  return std::nullopt;
}

/// Where there is no room, former entries that are in nobody's way until then give theirs.
std::optional<std::uint32_t> LocalPlan::make_room(std::size_t count) {
  if (const auto room = find_room(count)) return room;
  for (std::uint32_t index = 1; index < slots_.size(); ++index) {
    auto& slot = slots_[index];
    if (slot.value.used == 0 || slot.in_range || !slot.wanted) continue;
    slot.value.used = 0;
    slot.wanted = false;
    changes_.push_back({index, slot.value});
  }
  return find_room(count);
}

std::optional<layout::local_range> LocalPlan::place(std::uint32_t service, layout::local_range before,
                                                    std::span<const net::IpAddress> wanted) {
  if (wanted.empty()) return layout::local_range{};
  auto range = place_here(service, before, wanted);
  if (!range) {
    const auto first = make_room(wanted.size());
    if (!first) return std::nullopt;
    range = layout::local_range{static_cast<__u16>(*first), static_cast<__u16>(wanted.size())};
    for (std::size_t i = 0; i < wanted.size(); ++i) put(static_cast<std::uint32_t>(*first + i), service, wanted[i]);
  }
  mark(service, *range, wanted);
  return range;
}

std::vector<net::IpAddress> LocalPlan::keep(std::uint32_t service) {
  std::vector<net::IpAddress> kept;
  for (auto& slot : slots_) {
    if (slot.value.used == 0 || slot.value.service != service) continue;
    slot.wanted = true;
    kept.push_back(address_of(slot.value));
  }
  return kept;
}

std::vector<PutLocal> LocalPlan::take_changes() { return std::exchange(changes_, {}); }

std::vector<PutLocal> LocalPlan::leavers() const {
  std::vector<PutLocal> leaving;
  for (std::uint32_t index = 1; index < slots_.size(); ++index) {
    if (slots_[index].value.used == 0 || slots_[index].wanted) continue;
    auto cleared = slots_[index].value;
    cleared.used = 0;
    leaving.push_back({index, cleared});
  }
  return leaving;
}

}  // namespace ballast::forwardd::xdp
