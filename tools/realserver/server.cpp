#include "tools/realserver/server.hpp"

#include <cerrno>
#include <fstream>

#include "common/netlink/socket.hpp"
#include "common/runtime/log.hpp"
#include "tools/realserver/bpf.hpp"
#include "tools/realserver/clients.hpp"
#include "tools/realserver/record.hpp"
#include "tools/realserver/tunnel.hpp"

namespace ballast::realserver {
namespace fs = std::filesystem;
namespace {

fs::path setting_file(const std::string& name) { return fs::path{"/proc/sys"} / name; }

std::map<std::string, int> read_settings(const std::vector<std::string>& names) {
  std::map<std::string, int> settings;
  for (const auto& name : names) {
    std::ifstream file{setting_file(name)};
    int value = 0;
    if (file >> value) settings[name] = value;
  }
  return settings;
}

Result<> write_setting(const std::string& name, int value) {
  std::ofstream file{setting_file(name)};
  if (file << value << std::flush) return {};
  return fail("cannot write {} to {}: {}", value, setting_file(name).string(), reason(errno));
}

Result<Found> survey(const Folders& folders, netlink::Socket& socket, const std::optional<Wanted>& wanted,
                     const Record& record) {
  Found found;
  auto links = socket.links();
  if (!links) return links.error();
  auto addresses = socket.addresses();
  if (!addresses) return addresses.error();
  found.links = std::move(*links);
  found.addresses = std::move(*addresses);
  found.settings = read_settings(settings_of_interest(wanted, record));
  const bool tunnels = wanted && wanted->mode == Mode::tun;
  if (auto done = find_tunnels(folders.pins, tunnels ? wanted->interfaces : std::vector<std::string>{}, found); !done) {
    return done.error();
  }
  find_clients(folders.pins, wanted ? wanted->cgroup : std::string{}, found);
  return found;
}

/// Carries steps out, one after another.
class Hands {
 public:
  Hands(const Folders& folders, netlink::Socket& socket, const std::optional<Wanted>& wanted, const Found& found)
      : folders_{folders}, socket_{socket}, wanted_{wanted}, found_{found} {}

  Result<> operator()(const RemoveAddress& step) const { return socket_.remove_address(step.address); }
  Result<> operator()(const AddAddress& step) const { return socket_.add_address(step.address); }
  Result<> operator()(const ChangeSetting& step) const { return write_setting(step.name, step.value); }
  Result<> operator()(const RestoreSetting& step) const { return write_setting(step.name, step.value); }
  Result<> operator()(const Unwrap&) const {
    if (auto ready = prepare_pin_dir(folders_.pins); !ready) return ready;
    return unwrap_tunnels(folders_.pins, *wanted_, found_.links,
                          [](const std::string& words) { log::warning("{}", words); });
  }
  Result<> operator()(const StopUnwrapping& step) const {
    stop_unwrapping(folders_.pins, step.interfaces, step.entirely);
    return {};
  }
  Result<> operator()(const ShowClients&) const {
    if (auto ready = prepare_pin_dir(folders_.pins); !ready) return ready;
    return show_clients(folders_.pins, *wanted_);
  }
  Result<> operator()(const StopShowingClients&) const {
    stop_showing_clients(folders_.pins);
    return {};
  }

 private:
  const Folders& folders_;
  netlink::Socket& socket_;
  const std::optional<Wanted>& wanted_;
  const Found& found_;
};

Result<> carry_out(const Plan& plan, const Hands& hands) {
  for (const auto& step : plan.steps) {
    if (auto done = std::visit(hands, step); !done) return done;
    log::info("{}", describe(step));
  }
  return {};
}

Result<> report_conflicts(const Plan& plan) {
  if (plan.conflicts.empty()) return {};
  for (const auto& conflict : plan.conflicts) log::error("{}", conflict.message);
  return fail("nothing was changed");
}

/// From what is to what is wanted. The record is written before the first step, so that whoever comes after a crash
/// knows every old value, and again after the last.
Result<> reconcile(const Folders& folders, const StateFolder& state, const Record& record, netlink::Socket& socket,
                   const std::optional<Wanted>& wanted) {
  const auto found = survey(folders, socket, wanted, record);
  if (!found) return found.error();
  const auto made = plan(wanted, *found, record);
  if (auto free = report_conflicts(made); !free) return free;
  for (const auto& note : made.notes) log::notice("{}", note);
  const auto journal = before_steps(record, wanted, made);
  if (auto stored = state.store(journal); !stored) return stored;
  if (auto done = carry_out(made, Hands{folders, socket, wanted, *found}); !done) return done;
  return state.store(after_steps(journal, *found));
}

}  // namespace

Result<> bring_up(const Folders& folders, Wanted wanted) {
  if (auto able = check_kernel(); !able) return able;
  const auto state = StateFolder::hold(folders.state);
  if (!state) return state.error();
  const auto record = state->load();
  if (!record) return record.error();
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  if (wanted.mode == Mode::fnat) {
    const auto cgroup = find_cgroup(wanted.cgroup);
    if (!cgroup) return cgroup.error();
    wanted.cgroup = *cgroup;
    if (!wanted.vips.empty())
      log::notice("--vip is not needed with fnat: connections are to this server's own address");
  } else {
    const auto links = socket->links();
    if (!links) return links.error();
    auto chosen = with_interfaces(std::move(wanted), *links);
    if (!chosen) return chosen.error();
    wanted = std::move(*chosen);
  }
  return reconcile(folders, *state, *record, *socket, wanted);
}

Result<> undo(const Folders& folders) {
  const auto state = StateFolder::hold(folders.state);
  if (!state) return state.error();
  const auto record = state->load();
  if (!record) return record.error();
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  if (auto done = reconcile(folders, *state, *record, *socket, std::nullopt); !done) return done;
  state->forget();
  return {};
}

Result<Report> look(const Folders& folders) {
  const auto record = read_record(folders.state);
  if (!record) return record.error();
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error();
  const auto found = survey(folders, *socket, record->wanted, *record);
  if (!found) return found.error();
  Counters counters;
  count_tunnels(folders.pins, counters);
  count_clients(folders.pins, counters);
  return inspect(*record, *found, std::move(counters));
}

}  // namespace ballast::realserver
