// vrrp_scripts and notifications.
#include <unordered_map>

#include "common/config/resolve.hpp"

namespace ballast::config {
namespace {

void check_fifos(Binder& binder, const NodeScripts& scripts) {
  const auto at = Position{};
  if (!scripts.fifo.path.empty() && scripts.fifo.path == scripts.vrrp_fifo.path) {
    binder.report().error(at, fmt::format("notify_fifo and vrrp_notify_fifo are both {}", scripts.fifo.path));
  }
}

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
  check_fifos(binder, model.global.scripts);
}

}  // namespace ballast::config
