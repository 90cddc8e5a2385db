// What the Node is asked about VRRP: hand a role over, maintenance.
#include <algorithm>

#include "common/runtime/clock.hpp"
#include "common/runtime/json_file.hpp"
#include "common/runtime/log.hpp"
#include "daemons/ballastd/node.hpp"

namespace ballast::ballastd {

using nlohmann::json;

std::filesystem::path Node::hold_file() const { return state_file("holds.json"); }

void Node::read_holds() {
  const auto file = hold_file();
  if (std::filesystem::exists(file)) {
    const auto kept = runtime::read_json(file);
    auto store = kept ? HoldStore::from_json(*kept) : kept.error();
    if (!store)
      log::error("which instances were handed over is lost: {}: {}", file.string(), store.error().message);
    else
      holds_ = std::move(*store);
  }
  end_holds();
  for (const auto& [instance, word] : holds_.words()) server_->broker().publish(hold_topic(instance), word);
}

Result<json> Node::change_hold(const bus::Request& request) {
  if (!request.may_change)
    return fail("user {} may look but not change: be root or in the group ballast-admin", request.user);
  const auto instance = request.params.value("instance", std::string{});
  const bool maintenance = instance.empty();
  const auto seconds = request.params.value("for", 0.0);
  const auto meant = HoldStore::meant(*model_, instance);
  if (!meant) return meant.error();
  const auto before = holds_;
  const bool release = request.params.value("undo", false);
  if (release) {
    holds_.release(*meant, maintenance);
  } else {
    const double now = runtime::unix_time();
    holds_.hold(*meant, {.instance = {},
                         .maintenance = maintenance,
                         .by = request.user,
                         .since = now,
                         .until = seconds > 0 ? now + seconds : 0});
  }
  if (holds_.words() == before.words()) return json{{"changed", false}, {"instances", *meant}};
  if (const auto kept = runtime::write_json(hold_file(), holds_.to_json(), runtime::Durability::power_loss); !kept) {
    holds_ = before;
    return fail("it would not outlive a restart, so it is not done: {}", kept.error().message);
  }
  for (const auto& name : *meant) {
    const auto found = holds_.words().find(name);
    if (found == holds_.words().end())
      server_->broker().withdraw(hold_topic(name));
    else
      server_->broker().publish(hold_topic(name), found->second);
  }
  tell("notice", "vrrp", instance,
       maintenance ? fmt::format("maintenance {} by {}", release ? "ended" : "begun", request.user)
                   : fmt::format("{}: {} by {}", instance, release ? "may have its role back" : "to be handed over",
                                 request.user));
  await_hold_end();
  return json{{"changed", true}, {"instances", *meant}};
}

/// Those whose time is up, or whose instance is gone.
void Node::end_holds() {
  const auto gone = holds_.forget(*model_, runtime::unix_time());
  for (const auto& word : gone) {
    tell("notice", "vrrp", word.instance, fmt::format("{}: its time away is over", word.instance));
    server_->broker().withdraw(hold_topic(word.instance));
  }
  if (!gone.empty()) {
    const auto kept = runtime::write_json(hold_file(), holds_.to_json(), runtime::Durability::power_loss);
    if (!kept) log::error("{}", kept.error().message);
  }
  await_hold_end();
}

void Node::await_hold_end() {
  const auto end = holds_.next_end();
  if (!end) {
    hold_timer_.cancel();
    return;
  }
  // The wall clock may be set: looked at anew once a minute.
  const auto wait = std::clamp(*end - runtime::unix_time(), 0.0, 60.0);
  hold_timer_.expires_after(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>{wait + 0.001}));
  hold_timer_.async_wait([this](boost::system::error_code error) {
    if (!error) end_holds();
  });
}

}  // namespace ballast::ballastd
