#include "daemons/checkd/passive.hpp"

#include <algorithm>
#include <utility>

namespace ballast::checkd {
namespace {

constexpr double longest_hold = 16;  ///< times the configured one

double seconds(config::Duration duration) { return std::chrono::duration<double>{duration}.count(); }

std::uint64_t grown(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

bool shows_answers(config::Method method) { return method == config::Method::nat || method == config::Method::fnat; }

}  // namespace

void PassiveWatch::configure(const config::VirtualServer& service) {
  check_ = *service.passive_check;
  auto old = std::exchange(servers_, {});
  for (const auto& configured : service.real_servers) {
    const auto name = configured.endpoint.to_string();
    auto& server = servers_[name];
    if (auto known = old.extract(name); !known.empty()) server = std::move(known.mapped());
    server.speaks = shows_answers(configured.method) && configured.endpoint.port != 0;
    server.checked = !configured.checks.empty();
  }
}

// Who was answered late is no longer unanswered, so that this number may fall; another that falls is of a server that
// is counted anew.
std::optional<PassiveWatch::Interval> PassiveWatch::between(const std::optional<bus::ServerTraffic>& before,
                                                            const bus::ServerTraffic& now) {
  if (!before || now.opened < before->opened || now.answered < before->answered || now.refused < before->refused)
    return std::nullopt;
  return Interval{.answered = now.answered - before->answered,
                  .unanswered = grown(before->unanswered, now.unanswered),
                  .refused = now.refused - before->refused,
                  .clients = now.clients};
}

bool PassiveWatch::is_much(std::uint64_t failed, std::uint64_t total) const {
  return failed > 0 && failed >= check_.failures && failed * 100 >= check_.ratio * total;
}

PassiveWatch::Judgement PassiveWatch::judge(const Server& server, const Interval& interval) const {
  if (interval.clients < check_.clients || !is_much(interval.failed(), interval.total())) return Judgement::well;
  const bool silent = interval.answered == 0;
  if (server.speaks && (silent || !server.checked || is_much(interval.refused, interval.total())))
    return Judgement::down;
  return silent && !server.checked ? Judgement::down : Judgement::doubtful;
}

std::string PassiveWatch::describe(const Interval& interval) const {
  std::string_view what = "were not answered or refused";
  if (interval.refused == 0) what = "were not answered";
  if (interval.unanswered == 0) what = "were refused";
  return fmt::format("{} of {} new connections in {:g} s {} ({} client{})", interval.failed(), interval.total(),
                     seconds(check_.interval), what, interval.clients, interval.clients == 1 ? "" : "s");
}

bool PassiveWatch::may_go_down(const IsUp& is_up) const {
  std::size_t held = 0;
  std::size_t up = 0;
  for (const auto& [name, server] : servers_) {
    if (!server.reason.empty())
      ++held;
    else if (is_up(name))
      ++up;
  }
  return up > 1 && (held + 1) * 100 <= check_.most_down * servers_.size();
}

PassiveWatch::Outcome PassiveWatch::on_traffic(const bus::ServiceTraffic& traffic, const IsUp& is_up, double now) {
  std::vector<Suspect> suspects;
  for (const auto& seen : traffic.servers) {
    const auto found = servers_.find(seen.server);
    if (found == servers_.end()) continue;
    auto& server = found->second;
    const auto interval = between(std::exchange(server.last, seen), seen);
    if (!interval || !server.reason.empty() || !is_up(seen.server)) continue;
    const auto judgement = judge(server, *interval);
    if (judgement == Judgement::well) continue;
    suspects.push_back({seen.server, judgement, interval->failed(), interval->total(), describe(*interval)});
  }
  // Where not all may go down, those that fail most do.
  std::ranges::stable_sort(suspects, [](const auto& left, const auto& right) {
    const auto mine = left.failed * right.total;
    const auto theirs = right.failed * left.total;
    return mine != theirs ? mine > theirs : left.failed > right.failed;
  });
  Outcome outcome;
  for (auto& suspect : suspects) {
    auto& server = servers_.at(suspect.name);
    if (suspect.judgement == Judgement::down && may_go_down(is_up)) {
      take_down(server, std::move(suspect.words), now);
      outcome.turned.push_back(suspect.name);
    } else if (server.checked) {
      outcome.probe.push_back(suspect.name);
    }
  }
  return outcome;
}

void PassiveWatch::take_down(Server& server, std::string words, double now) const {
  const double usual = seconds(check_.hold);
  const bool at_once = server.back != 0 && now - server.back < server.hold;
  server.hold = at_once ? std::min(server.hold * 2, usual * longest_hold) : usual;
  server.until = now + server.hold;
  server.reason = std::move(words);
  server.asked = false;
}

void PassiveWatch::bring_back(Server& server, double now) {
  server.reason.clear();
  server.back = now;
}

PassiveWatch::Outcome PassiveWatch::on_passed(const std::string& name, double now) {
  const auto found = servers_.find(name);
  if (found == servers_.end() || found->second.reason.empty() || now < found->second.until) return {};
  bring_back(found->second, now);
  return {.turned = {name}, .probe = {}};
}

PassiveWatch::Outcome PassiveWatch::on_time(double now) {
  Outcome outcome;
  for (auto& [name, server] : servers_) {
    if (server.reason.empty()) continue;
    server.until = std::min(server.until, now + server.hold);  // where somebody set the clock back
    if (now < server.until) continue;
    if (!server.checked) {
      bring_back(server, now);
      outcome.turned.push_back(name);
    } else if (!std::exchange(server.asked, true)) {
      outcome.probe.push_back(name);
    }
  }
  return outcome;
}

std::optional<double> PassiveWatch::next() const {
  std::optional<double> earliest;
  for (const auto& [name, server] : servers_) {
    if (server.reason.empty() || (server.checked && server.asked)) continue;
    earliest = std::min(earliest.value_or(server.until), server.until);
  }
  return earliest;
}

const std::string* PassiveWatch::reason(const std::string& server) const {
  const auto found = servers_.find(server);
  return found == servers_.end() || found->second.reason.empty() ? nullptr : &found->second.reason;
}

}  // namespace ballast::checkd
