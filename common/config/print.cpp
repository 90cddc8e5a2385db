#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "common/config/amend.hpp"
#include "common/config/command.hpp"
#include "common/config/loader.hpp"
#include "common/config/print_kernel.hpp"
#include "common/config/route_record.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::string_view hidden = "(hidden)";

/// A value as one word of the language, quoted where it must be.
std::string word(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/-";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos && !text.starts_with("include")) {
    return std::string{text};
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
    if (c == '$') out += "\"\"";  // a '$' before a quote begins no reference
  }
  return out + '"';
}

class Printer {
 public:
  std::string run(const Model& model) {
    mails_ = !model.global.mail.to.empty();
    global(model.global);
    statics(model.statics);
    tracking(model.tracking);
    for (const auto& script : model.vrrp_scripts) vrrp_script(script);
    for (const auto& instance : model.vrrp_instances) vrrp_instance(instance);
    for (const auto& group : model.vrrp_sync_groups) sync_group(group);
    for (const auto& service : model.virtual_servers) virtual_server(service);
    return std::move(out_);
  }

  std::string run(const std::vector<Amendment>& amendments, const Global& belonging_to) {
    mails_ = !belonging_to.mail.to.empty();
    for (const auto& each : amendments) {
      if (each.kind == AmendKind::add_service && each.virtual_server) virtual_server(*each.virtual_server);
    }
    std::vector<std::string> services;
    for (const auto& each : amendments) {
      if (each.kind == AmendKind::add_service) continue;
      if (std::ranges::find(services, each.service) == services.end()) services.push_back(each.service);
    }
    for (const auto& service : services) amend(service, amendments);
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_.append(depth_ * 4, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  template <class... Args>
  void open(fmt::format_string<Args...> format, Args&&... args) {
    if (depth_ == 0 && !out_.empty()) out_ += '\n';
    line(format, std::forward<Args>(args)...);
    out_.insert(out_.size() - 1, " {");
    ++depth_;
  }
  void close() {
    --depth_;
    line("}}");
  }
  void flag(bool set, std::string_view keyword) {
    if (set) line("{}", keyword);
  }
  void text(std::string_view keyword, std::string_view value) {
    if (!value.empty()) line("{} {}", keyword, word(value));
  }
  void switch_word(std::string_view keyword, bool on) { line("{} {}", keyword, on ? "on" : "off"); }
  void seconds(std::string_view keyword, Duration value) { line("{} {}", keyword, seconds_text(value)); }

  void timeouts(const LvsTimeouts& value) {
    line("lvs_timeouts tcp {} tcpfin {} udp {}", seconds_text(value.tcp), seconds_text(value.tcp_fin),
         seconds_text(value.udp));
  }

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

  void user(const std::string& user, const std::string& group) {
    if (user.empty()) return;
    out_.insert(out_.size() - 1, fmt::format(" {}{}", word(user), group.empty() ? "" : " " + word(group)));
  }
  void command(std::string_view keyword, const Command& value) {
    if (value.words.empty()) return;
    line("{} {}", keyword, word(command_text(value.words)));
    user(value.user, value.group);
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

  /// The group's name of a service `tcp:group:NAME`; empty: one address.
  static std::string_view group_name(const VirtualServer& value) {
    const auto prefix = fmt::format("{}:group:", value.protocol);
    return value.name.starts_with(prefix) ? std::string_view{value.name}.substr(prefix.size()) : std::string_view{};
  }

  static std::string upper(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](unsigned char each) { return std::toupper(each); });
    return out;
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

  /// `10.0.0.1 80`; port 0, every port, is not written.
  static std::string place(const net::Endpoint& endpoint) {
    const auto address = endpoint.address.to_string();
    return endpoint.port == 0 ? address : fmt::format("{} {}", address, endpoint.port);
  }

  void amend(const std::string& service, const std::vector<Amendment>& amendments) {
    constexpr std::string_view group = "group:";
    const auto colon = service.find(':');
    const auto where = std::string_view{service}.substr(colon + 1);
    const auto endpoint = net::Endpoint::parse(where);
    const bool mark = service.starts_with("fwmark");
    open("amend virtual_server {}", mark ? fmt::format("fwmark {}", where)
                                    : where.starts_with(group)
                                        ? fmt::format("group {}", word(where.substr(group.size())))
                                    : endpoint ? place(*endpoint)
                                               : std::string{where});
    if (!mark) line("protocol {}", upper(service.substr(0, colon)));
    for (const auto& each : amendments) {
      if (each.service == service) amendment(each);
    }
    close();
  }

  void amendment(const Amendment& value) {
    switch (value.kind) {
      case AmendKind::remove_service:
        return line("remove");
      case AmendKind::remove_server:
        return line("remove_server {}", place(value.server));
      case AmendKind::server_weight:
        return line("server_weight {} {} {}", value.server.address, value.server.port, value.weight);
      case AmendKind::add_server:
        if (!value.real_server) return;
        open("real_server {}", place(value.real_server->endpoint));
        return real_server(*value.real_server);
      case AmendKind::add_service:
        return;
    }
  }

  static std::string method_words(Method method, const Tunnel& tunnel) {
    if (method != Method::tun) return std::string{name_of(method)};
    const auto port = tunnel.port == 0 ? std::string{} : fmt::format(" port {}", tunnel.port);
    const auto checksum = tunnel.checksum == TunnelChecksum::none ? std::string{} : fmt::format(" {}", tunnel.checksum);
    return fmt::format("TUN type {}{}{}", tunnel.type, port, checksum);
  }

  /// Groups with the same addresses are one, named after the first service that has it.
  void local_address_group(const VirtualServer& value) {
    if (value.local_addresses.empty()) return;
    if (!local_groups_.emplace(value.local_addresses, value.name).second) return;
    open("local_address_group {}", word(value.name));
    for (const auto& address : value.local_addresses) line("{}", address);
    close();
  }

  void scheduling(const VirtualServer& value) {
    line("lvs_sched {}", value.scheduler);
    const std::string_view hash = value.scheduler == Scheduler::sh ? "sh" : "mh";
    if (value.hash_port) line("{}-port", hash);
    if (value.hash_fallback) line("{}-fallback", hash);
    flag(value.third_flag, "flag-3");
    flag(value.one_packet, "ops");
    if (value.persistence_timeout != 0s) seconds("persistence_timeout", value.persistence_timeout);
    text("persistence_engine", value.persistence_engine);
    const bool v4 = value.family == net::Family::ipv4;
    if (v4 && value.persistence_prefix4 != 32) line("persistence_granularity {}", netmask(value.persistence_prefix4));
    if (!v4 && value.persistence_prefix6 != 128) line("persistence_granularity {}", value.persistence_prefix6);
  }

  void virtual_server(const VirtualServer& value) {
    const auto group = group_name(value);
    if (!group.empty() && groups_.insert(std::string{group}).second) {
      open("virtual_server_group {}", word(group));
      for (const auto& endpoint : value.endpoints) line("{}", place(endpoint));
      for (const auto mark : value.fwmarks) line("fwmark {}", mark);
      close();
    }
    const bool mark = group.empty() && value.endpoints.empty();
    if (mark && value.fwmarks.empty()) return;
    local_address_group(value);
    if (mark)
      open("virtual_server fwmark {}", value.fwmarks.front());
    else if (group.empty())
      open("virtual_server {}", place(value.endpoints.front()));
    else
      open("virtual_server group {}", word(group));
    line("protocol {}", upper(name_of(value.protocol)));
    if (value.endpoints.empty()) line("ip_family {}", value.family == net::Family::ipv4 ? "inet" : "inet6");
    line("lb_engine {}", value.engine);
    line("lvs_method {}", method_words(value.method, value.tunnel));
    if (!value.local_addresses.empty()) {
      line("laddr_group_name {}", word(local_groups_.at(value.local_addresses)));
      line("client_address {}", value.client_address);
    }
    scheduling(value);
    switch_word("expire_nodest", value.expire_nodest);
    switch_word("sloppy_tcp", value.sloppy_tcp);
    flag(value.alpha, "alpha");
    flag(value.omega, "omega");
    line("quorum {}", value.quorum);
    line("hysteresis {}", value.hysteresis);
    command("quorum_up", value.quorum_up);
    command("quorum_down", value.quorum_down);
    if (mails_) switch_word("smtp_alert", value.mail);
    line("when_all_down {}", value.when_all_down);
    seconds("slow_start", value.slow_start);
    flag(value.ha_suspend, "ha_suspend");
    if (value.passive_check) passive(*value.passive_check);
    if (value.timeouts) timeouts(*value.timeouts);
    if (value.sorry_server) {
      flag(value.sorry_server->inhibit, "sorry_server_inhibit");
      line("sorry_server {}", place(value.sorry_server->endpoint));
      line("sorry_server_lvs_method {}", method_words(value.sorry_server->method, value.sorry_server->tunnel));
    }
    for (const auto& server : value.real_servers) {
      open("real_server {}", place(server.endpoint));
      real_server(server);
    }
    for (const auto& each : value.sources) source(each);
    close();
  }

  void passive(const PassiveCheck& value) {
    open("passive_check");
    line("failures {}", value.failures);
    line("ratio {}", value.ratio);
    line("clients {}", value.clients);
    line("most_down {}", value.most_down);
    seconds("interval", value.interval);
    seconds("hold", value.hold);
    close();
  }

  void source(const ServerSource& value) {
    const auto& query = value.query;
    open("real_servers_from {} {} {}", query.kind, word(query.name), query.port);
    for (const auto& server : query.nameservers) line("nameserver {} {}", server.address, server.port);
    for (const auto& url : query.endpoints) line("endpoint {}", word(url));
    text("ca_file", query.ca_file);
    seconds("interval", query.interval);
    line("most {}", query.most);
    real_server(value.like);
  }

  /// What is in the block, to its end.
  void real_server(const RealServer& value) {
    line("weight {}", value.weight);
    line("lvs_method {}", method_words(value.method, value.tunnel));
    if (value.upper_threshold != 0) line("uthreshold {}", value.upper_threshold);
    if (value.lower_threshold != 0) line("lthreshold {}", value.lower_threshold);
    flag(value.inhibit_on_failure, "inhibit_on_failure");
    flag(value.any_check, "any_check");
    if (value.notify_up) command("notify_up", *value.notify_up);
    if (value.notify_down) command("notify_down", *value.notify_down);
    if (mails_) switch_word("smtp_alert", value.mail);
    for (const auto& each : value.checks) check(each, value.endpoint);
    close();
  }

  static bool connects(CheckKind kind) { return kind != CheckKind::misc && kind != CheckKind::file; }

  void check(const Check& value, const net::Endpoint& server) {
    open("{}", value.kind);
    if (connects(value.kind)) {
      if (value.target.address != server.address) line("connect_ip {}", value.target.address);
      if (value.target.port != server.port) line("connect_port {}", value.target.port);
      if (value.bind && !value.bind->address.is_unspecified()) line("bindto {}", value.bind->address);
      if (value.bind && value.bind->port != 0) line("bind_port {}", value.bind->port);
      text("bind_if", value.bind_interface);
      if (value.fwmark != 0) line("fwmark {}", value.fwmark);
    }
    seconds("delay_loop", value.delay_loop);
    seconds("connect_timeout", value.connect_timeout);
    line("retry {}", value.retry);
    seconds("delay_before_retry", value.delay_before_retry);
    line("rise {}", value.rise);
    seconds("warmup", value.warmup);
    switch_word("alpha", value.alpha);
    switch_word("log_all_failures", value.log_all);
    if (value.http) http(*value.http);
    if (value.tls) tls(*value.tls, value.kind);
    if (value.smtp) text("helo_name", value.smtp->helo_name);
    if (value.dns) line("type {}", value.dns->type);
    if (value.dns) text("name", value.dns->name);
    if (value.udp) udp(*value.udp);
    if (value.misc) misc(*value.misc);
    if (value.file) file(*value.file);
    if (value.agent) text("agent_send", value.agent->send);
    if (value.grpc) text("grpc_service", value.grpc->service);
    if (value.grpc) text("grpc_authority", value.grpc->authority);
    close();
  }

  void http(const HttpCheck& value) {
    line("http_protocol {}", value.version);
    text("virtualhost", value.virtualhost);
    for (const auto& each : value.urls) url(each);
  }

  void tls(const TlsClient& value, CheckKind kind) {
    if (kind != CheckKind::ssl) line("tls on");
    switch_word("enable_sni", value.sni);
    text("tls_server_name", value.server_name);
    switch_word("tls_verify", value.verify);
    text("tls_ca_file", value.ca_file);
    text("tls_certificate", value.certificate);
    text("tls_key", value.key);
    line("tls_expiry_warning {}", std::chrono::duration_cast<std::chrono::hours>(value.expiry_warning).count() / 24);
  }

  void udp(const UdpCheck& value) {
    text("payload", value.payload);
    if (value.require_reply) line("require_reply{}{}", value.reply.empty() ? "" : " ", value.reply);
    line("min_reply_length {}", value.min_reply);
    line("max_reply_length {}", value.max_reply);
  }

  void misc(const MiscCheck& value) {
    line("misc_path {}", word(command_text(value.command.words)));
    seconds("misc_timeout", value.timeout);
    flag(value.dynamic, "misc_dynamic");
    if (value.command.user.empty()) return;
    line("user");
    user(value.command.user, value.command.group);
  }

  void file(const FileCheck& value) {
    text("track_file", value.name);
    line("weight {}{}", value.weight, value.reverse ? " reverse" : "");
    flag(value.dynamic, "dynamic");
  }

  void url(const HttpUrl& value) {
    open("url");
    line("path {}", word(value.path));
    if (!value.status.empty()) {
      std::string codes;
      for (const auto& range : value.status) {
        codes += range.first == range.last ? fmt::format(" {}", range.first)
                                           : fmt::format(" {}-{}", range.first, range.last);
      }
      line("status_code{}", codes);
    }
    text("digest", value.digest);
    text("virtualhost", value.virtualhost);
    if (value.regex) {
      text("regex", value.regex->pattern);
      flag(value.regex->must_not_match, "regex_no_match");
      if (!value.regex->options.empty()) line("regex_options {}", fmt::join(value.regex->options, " "));
      if (value.regex->min_offset != 0) line("regex_min_offset {}", value.regex->min_offset);
      if (value.regex->max_offset != 0) line("regex_max_offset {}", value.regex->max_offset);
    }
    close();
  }

  std::string out_;
  std::size_t depth_ = 0;
  bool mails_ = false;  ///< there is somebody to mail to
  std::set<std::string> groups_;
  std::map<std::vector<net::IpAddress>, std::string> local_groups_;
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

std::string print(const Model& model) { return Printer{}.run(model); }

std::string print(const std::vector<Amendment>& amendments, const Global& global) {
  return Printer{}.run(amendments, global);
}

}  // namespace ballast::config
