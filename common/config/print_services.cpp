#include "common/config/print_services.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "common/config/amend.hpp"
#include "common/config/command.hpp"
#include "common/config/loader.hpp"
#include "common/config/print_writer.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

class ServicePrinter : private Writer {
 public:
  ServicePrinter(std::string before, const Global& global)
      : Writer{std::move(before)}, mails_{!global.mail.to.empty()} {}

  std::string run(const Model& model) {
    for (const auto& service : model.virtual_servers) virtual_server(service);
    return std::move(out_);
  }

  std::string run(const std::vector<Amendment>& amendments) {
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

  bool mails_;  ///< there is somebody to mail to
  std::set<std::string> groups_;
  std::map<std::vector<net::IpAddress>, std::string> local_groups_;
};

}  // namespace

std::string print_services(std::string before, const Model& model) {
  return ServicePrinter{std::move(before), model.global}.run(model);
}

std::string print(const std::vector<Amendment>& amendments, const Global& global) {
  return ServicePrinter{{}, global}.run(amendments);
}

}  // namespace ballast::config
