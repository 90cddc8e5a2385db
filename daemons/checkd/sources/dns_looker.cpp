#include "daemons/checkd/sources/dns_looker.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace ballast::checkd {
namespace asio = boost::asio;

DnsLooker::DnsLooker(asio::any_io_executor executor, config::SourceQuery query, const Families& wanted,
                     const LookUpSettings& settings)
    : query_{std::move(query)},
      client_{executor, query_.nameservers, settings.resolv_conf, settings.dns_timeout},
      timer_{executor},
      backoff_{settings.first_retry} {
  if (wanted.ipv4) types_.push_back(net::dns_type::a);
  if (wanted.ipv6) types_.push_back(net::dns_type::aaaa);
}

asio::awaitable<Result<Found>> DnsLooker::next() {
  if (wait_.count() > 0) {
    timer_.expires_after(wait_);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  auto answer = co_await look_up();
  if (answer && answer->found.servers.empty()) {
    const auto note = answer->found.note;
    answer = note.empty() ? fail("no servers") : fail("no servers ({})", note);
  }
  if (!answer) {
    wait_ = backoff_.next();
    co_return answer.error();
  }
  backoff_.reset();
  wait_ = trusted_for(std::chrono::seconds{answer->ttl}, query_.interval);
  co_return std::move(answer->found);
}

asio::awaitable<Result<DnsLooker::Answer>> DnsLooker::look_up() {
  if (query_.kind == config::SourceKind::dns_srv) co_return co_await by_service();
  co_return co_await by_address();
}

asio::awaitable<Result<DnsLooker::Answer>> DnsLooker::by_address() {
  const auto found = co_await addresses(query_.name, nullptr);
  if (!found) co_return found.error();
  Answer answer{{}, found->ttl};
  for (const auto& address : found->list) answer.found.servers.push_back({{address, query_.port}, std::nullopt});
  co_return answer;
}

asio::awaitable<Result<DnsLooker::Answer>> DnsLooker::by_service() {
  const auto reply = co_await client_.ask(query_.name, net::dns_type::srv);
  if (!reply) co_return reply.error();
  auto targets = targets_in(*reply, query_.name);
  if (!targets) co_return targets.error();
  Answer answer{{}, targets->list.empty() ? 0 : targets->ttl};
  if (targets->list.size() > query_.most) {
    answer.found.note = fmt::format("{} targets: {} are asked for", targets->list.size(), query_.most);
    std::ranges::sort(targets->list);
    targets->list.resize(query_.most);
  }
  for (const auto& target : targets->list) {
    const auto found = co_await addresses(target.target, &*reply);
    // That a target is not there is said of it alone; where nobody could say, nothing is known of the whole.
    if (!found && found.error().message != rcode_name(net::dns_rcode::no_such_name))
      co_return fail("{}: {}", target.target, found.error().message);
    if (!found || found->list.empty()) {
      const auto* why = found ? "no address" : "NXDOMAIN";
      if (answer.found.note.empty()) answer.found.note = fmt::format("{}: {}: left out", target.target, why);
      continue;
    }
    answer.ttl = std::min(answer.ttl, found->ttl);
    for (const auto& address : found->list)
      answer.found.servers.push_back({{address, target.port}, std::max<int>(target.weight, 1)});
  }
  co_return answer;
}

asio::awaitable<Result<Addresses>> DnsLooker::addresses(std::string name, const net::DnsReply* along) {
  Addresses all{{}, UINT32_MAX};
  for (const auto type : types_) {
    Addresses found;
    if (along != nullptr) found = additional_addresses(*along, name, type);
    if (found.list.empty()) {
      const auto reply = co_await client_.ask(name, type);
      if (!reply) co_return reply.error();
      auto asked = addresses_in(*reply, name, type);
      if (!asked) co_return asked.error();
      found = std::move(*asked);
    }
    if (found.list.empty()) continue;
    all.ttl = std::min(all.ttl, found.ttl);
    all.list.insert(all.list.end(), found.list.begin(), found.list.end());
  }
  co_return all;
}

}  // namespace ballast::checkd
