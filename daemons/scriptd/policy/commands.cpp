#include "daemons/scriptd/policy/commands.hpp"

#include <algorithm>

namespace ballast::scriptd {
namespace {

using Commands = std::vector<const config::Command*>;

void add(const config::Notify& notify, Commands& all) {
  all.insert(all.end(), {&notify.master, &notify.backup, &notify.fault, &notify.stop, &notify.deleted, &notify.any,
                         &notify.lower_priority});
}

void add(const config::RealServer& server, Commands& all) {
  if (server.notify_up) all.push_back(&*server.notify_up);
  if (server.notify_down) all.push_back(&*server.notify_down);
}

void add_checks(const config::RealServer& server, Commands& all) {
  for (const auto& check : server.checks) {
    if (check.misc) all.push_back(&check.misc->command);
  }
}

template <class Action>
void for_each_server(const config::VirtualServer& service, Action action) {
  for (const auto& server : service.real_servers) action(server);
  for (const auto& source : service.sources) action(source.like);
}

}  // namespace

Commands checks_of(const config::Model& model) {
  Commands all;
  for (const auto& service : model.virtual_servers) {
    for_each_server(service, [&](const config::RealServer& server) { add_checks(server, all); });
  }
  return all;
}

Commands commands_of(const config::Model& model) {
  const auto& node = model.global.scripts;
  Commands all{&node.startup, &node.shutdown, &node.fifo.reader, &node.vrrp_fifo.reader, &node.lvs_fifo.reader};
  for (const auto& script : model.vrrp_scripts) all.push_back(&script.command);
  for (const auto& instance : model.vrrp_instances) add(instance.notify, all);
  for (const auto& group : model.vrrp_sync_groups) add(group.notify, all);
  for (const auto& service : model.virtual_servers) {
    all.insert(all.end(), {&service.quorum_up, &service.quorum_down});
    for_each_server(service, [&](const config::RealServer& server) {
      add(server, all);
      add_checks(server, all);
    });
  }
  std::erase_if(all, [](const auto* command) { return command->words.empty(); });
  return all;
}

}  // namespace ballast::scriptd
