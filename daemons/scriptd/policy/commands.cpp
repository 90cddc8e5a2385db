#include "daemons/scriptd/policy/commands.hpp"

#include <algorithm>

namespace ballast::scriptd {
namespace {

void add(const config::Notify& notify, std::vector<const config::Command*>& all) {
  all.insert(all.end(), {&notify.master, &notify.backup, &notify.fault, &notify.stop, &notify.deleted, &notify.any,
                         &notify.lower_priority});
}

}  // namespace

std::vector<const config::Command*> commands_of(const config::Model& model) {
  const auto& node = model.global.scripts;
  std::vector<const config::Command*> all{&node.startup, &node.shutdown, &node.fifo.reader, &node.vrrp_fifo.reader};
  for (const auto& script : model.vrrp_scripts) all.push_back(&script.command);
  for (const auto& instance : model.vrrp_instances) add(instance.notify, all);
  for (const auto& group : model.vrrp_sync_groups) add(group.notify, all);
  std::erase_if(all, [](const auto* command) { return command->words.empty(); });
  return all;
}

}  // namespace ballast::scriptd
