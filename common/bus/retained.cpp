#include "common/bus/retained.hpp"

namespace ballast::bus {
namespace {

FrameBytes update_frame(const std::string& topic, const nlohmann::json& value) {
  return encode_frame({{"op", "update"}, {"topic", topic}, {"value", value}});
}

template <class Wanted>
std::vector<std::string> collect(const Retained::Entries& entries, const std::string& prefix, Wanted wanted) {
  std::vector<std::string> result;
  for (auto entry = entries.lower_bound(prefix); entry != entries.end() && entry->first.starts_with(prefix); ++entry) {
    if (wanted(entry->second)) result.push_back(entry->first);
  }
  return result;
}

}  // namespace

FrameBytes Retained::set(const std::string& topic, const nlohmann::json& value, ConnectionId publisher) {
  auto frame = update_frame(topic, value);
  auto& entry = entries_[topic];
  entry.publisher = publisher;
  if (entry.frame && *entry.frame == *frame) return nullptr;
  entry.frame = frame;
  return frame;
}

FrameBytes Retained::erase(const std::string& topic) {
  return entries_.erase(topic) > 0 ? update_frame(topic, nullptr) : nullptr;
}

std::vector<std::string> Retained::below(const std::string& prefix) const {
  return collect(entries_, prefix, [](const Entry&) { return true; });
}

std::vector<std::string> Retained::not_of(ConnectionId publisher, const std::string& prefix) const {
  return collect(entries_, prefix, [publisher](const Entry& entry) { return entry.publisher != publisher; });
}

nlohmann::json Retained::value(const std::string& topic) const {
  const auto found = entries_.find(topic);
  if (found == entries_.end()) return nullptr;
  return nlohmann::json::parse(found->second.frame->substr(frame_header_size)).at("value");
}

}  // namespace ballast::bus
