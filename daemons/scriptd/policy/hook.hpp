#pragma once
// Which events go to a webhook, and what ballast-webhook is told. Pure.
#include <chrono>
#include <deque>
#include <string>

#include "common/bus/messages.hpp"

namespace ballast::scriptd {

bool wants(const config::Webhook& hook, const bus::Event& event);

/// The event as JSON, and `host`.
std::string hook_body(const bus::Event& event, const std::string& host);

/// What ballast-webhook reads; `headers` is what header_file holds.
std::string hook_job(const config::Webhook& hook, const std::string& headers, const std::string& body);

/// HOST[:PORT] alone: the rest of a URL may be a secret.
std::string hook_label(const std::string& url);

/// Every try, and the pauses of ballast-webhook between them.
std::chrono::seconds longest_delivery(const config::Webhook& hook);

/// Events that wait for one webhook, oldest first. Beyond the bound the oldest go.
class HookQueue {
 public:
  static constexpr std::size_t most = 1'000;
  void push(std::string body);
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  std::string pop();
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  /// How many went since this was asked last.
  std::size_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  std::deque<std::string> waiting_;
  std::size_t dropped_ = 0;
};

}  // namespace ballast::scriptd
