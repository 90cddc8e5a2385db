// vrrp_scripts and notifications.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "common/config/resolve.hpp"

namespace ballast::config {
namespace {

void check_fifos(Binder& binder, const NodeScripts& scripts) {
  const auto at = Position{};
  if (!scripts.fifo.path.empty() && scripts.fifo.path == scripts.vrrp_fifo.path) {
    binder.report().error(at, fmt::format("notify_fifo and vrrp_notify_fifo are both {}", scripts.fifo.path));
  }
}

/// Alerts, where they were asked for, at some place at least.
class AlertResolver {
 public:
  AlertResolver(Binder& binder, const Model& model) : binder_{binder}, draft_{binder.draft()}, model_{model} {}

  bool resolve(const NotifyDraft& draft) {
    const auto& said = draft.alert ? draft.alert : draft_.vrrp_alert ? draft_.vrrp_alert : draft_.alert;
    if (!said || !said->value) return false;
    if (model_.global.mail.to.empty() && !std::exchange(told_, true)) {
      binder_.report().warning(said->at, "smtp_alert sends nothing: there is no notification_email");
    }
    return true;
  }

 private:
  Binder& binder_;
  const Draft& draft_;
  const Model& model_;
  bool told_ = false;
};

}  // namespace

void resolve_scripts(Binder& binder, Model& model) {
  auto& report = binder.report();
  std::unordered_map<std::string_view, Position> names;
  for (const auto& [name, script] : binder.draft().scripts) {
    const auto [first, fresh] = names.emplace(name.value, name.at);
    if (!fresh) {
      report.error(name.at,
                   fmt::format("vrrp_script {} exists already ({})", shorten(name.value), report.where(first->second)));
      continue;
    }
    if (script.command.words.empty()) report.error(name.at, fmt::format("vrrp_script {} has no script", name.value));
    model.vrrp_scripts.push_back(script);
  }
  const auto& drafts = binder.draft().instances;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    model.vrrp_instances[i].notify.priority_changes =
        drafts[i].notify.own_priority_changes.value_or(binder.draft().notify_priority_changes);
  }
  AlertResolver alerts{binder, model};
  for (std::size_t i = 0; i < drafts.size(); ++i)
    model.vrrp_instances[i].notify.mail = alerts.resolve(drafts[i].notify);
  for (auto& group : model.vrrp_sync_groups) {
    const auto draft = std::ranges::find(
        binder.draft().sync_groups, group.name, [](const SyncGroupDraft& each) -> auto& { return each.name.value; });
    if (draft != binder.draft().sync_groups.end()) group.notify.mail = alerts.resolve(draft->notify);
  }
  check_fifos(binder, model.global.scripts);
}

}  // namespace ballast::config
