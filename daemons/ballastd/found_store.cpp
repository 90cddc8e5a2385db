#include "daemons/ballastd/found_store.hpp"

#include <algorithm>

namespace ballast::ballastd {
namespace {

const config::ServerSource* find_source(const config::Model& model, const std::string& service, unsigned number) {
  const auto found = std::ranges::find(model.virtual_servers, service, &config::VirtualServer::name);
  if (found == model.virtual_servers.end() || number >= found->sources.size()) return nullptr;
  return &found->sources[number];
}

}  // namespace

Result<FoundStore> FoundStore::from_json(const nlohmann::json& json) {
  FoundStore store;
  try {
    for (const auto& each : json) {
      auto& servers = store.found_[{each.at("service").get<std::string>(), each.at("number").get<unsigned>()}];
      each.at("servers").get_to(servers);
    }
  } catch (const nlohmann::json::exception& exception) {
    return fail("{}", exception.what());
  }
  return store;
}

nlohmann::json FoundStore::to_json() const {
  auto json = nlohmann::json::array();
  for (const auto& [source, servers] : found_)
    json.push_back({{"service", source.first}, {"number", source.second}, {"servers", servers}});
  return json;
}

bool FoundStore::take(const config::Model& model, const bus::SourceState& said) {
  if (!said.good) return false;
  const auto* source = find_source(model, said.service, said.number);
  if (source == nullptr || source->query.kind != said.kind || source->query.name != said.name) return false;
  const auto [known, fresh] = found_.try_emplace({said.service, said.number});
  if (!fresh && known->second == said.servers) return false;
  known->second = said.servers;
  return true;
}

bool FoundStore::forget_unknown(const config::Model& model) {
  return std::erase_if(found_, [&](const auto& entry) {
           return find_source(model, entry.first.first, entry.first.second) == nullptr;
         }) > 0;
}

}  // namespace ballast::ballastd
