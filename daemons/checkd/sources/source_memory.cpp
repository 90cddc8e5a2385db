#include "daemons/checkd/sources/source_memory.hpp"

#include <algorithm>

namespace ballast::checkd {
namespace {

using config::FoundServer;
using config::SourceKind;
using Servers = std::vector<FoundServer>;
using namespace std::chrono_literals;

constexpr unsigned changes_at_once = 5;
constexpr config::Duration change_interval = 5s;
constexpr unsigned words_at_once = 10;
constexpr config::Duration word_interval = 60s;
constexpr std::size_t most_named = 8;

std::string title(const config::SourceQuery& query, const Families& wanted) {
  switch (query.kind) {
    case SourceKind::dns:
      return fmt::format("{} {}", !wanted.ipv6 ? "A" : !wanted.ipv4 ? "AAAA" : "A and AAAA", query.name);
    case SourceKind::dns_srv:
      return "SRV " + query.name;
    case SourceKind::file:
      return "file " + query.name;
    case SourceKind::etcd:
      return "etcd " + query.name;
  }
  return query.name;
}

std::string servers_in_words(std::size_t count) { return fmt::format("{} server{}", count, count == 1 ? "" : "s"); }

/// Why an address can be no server of this service; empty: it can.
std::string unfit(const net::IpAddress& address, const Families& wanted) {
  if (address.is_unspecified() || address.is_multicast()) return "no address of a host";
  if (address.is_v6() && address.is_link_local()) return "a link-local address";
  if (address.is_v4() ? wanted.ipv4 : wanted.ipv6) return {};
  return address.is_v4() ? "IPv4, the service is IPv6" : "IPv6, the service is IPv4";
}

void add_note(std::string& notes, const std::string& note) {
  if (note.empty()) return;
  if (!notes.empty()) notes += "; ";
  notes += note;
}

/// Sorted, each once, none that cannot be, no more than `most`; what is left out is noted.
Servers tidy(Servers servers, const Families& wanted, std::size_t most, std::string& notes) {
  std::size_t unfit_count = 0;
  std::string first;
  std::erase_if(servers, [&](const FoundServer& server) {
    const auto why = unfit(server.endpoint.address, wanted);
    if (why.empty()) return false;
    if (unfit_count++ == 0) first = fmt::format("{} is {}", server.endpoint.address, why);
    return true;
  });
  if (unfit_count == 1) add_note(notes, first + ": left out");
  if (unfit_count > 1) add_note(notes, fmt::format("{} ({} such): left out", first, unfit_count));
  std::ranges::sort(servers);
  const auto same_place = [](const FoundServer& x, const FoundServer& y) { return x.endpoint == y.endpoint; };
  servers.erase(std::unique(servers.begin(), servers.end(), same_place), servers.end());
  if (servers.size() > most) {
    add_note(notes, fmt::format("{} more than {}: left out", servers.size() - most, most));
    servers.resize(most);
  }
  return servers;
}

std::string weight_text(const std::optional<int>& weight) { return weight ? fmt::format("{}", *weight) : "default"; }

/// `+ 10.0.0.4:80, - 10.0.0.2:80, 10.0.0.3:80 weight 1 -> 2`
std::string difference(const Servers& before, const Servers& after) {
  std::vector<std::string> parts;
  const auto find = [](const Servers& list, const FoundServer& server) {
    const auto place = std::ranges::lower_bound(list, server.endpoint, {}, &FoundServer::endpoint);
    return place != list.end() && place->endpoint == server.endpoint ? &*place : nullptr;
  };
  for (const auto& server : after) {
    if (find(before, server) == nullptr) parts.push_back(fmt::format("+ {}", server.endpoint));
  }
  for (const auto& server : before) {
    if (find(after, server) == nullptr) parts.push_back(fmt::format("- {}", server.endpoint));
  }
  for (const auto& server : after) {
    const auto* old = find(before, server);
    if (old == nullptr || old->weight == server.weight) continue;
    parts.push_back(
        fmt::format("{} weight {} -> {}", server.endpoint, weight_text(old->weight), weight_text(server.weight)));
  }
  const auto named = std::min(parts.size(), most_named);
  auto text = fmt::format("{}", fmt::join(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(named), ", "));
  if (parts.size() > named) text += fmt::format(" and {} more", parts.size() - named);
  return text;
}

}  // namespace

Families families_of(const config::VirtualServer& service) {
  if (service.endpoints.empty() || service.method == config::Method::tun) return {};
  Families result{false, false};
  for (const auto& endpoint : service.endpoints) (endpoint.address.is_v4() ? result.ipv4 : result.ipv6) = true;
  if (service.method == config::Method::fnat && result.ipv6) result.ipv4 = true;
  return result;
}

SourceMemory::SourceMemory(std::string service, unsigned number, config::SourceQuery query, Families wanted)
    : query_{std::move(query)},
      wanted_{wanted},
      title_{title(query_, wanted_)},
      changes_{changes_at_once, change_interval},
      words_{words_at_once, word_interval} {
  state_.service = std::move(service);
  state_.number = number;
  state_.kind = query_.kind;
  state_.name = query_.name;
  state_.reason = title_ + ": not looked up yet";
}

void SourceMemory::recall(const bus::SourceState& kept) {
  std::string ignored;
  state_.servers = tidy(kept.servers, wanted_, query_.most, ignored);
  state_.since = kept.since;
  state_.good = kept.good && !state_.servers.empty();
  if (!state_.servers.empty())
    state_.reason =
        fmt::format("{}: {} as of before, not looked up again yet", title_, servers_in_words(state_.servers.size()));
}

SourceMemory::Step SourceMemory::on_found(Found found, const Now& now) {
  auto note = std::move(found.note);
  auto servers = tidy(std::move(found.servers), wanted_, query_.most, note);
  if (servers.empty()) return on_failure(note.empty() ? "no servers" : fmt::format("no servers ({})", note), now);
  return take(std::move(servers), std::move(note), now);
}

SourceMemory::Step SourceMemory::take(Servers servers, std::string note, const Now& now) {
  Step step;
  waiting_.reset();
  auto reason = fmt::format("{}: {}", title_, servers_in_words(servers.size()));
  if (servers != state_.servers) {
    if (changes_.take(now.steady)) {
      adopt(std::move(servers), now, step);
    } else {
      waiting_ = std::move(servers);
      step.again = changes_.wait(now.steady);
      add_note(note, fmt::format("changes too often: followed every {} s",
                                 std::chrono::duration_cast<std::chrono::seconds>(change_interval).count()));
    }
  }
  become(true, now, step);
  if (!note.empty()) reason += fmt::format(" ({})", note);
  say(std::move(reason), step);
  return step;
}

SourceMemory::Step SourceMemory::on_time(const Now& now) {
  Step step;
  if (!waiting_) return step;
  if (!changes_.take(now.steady)) {
    step.again = changes_.wait(now.steady);
    return step;
  }
  adopt(*std::exchange(waiting_, std::nullopt), now, step);
  if (state_.good) say(fmt::format("{}: {}", title_, servers_in_words(state_.servers.size())), step);
  return step;
}

SourceMemory::Step SourceMemory::on_failure(const std::string& why, const Now& now) {
  Step step;
  const auto kept = state_.servers.size();
  const auto rest = kept == 0   ? std::string{"no servers are known yet"}
                    : kept == 1 ? std::string{"the last server is kept"}
                                : fmt::format("the last {} servers are kept", kept);
  become(false, now, step);
  say(fmt::format("{}: {}: {}", title_, why, rest), step);
  if (!std::exchange(told_bad_, true) && words_.take(now.steady))
    step.events.push_back(event("warning", fmt::format("{}: {}", why, rest), now));
  return step;
}

void SourceMemory::adopt(Servers servers, const Now& now, Step& step) {
  step.events.push_back(event("notice", difference(state_.servers, servers), now));
  state_.servers = std::move(servers);
  state_.since = now.unix;
  step.publish = true;
}

void SourceMemory::become(bool good, const Now& now, Step& step) {
  if (good && std::exchange(told_bad_, false) && step.events.empty() && words_.take(now.steady))
    step.events.push_back(event("notice", servers_in_words(state_.servers.size()) + " again", now));
  if (state_.good == good) return;
  state_.good = good;
  state_.since = now.unix;
  step.publish = true;
}

void SourceMemory::say(std::string reason, Step& step) {
  if (reason == state_.reason) return;
  state_.reason = std::move(reason);
  step.publish = true;
}

bus::Event SourceMemory::event(std::string_view severity, std::string_view text, const Now& now) const {
  return {.time = now.unix,
          .daemon = {},
          .kind = "service",
          .subject = state_.service,
          .message = fmt::format("{}: {}: {}", state_.service, title_, text),
          .severity = std::string{severity}};
}

}  // namespace ballast::checkd
