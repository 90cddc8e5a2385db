#include "common/bus/known_topics.hpp"

#include <algorithm>

namespace ballast::bus {
namespace {

bool below_any(const std::string& topic, const std::vector<std::string>& prefixes) {
  return std::ranges::any_of(prefixes, [&](const auto& prefix) { return topic.starts_with(prefix); });
}

}  // namespace

void KnownTopics::connected(const std::string& instance) {
  if (instance != instance_) ++broker_;
  instance_ = instance;
  begun_.clear();
}

void KnownTopics::snapshot_begin(const std::string& prefix) { begun_[prefix] = ++now_; }

void KnownTopics::updated(const std::string& topic) { entries_[topic] = {now_, broker_}; }

void KnownTopics::withdrawn(const std::string& topic) { entries_.erase(topic); }

template <class Gone>
std::vector<std::string> KnownTopics::forget(const std::string& prefix, Gone gone) {
  std::vector<std::string> result;
  for (auto entry = entries_.lower_bound(prefix); entry != entries_.end() && entry->first.starts_with(prefix);) {
    if (gone(entry->first, entry->second)) {
      result.push_back(entry->first);
      entry = entries_.erase(entry);
    } else {
      ++entry;
    }
  }
  return result;
}

std::vector<std::string> KnownTopics::snapshot_end(const std::string& prefix, const std::vector<std::string>& settled) {
  const auto begun = begun_[prefix];
  return forget(prefix, [&](const std::string& topic, const Entry& entry) {
    if (entry.seen >= begun) return false;
    return entry.broker == broker_ || topic.starts_with("node/") || below_any(topic, settled);
  });
}

std::vector<std::string> KnownTopics::settled(const std::vector<std::string>& prefixes) {
  std::vector<std::string> result;
  for (const auto& prefix : prefixes) {
    const auto gone =
        forget(prefix, [this](const std::string&, const Entry& entry) { return entry.broker != broker_; });
    result.insert(result.end(), gone.begin(), gone.end());
  }
  return result;
}

}  // namespace ballast::bus
