#include "daemons/checkd/sources/dns_client.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <random>

#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/sources/dns_answer.hpp"
#include "daemons/checkd/sources/read_aside.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using boost::system::error_code;

namespace {

constexpr std::uint16_t udp_size = 1232;  // what no path fragments (DNS flag day 2020)
constexpr std::size_t longest_conf = 64U << 10;
constexpr int rounds = 2;
constexpr int most_strangers = 100;  // datagrams that are no answer to the question
constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);

asio::ip::address to_asio(const net::IpAddress& address) {
  const auto bytes = address.bytes();
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type raw{};
    std::copy_n(bytes.begin(), raw.size(), raw.begin());
    return asio::ip::address_v4{raw};
  }
  asio::ip::address_v6::bytes_type raw{};
  std::copy_n(bytes.begin(), raw.size(), raw.begin());
  return asio::ip::address_v6{raw};
}

/// The reply, if it is one to this query.
std::optional<net::DnsReply> accept(std::span<const std::uint8_t> bytes, std::uint16_t id, std::string_view name,
                                    std::uint16_t type) {
  auto reply = net::parse_reply(bytes);
  if (!reply || !net::is_reply_to(*reply, id, name, type)) return std::nullopt;
  return std::move(*reply);
}

}  // namespace

struct DnsClient::Question {
  std::uint16_t id;
  const std::string& name;
  std::uint16_t type;
  std::vector<std::uint8_t> query;
};

DnsClient::DnsClient(asio::any_io_executor executor, std::vector<net::Endpoint> nameservers, std::string resolv_conf,
                     config::Duration timeout)
    : executor_{std::move(executor)},
      nameservers_{std::move(nameservers)},
      resolv_conf_{std::move(resolv_conf)},
      timeout_{timeout} {}

asio::awaitable<Result<std::vector<net::Endpoint>>> DnsClient::servers() {
  auto result = nameservers_;
  if (result.empty()) {
    const auto text = co_await read_aside(resolv_conf_, longest_conf);
    if (!text) co_return text.error();
    result = parse_resolv_conf(*text);
  }
  const auto preferred = std::ranges::find(result, preferred_);
  if (preferred != result.end()) std::rotate(result.begin(), preferred, preferred + 1);
  co_return result;
}

asio::awaitable<Result<net::DnsReply>> DnsClient::ask(std::string name, std::uint16_t type) {
  auto left = co_await servers();
  if (!left) co_return left.error();
  Result<net::DnsReply> last = fail("no nameserver");
  for (int round = 0; round < rounds && !left->empty(); ++round) {
    std::vector<net::Endpoint> silent;
    for (const auto& server : *left) {
      last = co_await ask_one(server, name, type);
      if (last) {
        preferred_ = server;
        co_return last;
      }
      if (timed_out_) silent.push_back(server);
    }
    *left = std::move(silent);
  }
  co_return last;
}

asio::awaitable<Result<net::DnsReply>> DnsClient::ask_one(net::Endpoint server, std::string name, std::uint16_t type) {
  timed_out_ = false;
  const auto id = static_cast<std::uint16_t>(std::random_device{}());
  auto query = net::encode_query(id, name, type, udp_size);
  if (!query) co_return query.error();
  const Question question{id, name, type, std::move(*query)};
  auto reply = co_await by_udp(server, question);
  if (reply && reply->truncated) reply = co_await by_tcp(server, question);
  if (!reply) co_return fail("nameserver {}: {}", server, reply.error().message);
  if (reply->rcode != net::dns_rcode::no_error && reply->rcode != net::dns_rcode::no_such_name)
    co_return fail("nameserver {}: {}", server, rcode_name(reply->rcode));
  co_return reply;
}

asio::awaitable<Result<net::DnsReply>> DnsClient::by_udp(const net::Endpoint& server, const Question& question) {
  // A new socket has a new port, and hears its server alone.
  asio::ip::udp::socket socket{executor_};
  const asio::ip::udp::endpoint to{to_asio(server.address), server.port};
  error_code error;
  socket.open(to.protocol(), error);
  if (!error) socket.connect(to, error);
  if (!error) socket.send(asio::buffer(question.query), 0, error);
  if (error) co_return fail("{}", error.message());
  asio::steady_timer timer{executor_, timeout_};
  std::array<std::uint8_t, 4096> buffer{};
  for (int strangers = 0; strangers < most_strangers; ++strangers) {
    const auto got = co_await (socket.async_receive(asio::buffer(buffer), awaiting) || timer.async_wait(awaiting));
    if (got.index() == 1) {
      timed_out_ = true;
      co_return fail("timed out after {}{}", in_words(timeout_), strangers > 0 ? ", and what came was no answer" : "");
    }
    const auto& [failed, length] = std::get<0>(got);
    if (failed == asio::error::connection_refused) co_return fail("refused");
    if (failed) co_return fail("{}", failed.message());
    if (auto reply = accept(std::span{buffer}.first(length), question.id, question.name, question.type))
      co_return std::move(*reply);
  }
  co_return fail("{} datagrams, and none is an answer", most_strangers);
}

asio::awaitable<Result<net::DnsReply>> DnsClient::by_tcp(const net::Endpoint& server, const Question& question) {
  asio::ip::tcp::socket socket{executor_};
  const auto converse = [&]() -> asio::awaitable<Result<net::DnsReply>> {
    const auto [refused] = co_await socket.async_connect({to_asio(server.address), server.port}, awaiting);
    if (refused) co_return fail("by TCP: {}", refused.message());
    std::array<std::uint8_t, 2> size{static_cast<std::uint8_t>(question.query.size() >> 8),
                                     static_cast<std::uint8_t>(question.query.size() & 0xff)};
    const std::array<asio::const_buffer, 2> request{asio::buffer(size), asio::buffer(question.query)};
    const auto [unsent, sent] = co_await asio::async_write(socket, request, awaiting);
    if (unsent) co_return fail("by TCP: {}", unsent.message());
    const auto [no_size, two] = co_await asio::async_read(socket, asio::buffer(size), awaiting);
    if (no_size) co_return fail("by TCP: {}", no_size.message());
    std::vector<std::uint8_t> answer(static_cast<std::size_t>(size[0] << 8 | size[1]));
    const auto [cut, length] = co_await asio::async_read(socket, asio::buffer(answer), awaiting);
    if (cut) co_return fail("by TCP: {}", cut.message());
    if (auto reply = accept(answer, question.id, question.name, question.type); reply && !reply->truncated)
      co_return std::move(*reply);
    co_return fail("by TCP: what came was no answer");
  };
  asio::steady_timer timer{executor_, timeout_};
  auto result = co_await (converse() || timer.async_wait(awaiting));
  if (result.index() == 0) co_return std::get<0>(std::move(result));
  timed_out_ = true;
  co_return fail("by TCP: timed out after {}", in_words(timeout_));
}

}  // namespace ballast::checkd
