#include "daemons/checkd/dns_check.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/beast/core/error.hpp>

#include "common/enum_names.hpp"
#include "common/net/dns_message.hpp"
#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/datagram.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;

namespace {

constexpr int most_strangers = 100;  // replies to other questions than ours

Verdict judge(const std::string& what, const net::DnsReply& reply) {
  if (reply.rcode != net::dns_rcode::no_error) {
    auto reason = fmt::format("{}: {}", what, net::dns_rcode_in_words(reply.rcode));
    return {Cause::status, reply.rcode, std::move(reason), {}};
  }
  if (reply.truncated) return {Cause::passed, 0, what + ": answered, truncated", {}};
  const auto count = reply.answers.size();
  return {Cause::passed, 0, fmt::format("{}: answered, {} record{}", what, count, count == 1 ? "" : "s"), {}};
}

}  // namespace

DnsCheck::DnsCheck(asio::any_io_executor executor, config::Check check)
    : executor_(std::move(executor)), check_(std::move(check)) {}

asio::awaitable<Verdict> DnsCheck::probe() { return timed(ask()); }

asio::awaitable<Verdict> DnsCheck::ask() {
  const config::DnsCheck question = check_.dns ? *check_.dns : config::DnsCheck{};
  const auto type = static_cast<std::uint16_t>(question.type);
  const auto what = fmt::format("query of {} {} to {}", question.name, name_of(question.type), check_.target);
  const auto random = random_bytes(2);
  const auto id = static_cast<std::uint16_t>(random[0] << 8 | random[1]);
  const auto query = net::encode_query(id, question.name, type);
  if (!query) co_return Verdict{Cause::cannot_probe, 0, "cannot probe: " + query.error().message, {}};
  DatagramSocket socket{executor_, check_};
  auto opened = socket.open(SOCK_DGRAM, IPPROTO_UDP);
  if (!opened.passed()) co_return opened;
  if (const auto error = socket.send(*query)) co_return network_failure(what, error, check_);
  for (int strangers = 0; strangers < most_strangers; ++strangers) {
    const auto received = co_await socket.receive();
    if (received.error) {
      auto verdict = network_failure(what, received.error, check_);
      if (strangers > 0) verdict.reason += fmt::format(", with {} replies to other questions", strangers);
      co_return verdict;
    }
    const auto reply = net::parse_reply(received.bytes);
    if (!reply) co_return Verdict{Cause::malformed, 0, fmt::format("{}: {}", what, reply.error().message), {}};
    if (net::is_reply_to(*reply, id, question.name, type)) co_return judge(what, *reply);
  }
  co_return Verdict{Cause::malformed, 1, what + ": nothing but replies to other questions", {}};
}

}  // namespace ballast::checkd
