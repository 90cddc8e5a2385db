#include "daemons/scriptd/policy/hook.hpp"

#include <algorithm>
#include <array>

namespace ballast::scriptd {
namespace {

constexpr std::array<std::string_view, 3> usual_kinds{"vrrp", "health", "service"};
constexpr std::chrono::seconds longest_pause{60};  ///< ballast-webhook's, jitter included
constexpr std::chrono::seconds to_start{10};
constexpr auto replace = nlohmann::json::error_handler_t::replace;  // of what is no UTF-8

}  // namespace

bool wants(const config::Webhook& hook, const bus::Event& event) {
  if (hook.kinds.empty()) return std::ranges::find(usual_kinds, event.kind) != usual_kinds.end();
  return std::ranges::find(hook.kinds, event.kind) != hook.kinds.end();
}

std::string hook_body(const bus::Event& event, const std::string& host) {
  nlohmann::json body = event;
  body["host"] = host;
  return body.dump(-1, ' ', false, replace);
}

std::string hook_job(const config::Webhook& hook, const std::string& headers, const std::string& body) {
  const nlohmann::json job{{"url", hook.url},
                           {"headers", headers},
                           {"ca_file", hook.ca_file},
                           {"verify", hook.verify},
                           {"timeout", static_cast<double>(hook.timeout.count()) / 1e6},
                           {"tries", hook.tries},
                           {"body", body}};
  return job.dump(-1, ' ', false, replace);
}

std::string hook_label(const std::string& url) {
  const auto scheme = url.find("://");
  auto rest = scheme == std::string::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  return rest.substr(rest.find('@') == std::string::npos ? 0 : rest.rfind('@') + 1);
}

std::chrono::seconds longest_delivery(const config::Webhook& hook) {
  const auto one = std::chrono::ceil<std::chrono::seconds>(hook.timeout) + longest_pause;
  return one * hook.tries + to_start;
}

void HookQueue::push(std::string body) {
  if (waiting_.size() == most) {
    waiting_.pop_front();
    ++dropped_;
  }
  waiting_.push_back(std::move(body));
}

std::string HookQueue::pop() {
  auto body = std::move(waiting_.front());
  waiting_.pop_front();
  return body;
}

}  // namespace ballast::scriptd
