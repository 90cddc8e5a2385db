#include "common/bus/outbox.hpp"

#include <algorithm>

namespace ballast::bus {
namespace {

constexpr std::string_view events_prefix = "events";

FrameBytes begin_frame(const std::string& prefix) {
  return encode_frame({{"op", "snapshot-begin"}, {"prefix", prefix}});
}

FrameBytes end_frame(const std::string& prefix, const std::vector<std::string>& settled) {
  return encode_frame({{"op", "snapshot-end"}, {"prefix", prefix}, {"settled", settled}});
}

}  // namespace

Outbox::Outcome Outbox::push(Kind kind, FrameBytes frame) {
  if (kind == Kind::message) {
    if (message_bytes_ > limits_.message) return Outcome::full;
    message_bytes_ += frame->size();
  } else if (kind == Kind::state) {
    if (state_bytes_ + frame->size() > limits_.state) {
      drop_state();
      return Outcome::overflowed;
    }
    state_bytes_ += frame->size();
  }
  queue_.push_back({kind, std::move(frame)});
  return Outcome::queued;
}

Outbox::Outcome Outbox::change(const std::string& topic, const FrameBytes& frame) {
  const bool wanted = std::ranges::any_of(subscriptions_, [&](const Subscription& subscription) {
    if (!topic.starts_with(subscription.prefix)) return false;
    return subscription.done || (subscription.begun && topic <= subscription.last);
  });
  return wanted ? push(Kind::state, frame) : Outcome::queued;
}

bool Outbox::subscribe(std::string prefix, std::size_t limit) {
  if (prefix == events_prefix) events_ = true;
  const auto same = std::ranges::find(subscriptions_, prefix, &Subscription::prefix);
  if (same != subscriptions_.end()) subscriptions_.erase(same);
  if (subscriptions_.size() >= limit) return false;
  subscriptions_.push_back({.prefix = std::move(prefix), .begun = false, .done = false, .last = {}});
  return true;
}

bool Outbox::snapshot_due() const {
  return std::ranges::any_of(subscriptions_, [](const auto& subscription) { return !subscription.done; });
}

void Outbox::drop_state() {
  std::erase_if(queue_, [](const Item& item) { return item.kind == Kind::state; });
  state_bytes_ = 0;
  for (auto& subscription : subscriptions_) {
    subscription.begun = subscription.done = false;
    subscription.last.clear();
  }
}

std::size_t Outbox::continue_snapshot(Subscription& subscription, const Retained& retained, std::size_t bytes,
                                      std::vector<FrameBytes>& out) {
  const auto& entries = retained.entries();
  auto entry =
      subscription.last.empty() ? entries.lower_bound(subscription.prefix) : entries.upper_bound(subscription.last);
  if (!std::exchange(subscription.begun, true)) out.push_back(begin_frame(subscription.prefix));
  std::size_t taken = 0;
  for (; entry != entries.end() && entry->first.starts_with(subscription.prefix); ++entry) {
    if (taken >= bytes) return taken;
    taken += entry->second.frame->size();
    out.push_back(entry->second.frame);
    subscription.last = entry->first;
  }
  subscription.done = true;
  return taken;
}

std::vector<FrameBytes> Outbox::take(const Retained& retained, const std::vector<std::string>& settled,
                                     std::size_t bytes) {
  std::vector<FrameBytes> out;
  std::size_t taken = 0;
  while (!queue_.empty() && taken < bytes) {
    auto& item = queue_.front();
    const auto size = item.frame->size();
    if (item.kind == Kind::state) state_bytes_ -= size;
    if (item.kind == Kind::message) message_bytes_ -= size;
    taken += size;
    out.push_back(std::move(item.frame));
    queue_.pop_front();
  }
  for (auto& subscription : subscriptions_) {
    if (subscription.done || taken >= bytes) continue;
    taken += continue_snapshot(subscription, retained, bytes - taken, out);
    if (subscription.done) out.push_back(end_frame(subscription.prefix, settled));
  }
  return out;
}

}  // namespace ballast::bus
