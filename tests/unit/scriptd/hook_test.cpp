// Which events go to webhooks, and as what.
#include "daemons/scriptd/policy/hook.hpp"

#include <gmock/gmock.h>

namespace ballast::scriptd {
namespace {

using nlohmann::json;

bus::Event event(const std::string& kind) {
  return {12.5, "checkd", kind, "tcp:203.0.113.10:80/10.0.0.1:80", "server down", "warning"};
}

TEST(Hook, GetsTheKindsItAskedForAndElseTheUsualOnes) {
  config::Webhook hook;
  EXPECT_TRUE(wants(hook, event("health")));
  EXPECT_FALSE(wants(hook, event("config")));
  hook.kinds = {"config"};
  EXPECT_TRUE(wants(hook, event("config")));
  EXPECT_FALSE(wants(hook, event("health")));
}

TEST(Hook, TheBodyIsTheEventAndTheHost) {
  EXPECT_EQ(json::parse(hook_body(event("health"), "lb1")), (json{{"time", 12.5},
                                                                  {"daemon", "checkd"},
                                                                  {"kind", "health"},
                                                                  {"subject", "tcp:203.0.113.10:80/10.0.0.1:80"},
                                                                  {"message", "server down"},
                                                                  {"severity", "warning"},
                                                                  {"host", "lb1"}}));
  auto odd = event("health");
  odd.message = "\xff";
  EXPECT_TRUE(json::accept(hook_body(odd, "lb1")));
}

TEST(Hook, TheJobHasAllThatBallastWebhookNeeds) {
  config::Webhook hook;
  hook.url = "https://example.com/in";
  hook.ca_file = "/ca.pem";
  hook.tries = 3;
  hook.verify = false;
  const auto job = json::parse(hook_job(hook, "A: b\n", "{}"));
  EXPECT_EQ(job, (json{{"url", "https://example.com/in"},
                       {"headers", "A: b\n"},
                       {"ca_file", "/ca.pem"},
                       {"verify", false},
                       {"timeout", 5.0},
                       {"tries", 3},
                       {"body", "{}"}}));
}

TEST(Hook, ALogNamesTheHostAndNoSecretOfTheUrl) {
  EXPECT_EQ(hook_label("https://hooks.example.com/T00/secret?key=x"), "hooks.example.com");
  EXPECT_EQ(hook_label("http://user:word@[2001:db8::1]:8080"), "[2001:db8::1]:8080");
  EXPECT_EQ(hook_label("https://example.com?token=x"), "example.com");
}

TEST(HookQueue, KeepsTheNewestAndCountsWhatGoes) {
  HookQueue queue;
  for (std::size_t i = 0; i < HookQueue::most + 3; ++i) queue.push(std::to_string(i));
  EXPECT_EQ(queue.size(), HookQueue::most);
  EXPECT_EQ(queue.pop(), "3");
  EXPECT_EQ(queue.take_dropped(), 3U);
  EXPECT_EQ(queue.take_dropped(), 0U);
}

}  // namespace
}  // namespace ballast::scriptd
