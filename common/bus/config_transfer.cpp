#include "common/bus/config_transfer.hpp"

#include <charconv>

#include "common/config/tracking_json.hpp"

namespace ballast::bus {

using nlohmann::json;

namespace {

constexpr std::string_view global_kind = "global";
constexpr std::string_view static_kind = "static";
constexpr std::string_view tracking_kind = "tracking";
constexpr std::string_view script_kind = "vrrp_script";
constexpr std::string_view instance_kind = "vrrp_instance";
constexpr std::string_view group_kind = "vrrp_sync_group";
constexpr std::string_view service_kind = "virtual_server";

std::string object_name(std::string_view kind, const std::string& name) { return fmt::format("{}/{}", kind, name); }

struct ObjectTopic {
  std::uint64_t generation = 0;
  std::string_view object;
};

Result<ObjectTopic> read_topic(std::string_view topic) {
  constexpr std::string_view prefix = "config/";
  ObjectTopic result;
  if (!topic.starts_with(prefix)) return fail("'{}' is no object of a configuration", topic);
  topic.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(topic.data(), topic.data() + topic.size(), result.generation);
  if (error != std::errc{} || end == topic.data() + topic.size() || *end != '/')
    return fail("no generation in '{}'", topic);
  result.object = topic.substr(static_cast<std::size_t>(end - topic.data()) + 1);
  return result;
}

}  // namespace

void ConfigDigest::add(std::string_view object, const json& value) {
  const auto mix = [this](std::string_view text) {
    for (const char c : text) hash_ = (hash_ ^ static_cast<std::uint8_t>(c)) * 1099511628211ULL;
    hash_ = (hash_ ^ 0xff) * 1099511628211ULL;  // no byte of UTF-8: keeps neighbours apart
  };
  mix(object);
  mix(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string ConfigDigest::text() const { return fmt::format("{:016x}", hash_); }

ConfigOffer make_offer(const config::Model& model, std::uint64_t generation) {
  ConfigOffer offer;
  offer.generation = generation;
  ConfigDigest digest;
  const auto add = [&](const std::string& object, const json& value) {
    digest.add(object, value);
    ++offer.count;
    offer.frames.push_back(
        encode_frame({{"op", "config"}, {"topic", fmt::format("config/{}/{}", generation, object)}, {"value", value}}));
  };
  add(std::string{global_kind}, model.global);
  if (model.statics != config::StaticObjects{}) add(std::string{static_kind}, model.statics);
  if (model.tracking != config::Tracking{}) add(std::string{tracking_kind}, model.tracking);
  for (const auto& script : model.vrrp_scripts) add(object_name(script_kind, script.name), script);
  for (const auto& instance : model.vrrp_instances) add(object_name(instance_kind, instance.name), instance);
  for (const auto& group : model.vrrp_sync_groups) add(object_name(group_kind, group.name), group);
  for (const auto& service : model.virtual_servers) add(object_name(service_kind, service.name), service);
  offer.digest = digest.text();
  offer.frames.push_back(
      encode_frame({{"op", "commit"}, {"generation", generation}, {"count", offer.count}, {"digest", offer.digest}}));
  return offer;
}

Result<> ConfigAssembler::add(std::string_view object, const json& value) {
  digest_.add(object, value);
  ++count_;
  const auto kind = object.substr(0, object.find('/'));
  try {
    if (kind == global_kind)
      model_.global = value.get<config::Global>();
    else if (kind == static_kind)
      model_.statics = value.get<config::StaticObjects>();
    else if (kind == tracking_kind)
      model_.tracking = value.get<config::Tracking>();
    else if (kind == script_kind)
      model_.vrrp_scripts.push_back(value.get<config::VrrpScript>());
    else if (kind == instance_kind)
      model_.vrrp_instances.push_back(value.get<config::VrrpInstance>());
    else if (kind == group_kind)
      model_.vrrp_sync_groups.push_back(value.get<config::VrrpSyncGroup>());
    else if (kind == service_kind)
      model_.virtual_servers.push_back(value.get<config::VirtualServer>());
    // Another kind is of a newer ballastd and means nothing here.
  } catch (const json::exception& exception) {
    return fail("{}: {}", object, exception.what());
  }
  return {};
}

Result<config::Model> ConfigAssembler::finish(std::size_t count, const std::string& digest) {
  if (count != count_) return fail("the configuration came torn: {} objects of {}", count_, count);
  if (digest != digest_.text())
    return fail("the configuration came damaged: digest {}, announced {}", digest_.text(), digest);
  return std::move(model_);
}

void ConfigParticipant::object(const json& frame) {
  const auto topic = frame.find("topic");
  const auto value = frame.find("value");
  if (topic == frame.end() || !topic->is_string() || value == frame.end()) return;
  const auto read = read_topic(topic->get_ref<const std::string&>());
  if (!read) return;
  if (!pending_ || pending_->generation != read->generation || pending_->model) {
    pending_ = Pending{};
    pending_->generation = read->generation;
  }
  const auto added = pending_->assembler.add(read->object, *value);
  if (!added && pending_->error.empty()) pending_->error = added.error().message;
}

Result<> ConfigParticipant::check(const json& frame) {
  if (!pending_ || pending_->model || pending_->generation != frame.at("generation").get<std::uint64_t>()) {
    return fail("a commit without its objects");
  }
  if (!pending_->error.empty()) return fail("{}", pending_->error);
  pending_->digest = frame.at("digest").get<std::string>();
  auto model = pending_->assembler.finish(frame.at("count").get<std::size_t>(), pending_->digest);
  if (!model) return model.error();
  if (validate_ && pending_->digest != running_) {
    if (auto valid = validate_(*model); !valid) return valid.error();
  }
  pending_->model = std::move(*model);
  return {};
}

json ConfigParticipant::commit(const json& frame) {
  Result<> result{};
  try {
    result = check(frame);
  } catch (const std::exception& exception) {
    result = fail("{}", exception.what());
  }
  json ack{{"op", "ack"}, {"generation", frame.value("generation", json{})}, {"ok", result.has_value()}};
  if (!result) {
    ack["error"] = result.error().message;
    pending_.reset();
  }
  return ack;
}

std::optional<config::Model> ConfigParticipant::apply(const json& frame) {
  if (!pending_ || !pending_->model || frame.value("generation", json{}) != pending_->generation) return std::nullopt;
  auto done = std::move(*pending_);
  pending_.reset();
  if (done.digest == running_) return std::nullopt;
  running_ = done.digest;
  return std::move(done.model);
}

void ConfigParticipant::abort() { pending_.reset(); }

}  // namespace ballast::bus
