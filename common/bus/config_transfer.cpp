#include "common/bus/config_transfer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/config/text_digest.hpp"
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

namespace {

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::uint64_t digest_of(std::string_view text) {
  config::TextDigest digest;
  digest.add(text);
  return digest.value();
}

template <class Objects>
std::string digest_of_all(const Objects& objects) {
  config::TextDigest digest;
  for (const auto& object : objects) {
    digest.add(object.name);
    digest.add(object.digest);
  }
  return fmt::format("{:016x}", digest.value());
}

FrameBytes object_frame(std::uint64_t generation, const ConfigObject& object) {
  std::string frame = R"({"op":"config","topic":)";
  frame.append(text_of(fmt::format("config/{}/{}", generation, object.name)));
  frame.append(R"(,"value":)").append(*object.text) += '}';
  return frame_of(frame);
}

json commit_of(const ConfigOffer& offer) {
  return {
      {"op", "commit"}, {"generation", offer.generation}, {"count", offer.objects.size()}, {"digest", offer.digest}};
}

}  // namespace

ConfigOffer make_offer(const config::Model& model, std::uint64_t generation, const ConfigOffer* before) {
  ConfigOffer offer;
  offer.generation = generation;
  const auto add = [&](std::string name, const json& value) {
    auto text = std::make_shared<const std::string>(text_of(value));
    const auto digest = digest_of(*text);
    offer.objects.push_back({std::move(name), digest, std::move(text)});
  };
  add(std::string{global_kind}, model.global);
  if (model.statics != config::StaticObjects{}) add(std::string{static_kind}, model.statics);
  if (model.tracking != config::Tracking{}) add(std::string{tracking_kind}, model.tracking);
  for (const auto& script : model.vrrp_scripts) add(object_name(script_kind, script.name), script);
  for (const auto& instance : model.vrrp_instances) add(object_name(instance_kind, instance.name), instance);
  for (const auto& group : model.vrrp_sync_groups) add(object_name(group_kind, group.name), group);
  offer.services = model.virtual_servers;
  offer.objects.reserve(offer.objects.size() + offer.services.size());
  std::unordered_map<std::string_view, std::size_t> known;
  if (before != nullptr) {
    for (std::size_t i = 0; i < before->services.size(); ++i) known.emplace(before->services[i].name, i);
  }
  for (const auto& service : std::as_const(offer.services)) {
    const auto found = known.find(service.name);
    if (found != known.end()) {
      const auto& old = before->services[found->second];
      if (&old == &service || old == service) {
        offer.objects.push_back(before->objects[before->objects.size() - before->services.size() + found->second]);
        continue;
      }
    }
    add(object_name(service_kind, service.name), service);
  }
  offer.digest = digest_of_all(offer.objects);
  return offer;
}

std::vector<FrameBytes> ConfigOffer::frames() const {
  std::vector<FrameBytes> frames;
  frames.reserve(objects.size() + 1);
  for (const auto& object : objects) frames.push_back(object_frame(generation, object));
  frames.push_back(encode_frame(commit_of(*this)));
  return frames;
}

std::vector<FrameBytes> ConfigOffer::frames_since(const ConfigOffer& base) const {
  std::unordered_map<std::string_view, std::uint64_t> known;
  for (const auto& object : base.objects) known.emplace(object.name, object.digest);
  std::vector<FrameBytes> frames;
  for (const auto& object : objects) {
    const auto found = known.find(object.name);
    if (found == known.end() || found->second != object.digest) frames.push_back(object_frame(generation, object));
  }
  auto commit = commit_of(*this);
  commit["base"] = base.digest;
  if (!std::ranges::equal(objects, base.objects, {}, &ConfigObject::name, &ConfigObject::name)) {
    auto& names = commit["objects"] = json::array();
    for (const auto& object : objects) names.push_back(object.name);
  }
  frames.push_back(encode_frame(commit));
  return frames;
}

namespace {

/// How many objects of each kind a model holds; the kinds that there is one of count as one.
struct Counts {
  std::size_t scripts = 0, instances = 0, groups = 0, services = 0;

  std::size_t* of(std::string_view kind) {
    if (kind == script_kind) return &scripts;
    if (kind == instance_kind) return &instances;
    if (kind == group_kind) return &groups;
    return kind == service_kind ? &services : nullptr;
  }
};

std::string_view kind_of(std::string_view object) { return object.substr(0, object.find('/')); }

/// Takes an object out of one model into another.
void take(config::Model& to, std::string_view kind, const config::Model& from, std::size_t index) {
  if (kind == global_kind)
    to.global = from.global;
  else if (kind == static_kind)
    to.statics = from.statics;
  else if (kind == tracking_kind)
    to.tracking = from.tracking;
  else if (kind == script_kind)
    to.vrrp_scripts.push_back(from.vrrp_scripts.at(index));
  else if (kind == instance_kind)
    to.vrrp_instances.push_back(from.vrrp_instances.at(index));
  else if (kind == group_kind)
    to.vrrp_sync_groups.push_back(from.vrrp_sync_groups.at(index));
  else if (kind == service_kind)
    to.virtual_servers.push_back(from.virtual_servers.shared(index));
}

}  // namespace

Result<> ConfigAssembler::add(std::string_view object, const json& value) {
  const auto kind = kind_of(object);
  Came came{digest_of(text_of(value)), 0};
  try {
    if (kind == global_kind) {
      came_.global = value.get<config::Global>();
    } else if (kind == static_kind) {
      came_.statics = value.get<config::StaticObjects>();
    } else if (kind == tracking_kind) {
      came_.tracking = value.get<config::Tracking>();
    } else if (kind == script_kind) {
      came.index = came_.vrrp_scripts.size();
      came_.vrrp_scripts.push_back(value.get<config::VrrpScript>());
    } else if (kind == instance_kind) {
      came.index = came_.vrrp_instances.size();
      came_.vrrp_instances.push_back(value.get<config::VrrpInstance>());
    } else if (kind == group_kind) {
      came.index = came_.vrrp_sync_groups.size();
      came_.vrrp_sync_groups.push_back(value.get<config::VrrpSyncGroup>());
    } else if (kind == service_kind) {
      came.index = came_.virtual_servers.size();
      came_.virtual_servers.push_back(value.get<config::VirtualServer>());
    }
    // Another kind is of a newer ballastd and means nothing here.
  } catch (const json::exception& exception) {
    return fail("{}: {}", object, exception.what());
  }
  order_.emplace_back(object);
  objects_.insert_or_assign(order_.back(), came);
  return {};
}

Result<ConfigInForce> ConfigAssembler::finish(const json& commit, const ConfigInForce& running) {
  const bool whole = !commit.contains("base");
  if (!whole && commit.at("base").get<std::string>() != running.digest)
    return fail("changes of a configuration that does not run here");
  std::unordered_map<std::string_view, Came> base;
  Counts counts;
  if (!whole) {
    for (const auto& [name, digest] : running.objects) {
      auto* count = counts.of(kind_of(name));
      base.emplace(name, Came{digest, count != nullptr ? (*count)++ : 0});
    }
  }
  std::vector<std::string> names;
  if (whole)
    names = order_;
  else if (commit.contains("objects"))
    names = commit.at("objects").get<std::vector<std::string>>();
  else
    for (const auto& entry : running.objects) names.push_back(entry.name);

  const auto count = commit.at("count").get<std::size_t>();
  if (count != names.size()) return fail("the configuration came torn: {} objects of {}", names.size(), count);
  ConfigInForce made;
  made.objects.reserve(names.size());
  for (auto& name : names) {
    const auto kind = kind_of(name);
    if (const auto found = objects_.find(name); found != objects_.end()) {
      take(made.model, kind, came_, found->second.index);
      made.objects.push_back({std::move(name), found->second.digest});
    } else if (const auto old = base.find(name); old != base.end()) {
      take(made.model, kind, running.model, old->second.index);
      made.objects.push_back({std::move(name), old->second.digest});
    } else {
      return fail("the configuration came torn: {} is missing", name);
    }
  }
  made.digest = digest_of_all(made.objects);
  const auto announced = commit.at("digest").get<std::string>();
  if (made.digest != announced)
    return fail("the configuration came damaged: digest {}, announced {}", made.digest, announced);
  return made;
}

void ConfigParticipant::object(const json& frame) {
  const auto topic = frame.find("topic");
  const auto value = frame.find("value");
  if (topic == frame.end() || !topic->is_string() || value == frame.end()) return;
  const auto read = read_topic(topic->get_ref<const std::string&>());
  if (!read) return;
  if (!pending_ || pending_->generation != read->generation || pending_->made) {
    pending_ = Pending{};
    pending_->generation = read->generation;
  }
  const auto added = pending_->assembler.add(read->object, *value);
  if (!added && pending_->error.empty()) pending_->error = added.error().message;
}

Result<> ConfigParticipant::check(const json& frame) {
  const auto generation = frame.at("generation").get<std::uint64_t>();
  // Of changes there may be none that is not a removal.
  if (frame.contains("base") && (!pending_ || pending_->generation != generation)) {
    pending_ = Pending{};
    pending_->generation = generation;
  }
  if (!pending_ || pending_->made || pending_->generation != generation) return fail("a commit without its objects");
  if (!pending_->error.empty()) return fail("{}", pending_->error);
  auto made = pending_->assembler.finish(frame, running_);
  if (!made) return made.error();
  if (validate_ && made->digest != running_.digest) {
    if (auto valid = validate_(made->model); !valid) return valid.error();
  }
  pending_->made = std::move(*made);
  return {};
}

json ConfigParticipant::commit(const json& frame) {
  Result<> result{};
  try {
    result = check(frame);
  } catch (const std::exception& exception) {
    result = fail("{}", exception.what());
  }
  json ack{{"op", "ack"},
           {"generation", frame.value("generation", json{})},
           {"ok", result.has_value()},
           {"changes", true},
           {"says_applied", true}};
  if (!result) {
    ack["error"] = result.error().message;
    pending_.reset();
  }
  return ack;
}

const config::Model* ConfigParticipant::apply(const json& frame) {
  if (!pending_ || !pending_->made || frame.value("generation", json{}) != pending_->generation) return nullptr;
  auto made = std::move(*pending_->made);
  pending_.reset();
  const bool same = made.digest == running_.digest;
  running_ = std::move(made);
  return same ? nullptr : &running_.model;
}

void ConfigParticipant::abort() { pending_.reset(); }

}  // namespace ballast::bus
