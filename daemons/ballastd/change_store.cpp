#include "daemons/ballastd/change_store.hpp"

#include <algorithm>

namespace ballast::ballastd {
namespace {

using config::AmendKind;

bool same_server(const config::Amendment& a, const config::Amendment& b) {
  return config::is_about_server(a.kind) && config::is_about_server(b.kind) && a.service == b.service &&
         a.server == b.server;
}

}  // namespace

Result<ChangeStore> ChangeStore::from_json(const nlohmann::json& json) {
  ChangeStore store;
  try {
    json.at("next").get_to(store.next_);
    json.at("changes").get_to(store.changes_);
  } catch (const nlohmann::json::exception& exception) {
    return fail("{}", exception.what());
  }
  for (const auto& change : store.changes_) store.next_ = std::max(store.next_, change.number + 1);
  return store;
}

nlohmann::json ChangeStore::to_json() const { return {{"next", next_}, {"changes", changes_}}; }

/// What was added is taken away for good: then it was never there.
bool ChangeStore::takes_back(const bus::Change& change) {
  const auto& about = change.amendment;
  if (change.until > 0) return false;
  const bool of_server = about.kind == AmendKind::remove_server;
  if (!of_server && about.kind != AmendKind::remove_service) return false;
  const auto last = std::find_if(changes_.rbegin(), changes_.rend(), [&](const auto& earlier) {
    const auto kind = earlier.amendment.kind;
    if (of_server) return kind != AmendKind::server_weight && same_server(earlier.amendment, about);
    return earlier.amendment.service == about.service && !config::is_about_server(kind);
  });
  const auto added = of_server ? AmendKind::add_server : AmendKind::add_service;
  if (last == changes_.rend() || last->amendment.kind != added) return false;
  const auto first = last->number;
  std::erase_if(changes_, [&](const auto& earlier) {
    if (earlier.number < first) return false;
    return of_server ? same_server(earlier.amendment, about) : earlier.amendment.service == about.service;
  });
  return true;
}

std::optional<std::uint64_t> ChangeStore::add(bus::Change change) {
  if (takes_back(change)) return std::nullopt;
  const auto kind = change.amendment.kind;
  if (kind == AmendKind::server_weight) {
    std::erase_if(changes_, [&](const auto& earlier) {
      return earlier.amendment.kind == kind && same_server(earlier.amendment, change.amendment) &&
             (change.until == 0 || earlier.until > 0);
    });
  }
  change.number = next_++;
  changes_.push_back(std::move(change));
  return changes_.back().number;
}

Result<bus::Change> ChangeStore::undo(std::uint64_t number) {
  const auto found = std::ranges::find(changes_, number, &bus::Change::number);
  if (found == changes_.end()) return fail("there is no change {}; `ballastctl changes` lists them", number);
  auto undone = std::move(*found);
  changes_.erase(found);
  return undone;
}

std::vector<bus::Change> ChangeStore::end(double now) {
  std::vector<bus::Change> over;
  std::erase_if(changes_, [&](const auto& change) {
    if (change.until == 0 || change.until > now) return false;
    over.push_back(change);
    return true;
  });
  return over;
}

std::optional<double> ChangeStore::next_end() const {
  std::optional<double> next;
  for (const auto& change : changes_) {
    if (change.until > 0 && (!next || change.until < *next)) next = change.until;
  }
  return next;
}

const bus::Change* ChangeStore::find(std::uint64_t number) const {
  const auto found = std::ranges::find(changes_, number, &bus::Change::number);
  return found == changes_.end() ? nullptr : &*found;
}

void ChangeStore::set_weight_before(std::uint64_t number, std::optional<int> weight) {
  const auto found = std::ranges::find(changes_, number, &bus::Change::number);
  if (found != changes_.end()) found->weight_before = weight;
}

}  // namespace ballast::ballastd
