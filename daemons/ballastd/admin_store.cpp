#include "daemons/ballastd/admin_store.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace ballast::ballastd {
namespace {

/// The configuration has that server; an error names those it has.
Result<> find_server(const config::Model& model, const std::string& service, const std::string& server) {
  const auto found = std::ranges::find(model.virtual_servers, service, &config::VirtualServer::name);
  if (found == model.virtual_servers.end()) {
    std::vector<std::string> names;
    for (const auto& each : model.virtual_servers) names.push_back(each.name);
    return fail("no service '{}'; there are {}", service, fmt::join(names, ", "));
  }
  std::vector<std::string> names;
  for (const auto& each : found->real_servers) names.push_back(each.endpoint.to_string());
  if (std::ranges::find(names, server) != names.end()) return {};
  return fail("no server '{}' in {}; there are {}", server, service, fmt::join(names, ", "));
}

}  // namespace

std::string admin_topic(const bus::ServerWord& word) { return fmt::format("admin/{}/{}", word.service, word.server); }

Result<AdminStore> AdminStore::from_json(const nlohmann::json& json) {
  auto words = bus::decode<std::vector<bus::ServerWord>>(json);
  if (!words) return words.error();
  AdminStore store;
  for (auto& word : *words) {
    auto topic = admin_topic(word);
    store.words_.insert_or_assign(std::move(topic), std::move(word));
  }
  return store;
}

nlohmann::json AdminStore::to_json() const {
  auto json = nlohmann::json::array();
  for (const auto& [topic, word] : words_) json.push_back(word);
  return json;
}

Result<AdminStore::Change> AdminStore::apply(const config::Model& model, const std::string& action,
                                             bus::ServerWord word) {
  const auto state = from_name<bus::AdminState>(action);
  if (!state && action != "enable") return fail("no action '{}'; there are drain, disable, enable", action);
  if (const auto known = find_server(model, word.service, word.server); !known) return known.error();
  const auto found = words_.find(admin_topic(word));
  if (!state) {
    if (found == words_.end()) return Change{std::move(word), true, false};
    Change change{std::move(found->second), true, true};
    words_.erase(found);
    return change;
  }
  word.state = *state;
  const bool lasts = word.until == 0;
  if (found != words_.end() && found->second.state == word.state && lasts && found->second.until == 0)
    return Change{found->second, false, false};
  words_.insert_or_assign(admin_topic(word), word);
  return Change{std::move(word), false, true};
}

std::vector<bus::ServerWord> AdminStore::forget_unknown(const config::Model& model) {
  std::vector<bus::ServerWord> gone;
  std::erase_if(words_, [&](const auto& entry) {
    const auto& word = entry.second;
    if (find_server(model, word.service, word.server)) return false;
    gone.push_back(word);
    return true;
  });
  return gone;
}

std::vector<bus::ServerWord> AdminStore::end(double now) {
  std::vector<bus::ServerWord> over;
  std::erase_if(words_, [&](const auto& entry) {
    const auto& word = entry.second;
    if (word.until == 0 || word.until > now) return false;
    over.push_back(word);
    return true;
  });
  return over;
}

std::optional<double> AdminStore::next_end() const {
  std::optional<double> next;
  for (const auto& [topic, word] : words_) {
    if (word.until > 0 && (!next || word.until < *next)) next = word.until;
  }
  return next;
}

}  // namespace ballast::ballastd
