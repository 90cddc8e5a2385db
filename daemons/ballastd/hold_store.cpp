#include "daemons/ballastd/hold_store.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace ballast::ballastd {
namespace {

bool is_configured(const config::Model& model, const std::string& instance) {
  return std::ranges::find(model.vrrp_instances, instance, &config::VrrpInstance::name) != model.vrrp_instances.end();
}

}  // namespace

std::string hold_topic(const std::string& instance) { return "hold/" + instance; }

Result<HoldStore> HoldStore::from_json(const nlohmann::json& json) {
  auto words = bus::decode<std::vector<bus::VrrpHold>>(json);
  if (!words) return words.error();
  HoldStore store;
  for (auto& word : *words) {
    auto name = word.instance;
    store.words_.insert_or_assign(std::move(name), std::move(word));
  }
  return store;
}

nlohmann::json HoldStore::to_json() const {
  auto json = nlohmann::json::array();
  for (const auto& [instance, word] : words_) json.push_back(word);
  return json;
}

Result<std::vector<std::string>> HoldStore::meant(const config::Model& model, const std::string& instance) {
  std::vector<std::string> all;
  for (const auto& each : model.vrrp_instances) all.push_back(each.name);
  if (instance.empty()) {
    if (all.empty()) return fail("there is no vrrp_instance");
    return all;
  }
  if (!is_configured(model, instance))
    return fail("no vrrp_instance '{}'; there are {}", instance, fmt::join(all, ", "));
  for (const auto& group : model.vrrp_sync_groups) {
    if (std::ranges::find(group.members, instance) != group.members.end()) return group.members;
  }
  return std::vector{instance};
}

void HoldStore::hold(const std::vector<std::string>& instances, bus::VrrpHold word) {
  for (const auto& instance : instances) {
    const auto found = words_.find(instance);
    if (found != words_.end() && found->second.maintenance && !word.maintenance) continue;
    word.instance = instance;
    words_.insert_or_assign(instance, word);
  }
}

std::vector<std::string> HoldStore::release(const std::vector<std::string>& instances, bool maintenance) {
  std::vector<std::string> released;
  for (const auto& instance : instances) {
    const auto found = words_.find(instance);
    if (found == words_.end() || found->second.maintenance != maintenance) continue;
    words_.erase(found);
    released.push_back(instance);
  }
  return released;
}

std::vector<bus::VrrpHold> HoldStore::forget(const config::Model& model, double now) {
  std::vector<bus::VrrpHold> gone;
  std::erase_if(words_, [&](const auto& entry) {
    const auto& word = entry.second;
    const bool over = word.until > 0 && word.until <= now;
    if (!over && is_configured(model, word.instance)) return false;
    gone.push_back(word);
    return true;
  });
  return gone;
}

std::optional<double> HoldStore::next_end() const {
  std::optional<double> end;
  for (const auto& [instance, word] : words_) {
    if (word.until > 0 && (!end || word.until < *end)) end = word.until;
  }
  return end;
}

}  // namespace ballast::ballastd
