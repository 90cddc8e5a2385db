#include <fmt/ranges.h>

#include <algorithm>

#include "common/config/command.hpp"
#include "common/config/loader.hpp"
#include "common/config/print_kernel.hpp"
#include "common/config/print_services.hpp"
#include "common/config/print_writer.hpp"
#include "common/config/route_record.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::string_view hidden = "(hidden)";

class Printer : private Writer {
 public:
  std::string run(const Model& model) {
    global(model.global);
    statics(model.statics);
    tracking(model.tracking);
    for (const auto& script : model.vrrp_scripts) vrrp_script(script);
    for (const auto& instance : model.vrrp_instances) vrrp_instance(instance);
    for (const auto& group : model.vrrp_sync_groups) sync_group(group);
    return std::move(out_);
  }

 private:
  void global(const Global& value) {
    open("global_defs");
    text("router_id", value.router_id);
    if (!value.script_user.empty()) {
      const auto blank = value.script_user.find(' ');
      const auto group =
          blank == std::string::npos ? "" : " " + word(std::string_view{value.script_user}.substr(blank + 1));
      line("script_user {}{}", word(std::string_view{value.script_user}.substr(0, blank)), group);
    }
    flag(value.enable_script_security, "enable_script_security");
    line("lb_engine {}", value.lb_engine);
    if (!value.lb_interfaces.empty()) {
      std::string names;
      for (const auto& name : value.lb_interfaces) names += " " + word(name);
      line("lb_interfaces{}", names);
    }
    line("xdp_mode {}", value.xdp_mode);
    line("connection_table_size {}", value.connection_table_size);
    timeouts(value.lvs_timeouts);
    if (value.sync_daemon) sync_daemon(*value.sync_daemon);
    switch_word("expire_nodest", value.expire_nodest);
    switch_word("sloppy_tcp", value.sloppy_tcp);
    if (value.vrrp_startup_delay != 0s) seconds("vrrp_startup_delay", value.vrrp_startup_delay);
    if (value.vrrp_delay_after_boot != 0s) seconds("vrrp_delay_after_boot", value.vrrp_delay_after_boot);
    for (const auto& each : kernel_lines_of(value)) line("{}", each);
    node_scripts(value.scripts);
    mail(value.mail);
    close();
  }

  void sync_daemon(const SyncDaemon& value) {
    std::string words = word(value.interface);
    if (!value.instance.empty()) words += " inst " + word(value.instance);
    const auto option = [&](std::string_view name, unsigned number) {
      if (number != 0) words += fmt::format(" {} {}", name, number);
    };
    option("id", value.id);
    option("maxlen", value.maxlen);
    option("port", value.port);
    option("ttl", value.ttl);
    if (value.group) words += fmt::format(" group {}", *value.group);
    line("lvs_sync_daemon {}", words);
  }

  void fifo(const std::string& keyword, const NotifyFifo& value) {
    if (value.path.empty()) return;
    line("{} {}", keyword, word(value.path));
    user(value.user, value.group);
    command(keyword + "_script", value.reader);
  }
  void node_scripts(const NodeScripts& value) {
    fifo("notify_fifo", value.fifo);
    fifo("vrrp_notify_fifo", value.vrrp_fifo);
    fifo("lvs_notify_fifo", value.lvs_fifo);
    flag(value.initial_servers, "rs_init_notifies");
    for (const auto& each : value.webhooks) webhook(each);
    command("startup_script", value.startup);
    seconds("startup_script_timeout", value.startup_timeout);
    command("shutdown_script", value.shutdown);
    seconds("shutdown_script_timeout", value.shutdown_timeout);
  }
  void webhook(const Webhook& value) {
    open("webhook {}", word(value.url));
    if (!value.kinds.empty()) line("events {}", fmt::join(value.kinds, " "));
    text("header_file", value.header_file);
    text("ca_file", value.ca_file);
    switch_word("tls_verify", value.verify);
    seconds("timeout", value.timeout);
    line("tries {}", value.tries);
    close();
  }
  void mail(const Mail& value) {
    if (!value.to.empty()) {
      open("notification_email");
      for (const auto& each : value.to) line("{}", word(each));
      close();
    }
    text("notification_email_from", value.from);
    line("smtp_server {} {}", word(value.server), value.port);
    text("smtp_helo_name", value.helo);
    seconds("smtp_connect_timeout", value.timeout);
    flag(!value.faults, "no_email_faults");
    flag(!value.checkers, "no_checker_emails");
  }
  void notify(const Notify& value, bool group) {
    command("notify_master", value.master);
    command("notify_backup", value.backup);
    command("notify_fault", value.fault);
    command("notify_stop", value.stop);
    command("notify_deleted", value.deleted);
    flag(value.says_deleted && value.deleted.words.empty(), "notify_deleted");
    command("notify", value.any);
    command("notify_master_rx_lower_pri", value.lower_priority);
    if (!group) flag(value.priority_changes, "notify_priority_changes");
    flag(value.mail, "smtp_alert");
  }

  void vrrp_script(const VrrpScript& value) {
    open("vrrp_script {}", word(value.name));
    line("script {}", word(command_text(value.command.words)));
    seconds("interval", value.interval);
    if (value.timeout != 0s) seconds("timeout", value.timeout);
    line("rise {}", value.rise);
    line("fall {}", value.fall);
    line("weight {}{}", value.weight, value.reverse ? " reverse" : "");
    if (!value.command.user.empty()) {
      line("user");
      user(value.command.user, value.command.group);
    }
    flag(value.init_fail, "init_fail");
    close();
  }

  template <class Entry>
  void records(std::string_view keyword, const std::vector<Entry>& list) {
    if (list.empty()) return;
    open("{}", keyword);
    for (const auto& each : list) line("{}", record_of(each));
    close();
  }

  void statics(const StaticObjects& value) {
    for (const auto& group : value.groups) {
      open("track_group {}", word(group.name));
      open("group");
      for (const auto& member : group.members) line("{}", word(member));
      close();
      close();
    }
    addresses("static_ipaddress", value.addresses, "", "");
    records("static_routes", value.routes);
    records("static_rules", value.rules);
  }

  static std::string address_text(const VirtualAddress& address) {
    if (!address.options.peer) return address.prefix.to_string();
    return fmt::format("{} peer {}/{}", address.prefix.address, *address.options.peer, address.prefix.length);
  }

  void addresses(std::string_view keyword, const std::vector<VirtualAddress>& list, const std::string& interface,
                 const std::string& vmac) {
    if (list.empty()) return;
    open("{}", keyword);
    for (const auto& address : list) {
      std::string options;
      if (address.interface != interface) options += " dev " + word(address.interface);
      if (!address.label.empty()) options += " label " + word(address.label);
      if (!address.scope.empty()) options += " scope " + word(address.scope);
      if (address.broadcast) options += " brd " + address.broadcast->to_string();
      line("{}{}{}", address_text(address), options, options_of(address.options, vmac));
    }
    close();
  }

  void tracked(const std::vector<TrackInterface>& list) {
    if (list.empty()) return;
    open("track_interface");
    for (const auto& track : list) {
      const auto weight = track.weight == 0 ? std::string{} : fmt::format(" weight {}", track.weight);
      line("{}{}{}", word(track.interface), weight, track.reverse ? " reverse" : "");
    }
    close();
  }

  void tracks(const std::vector<Track>& list) {
    for (const auto& [kind, kind_name] : enum_names(static_cast<TrackKind*>(nullptr))) {
      const auto ours = [kind = kind](const Track& track) { return track.kind == kind; };
      if (std::ranges::none_of(list, ours)) continue;
      open("track_{}", kind_name);
      for (const auto& track : list) {
        if (!ours(track)) continue;
        // The names of routes and gateways are the words that they were written with.
        const bool words = kind == TrackKind::route || kind == TrackKind::gateway;
        line("{} weight {}{}", words ? track.name : word(track.name), track.weight,
             track.reverse ? " reverse" : " noreverse");
      }
      close();
    }
  }

  void tracking(const Tracking& value) {
    for (const auto& file : value.files) {
      open("vrrp_track_file {}", word(file.name));
      line("file {}", word(file.path));
      if (file.initial) line("init_file {}{}", *file.initial, file.overwrite ? " overwrite" : "");
      close();
    }
    for (const auto& process : value.processes) {
      open("vrrp_track_process {}", word(process.name));
      std::string words;
      for (const auto& each : process.words) words += " " + word(each);
      line("process{}", words);
      flag(process.full_command, "full_command");
      if (process.arguments) line("param_match {}", *process.arguments);
      line("quorum {}", process.quorum);
      if (process.quorum_max) line("quorum_max {}", *process.quorum_max);
      seconds("fork_delay", process.fork_delay);
      seconds("terminate_delay", process.terminate_delay);
      close();
    }
  }

  void announce(const Announce& value) {
    seconds("garp_master_delay", value.delay);
    line("garp_master_repeat {}", value.repeat);
    seconds("garp_master_refresh", value.refresh);
    line("garp_master_refresh_repeat {}", value.refresh_repeat);
    seconds("garp_lower_prio_delay", value.lower_prio_delay);
    line("garp_lower_prio_repeat {}", value.lower_prio_repeat);
    seconds("garp_interval", value.garp_interval);
    seconds("gna_interval", value.gna_interval);
    if (value.extra_interval != 0s)
      line("garp_extra_if {}{}", value.extra_all ? "all " : "", seconds_text(value.extra_interval));
  }

  void election(const VrrpInstance& value) {
    const Election defaults;
    const auto& made = value.election;
    flag(made.strict, "strict_mode");
    if (made.down_timer_adverts != defaults.down_timer_adverts) line("down_timer_adverts {}", made.down_timer_adverts);
    const bool implied = made.strict && value.version == 2;
    flag(made.lower_prio_no_advert && !implied, "lower_prio_no_advert");
    flag(made.higher_prio_send_advert, "higher_prio_send_advert");
    flag(made.skip_check_adv_addr, "skip_check_adv_addr");
  }

  void authentication(const VrrpInstance& value) {
    if (!value.auth_pass.text.empty()) {
      open("authentication");
      line("auth_type PASS");
      text("auth_pass", value.auth_pass.text);
      close();
    }
    if (!value.auth_hmac) return;
    const auto& hmac = *value.auth_hmac;
    open("auth_hmac");
    for (const auto& key : hmac.keys)
      line("key {} {}{}", key.id, key.bytes.text == hidden ? "" : "hex:", word(key.bytes.text));
    line("active_key {}", hmac.active_key);
    line("anti_replay {}", hmac.anti_replay);
    seconds("time_window", hmac.time_window);
    line("mode {}", hmac.mode);
    close();
  }

  void vrrp_instance(const VrrpInstance& value) {
    open("vrrp_instance {}", word(value.name));
    text("description", value.description);
    line("state {}", value.initial_state);
    text("interface", value.interface);
    if (!value.heartbeat_interfaces.empty()) {
      std::string names;
      for (const auto& name : value.heartbeat_interfaces) names += " " + word(name);
      line("heartbeat_interface{}", names);
    }
    line("virtual_router_id {}", value.virtual_router_id);
    line("priority {}", value.priority);
    seconds("advert_int", value.advert_interval);
    line("version {}", value.version);
    flag(value.family == net::Family::ipv6 && value.virtual_addresses.empty(), "native_ipv6");
    flag(!value.preempt, "nopreempt");
    if (value.preempt_delay != 0s) seconds("preempt_delay", value.preempt_delay);
    if (value.source) line("{} {}", value.unicast_peers.empty() ? "mcast_src_ip" : "unicast_src_ip", *value.source);
    if (value.unicast_ttl != 255) line("unicast_ttl {}", value.unicast_ttl);
    flag(value.check_unicast_source, "check_unicast_src");
    flag(value.v3_checksum_as_v2, "v3_checksum_as_v2");
    authentication(value);
    flag(!value.accept, "no_accept");
    for (const auto& each : lines_of(value.kernel)) line("{}", each);
    announce(value.announce);
    election(value);
    if (!value.unicast_peers.empty()) {
      open("unicast_peer");
      for (const auto& peer : value.unicast_peers) {
        const auto least = peer.min_ttl == 0 ? std::string{} : fmt::format(" min_ttl {}", peer.min_ttl);
        const auto most = peer.max_ttl == 255 ? std::string{} : fmt::format(" max_ttl {}", peer.max_ttl);
        line("{}{}{}", peer.address, least, most);
      }
      close();
    }
    addresses("virtual_ipaddress", value.virtual_addresses, value.interface, value.kernel.vmac);
    addresses("virtual_ipaddress_excluded", value.virtual_addresses_excluded, value.interface, value.kernel.vmac);
    records("virtual_routes", value.kernel.routes);
    records("virtual_rules", value.kernel.rules);
    tracked(value.track_interfaces);
    tracks(value.tracks);
    notify(value.notify, false);
    close();
  }

  void sync_group(const VrrpSyncGroup& value) {
    open("vrrp_sync_group {}", word(value.name));
    open("group");
    for (const auto& member : value.members) line("{}", word(member));
    close();
    tracked(value.track_interfaces);
    tracks(value.tracks);
    notify(value.notify, true);
    close();
  }
};

}  // namespace

Model without_secrets(Model model) {
  for (auto& instance : model.vrrp_instances) {
    if (!instance.auth_pass.text.empty()) instance.auth_pass.text = hidden;
    if (!instance.auth_hmac) continue;
    for (auto& key : instance.auth_hmac->keys) key.bytes.text = hidden;
  }
  return model;
}

std::string print(const Model& model) { return print_services(Printer{}.run(model), model); }

}  // namespace ballast::config
