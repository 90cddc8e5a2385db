#include "daemons/forwardd/ipvs/record.hpp"

#include <fstream>

#include "common/runtime/log.hpp"

namespace ballast::forwardd::ipvs {
namespace {

nlohmann::json to_json(const ServiceKey& key) {
  return {{"family", key.family == net::Family::ipv6 ? "inet6" : "inet"},
          {"fwmark", key.fwmark},
          {"protocol", key.protocol},
          {"endpoint", key.endpoint}};
}

ServiceKey key_of(const nlohmann::json& json) {
  return {json.at("family") == "inet6" ? net::Family::ipv6 : net::Family::ipv4, json.at("fwmark").get<std::uint32_t>(),
          json.at("protocol").get<std::uint8_t>(), json.at("endpoint").get<net::Endpoint>()};
}

}  // namespace

Ours Record::load() const {
  Ours ours;
  std::ifstream file{path_};
  if (!file) return ours;
  try {
    const auto read = nlohmann::json::parse(file);
    for (const auto& key : read.at("services")) ours.services.insert(key_of(key));
    ours.sync_daemon = read.at("sync_daemon").get<bool>();
  } catch (const nlohmann::json::exception& exception) {
    log::warning("{}: passed over, it cannot be read: {}", path_.string(), exception.what());
    return {};
  }
  return ours;
}

void Record::save(const Ours& ours) {
  if (ours == saved_) return;
  auto keys = nlohmann::json::array();
  for (const auto& key : ours.services) keys.push_back(to_json(key));
  const nlohmann::json json{{"services", std::move(keys)}, {"sync_daemon", ours.sync_daemon}};
  const auto fresh = std::filesystem::path{path_} += ".new";
  {
    std::ofstream file{fresh};
    if (!(file << json.dump() << std::flush)) return log::error("{} cannot be written", fresh.string());
  }
  std::error_code error;
  std::filesystem::rename(fresh, path_, error);
  if (error) return log::error("{}: {}", path_.string(), error.message());
  saved_ = ours;
}

void Record::remove() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  saved_.reset();
}

}  // namespace ballast::forwardd::ipvs
