#include "common/config/resolve_checks.hpp"

#include <algorithm>

#include "common/config/regex.hpp"

namespace ballast::config {
namespace {

template <class T>
T pick(const std::optional<T>& first, const std::optional<T>& second, const std::optional<T>& third, T fallback) {
  return first ? *first : second ? *second : third ? *third : fallback;
}

bool is_http(CheckKind kind) { return kind == CheckKind::http || kind == CheckKind::ssl; }
bool has_port(CheckKind kind) { return kind != CheckKind::ping && kind != CheckKind::misc && kind != CheckKind::file; }

/// keepalived's defaults of a checker.
unsigned default_retry(CheckKind kind) {
  if (kind == CheckKind::misc || kind == CheckKind::agent || kind == CheckKind::file) return 0;
  return kind == CheckKind::dns ? 3 : 1;
}
Duration default_delay_before_retry(CheckKind kind, Duration delay_loop) {
  if (is_http(kind)) return 3s;
  return kind == CheckKind::dns ? delay_loop : Duration{1s};
}

class CheckResolver {
 public:
  CheckResolver(Binder& binder, const ServiceDraft& service, const ServerDraft& server, const net::Endpoint& target)
      : binder_{binder}, report_{binder.report()}, service_{service}, server_{server}, target_{target} {}

  void resolve(const CheckDraft& draft, std::vector<Check>& checks) {
    if (draft.hosts.empty()) return checks.push_back(resolve(draft, draft.connection));
    for (const auto& host : draft.hosts) {
      auto place = host;
      const auto& common = draft.connection;
      if (!place.connect_address) place.connect_address = common.connect_address;
      if (!place.connect_port) place.connect_port = common.connect_port;
      if (!place.bind_address) place.bind_address = common.bind_address;
      if (!place.bind_port) place.bind_port = common.bind_port;
      if (place.bind_interface.empty()) place.bind_interface = common.bind_interface;
      if (place.fwmark == 0) place.fwmark = common.fwmark;
      checks.push_back(resolve(draft, place));
    }
  }

 private:
  Check resolve(const CheckDraft& draft, const ConnectionDraft& place) {
    Check made;
    made.kind = draft.kind;
    connection(draft, place, made);
    timing(draft, made);
    const CheckDetailDraft nothing;
    const auto& detail = draft.detail ? *draft.detail : nothing;
    if (is_http(draft.kind)) http(draft, detail, made);
    tls(draft, detail, made);
    switch (draft.kind) {
      case CheckKind::smtp:
        made.smtp = detail.smtp;
        break;
      case CheckKind::dns:
        made.dns = detail.dns;
        break;
      case CheckKind::udp:
        udp(draft, detail, made);
        break;
      case CheckKind::misc:
        misc(draft, detail, made);
        break;
      case CheckKind::file:
        file(draft, detail, made);
        break;
      case CheckKind::agent:
        made.agent = detail.agent;
        break;
      case CheckKind::grpc:
        made.grpc = detail.grpc;
        break;
      case CheckKind::tcp:
      case CheckKind::http:
      case CheckKind::ssl:
      case CheckKind::ping:
        break;
    }
    return made;
  }

  void connection(const CheckDraft& draft, const ConnectionDraft& place, Check& made) {
    made.target = target_;
    if (place.connect_address) made.target.address = place.connect_address->value;
    if (server_.port && server_.port->value != 0) made.target.port = static_cast<std::uint16_t>(server_.port->value);
    if (place.connect_port) made.target.port = static_cast<std::uint16_t>(place.connect_port->value);
    if (draft.kind == CheckKind::smtp && made.target.port == 0) made.target.port = 25;
    // The servers of a source bring their ports along.
    if (made.target.port == 0 && has_port(draft.kind) && !target_.address.is_unspecified()) {
      report_.error(draft.at, fmt::format("{} has no port to probe: its real_server is of every port", draft.kind),
                    "add connect_port");
    }
    made.bind_interface = place.bind_interface;
    made.fwmark = place.fwmark;
    bind(place, made);
  }

  void bind(const ConnectionDraft& place, Check& made) {
    if (!place.bind_address && !place.bind_port) return;
    const std::array<std::uint8_t, 16> any{};
    net::Endpoint source{made.target.address.is_v4() ? net::IpAddress{} : net::IpAddress::v6(any), 0};
    if (place.bind_address) source.address = place.bind_address->value;
    if (place.bind_port) source.port = static_cast<std::uint16_t>(place.bind_port->value);
    if (source.address.family() != made.target.address.family() && !made.target.address.is_unspecified()) {
      report_.error(place.bind_address->at, fmt::format("bindto {} for a probe of {}: the families differ",
                                                        source.address, made.target.address));
    }
    if (source.port != 0 || !source.address.is_unspecified()) made.bind = source;
  }

  void timing(const CheckDraft& draft, Check& made) {
    const auto& own = draft.timing;
    const auto& outer = server_.timing;
    const auto& outermost = service_.timing;
    const auto chosen = [&](auto member, auto fallback) {
      return pick(own.*member, outer.*member, outermost.*member, fallback);
    };
    made.delay_loop = chosen(&TimingDraft::delay_loop, made.delay_loop);
    made.connect_timeout = chosen(&TimingDraft::connect_timeout, made.connect_timeout);
    made.retry = default_retry(draft.kind);
    for (const auto* level : {&outermost, &outer, &own}) {
      if (level->retry) made.retry = level->retry->value;
      if (level->fall) made.retry = level->fall->value - 1;
      if (level->fall && level->retry && level->retry->value + 1 != level->fall->value)
        report_.error(level->fall->at, fmt::format("fall {} and retry {} do not agree: say one of them",
                                                   level->fall->value, level->retry->value));
    }
    made.rise = chosen(&TimingDraft::rise, 1U);
    made.delay_before_retry =
        chosen(&TimingDraft::delay_before_retry, default_delay_before_retry(draft.kind, made.delay_loop));
    made.warmup = chosen(&TimingDraft::warmup, made.delay_loop);
    made.alpha = chosen(&TimingDraft::alpha, false);
    made.log_all = chosen(&TimingDraft::log_all, binder_.draft().log_all_failures);
  }

  void http(const CheckDraft& draft, const CheckDetailDraft& detail, Check& made) {
    auto& http = made.http.get();
    http.virtualhost =
        pick(draft.timing.virtualhost, server_.timing.virtualhost, service_.timing.virtualhost, std::string{});
    if (detail.version) http.version = detail.version->value;
    http.urls = draft.urls;
    if (http.urls.empty()) report_.error(draft.at, fmt::format("{} has no url", draft.kind), "add url { path / }");
    for (const auto& url : http.urls) {
      if (url.regex && url.regex->pattern.empty())
        report_.error(draft.at, fmt::format("a url of {} has regex_… without a regex", draft.kind));
    }
    for (const auto& [number, at] : detail.regexes) {
      const auto compiled = Regex::compile(*http.urls.at(number).regex);
      if (!compiled) report_.error(at, compiled.error().message);
    }
  }

  void tls(const CheckDraft& draft, const CheckDetailDraft& detail, Check& made) {
    if (draft.kind != CheckKind::ssl && !(detail.use_tls && detail.use_tls->value)) return;
    auto& tls = made.tls.get();
    tls = detail.tls;
    const auto& common = binder_.draft().ssl;
    if (tls.ca_file.empty()) tls.ca_file = common.ca_file;
    if (tls.certificate.empty() && tls.key.empty()) {
      tls.certificate = common.certificate;
      tls.key = common.key;
    }
    if (tls.certificate.empty() != tls.key.empty())
      report_.error(draft.at, fmt::format("{} has a TLS certificate without its key, or a key alone", draft.kind));
  }

  void udp(const CheckDraft& draft, const CheckDetailDraft& detail, Check& made) {
    made.udp = detail.udp;
    if (made.udp->min_reply > made.udp->max_reply)
      report_.error(draft.at, fmt::format("min_reply_length {} is above max_reply_length {}", made.udp->min_reply,
                                          made.udp->max_reply));
  }

  void misc(const CheckDraft& draft, const CheckDetailDraft& detail, Check& made) {
    made.misc = detail.misc;
    if (made.misc->command.words.empty()) report_.error(draft.at, "MISC_CHECK has no misc_path");
    if (made.misc->timeout == 0s) made.misc->timeout = made.delay_loop;
    made.target.port = 0;
  }

  void file(const CheckDraft& draft, const CheckDetailDraft& detail, Check& made) {
    auto& file = made.file.get();
    made.target.port = 0;
    if (!detail.track_file) return report_.error(draft.at, "FILE_CHECK has no track_file");
    const auto& files = binder_.draft().tracking.files;
    const auto& [name, at] = *detail.track_file;
    const auto found = std::ranges::find(
        files, name, [](const auto& each) -> auto& { return each.name.value; });
    if (found == files.end()) return report_.error(at, fmt::format("there is no track_file '{}'", shorten(name)));
    file.name = name;
    file.path = found->definition.path;
    file.weight = detail.file_weight.value_or(found->weight);
    file.reverse = detail.file_weight ? detail.file_reverse : found->reverse;
    file.dynamic = detail.file_dynamic;
  }

  Binder& binder_;
  Report& report_;
  const ServiceDraft& service_;
  const ServerDraft& server_;
  net::Endpoint target_;
};

}  // namespace

std::vector<Check> resolve_checks(Binder& binder, const ServiceDraft& service, const ServerDraft& server,
                                  const net::Endpoint& target) {
  std::vector<Check> checks;
  checks.reserve(server.checks.size());
  CheckResolver resolver{binder, service, server, target};
  for (const auto& draft : server.checks) resolver.resolve(draft, checks);
  return checks;
}

}  // namespace ballast::config
