#include <deque>

#include "daemons/checkd/sources/etcd_view.hpp"
#include "tests/unit/checkd/looking.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::EndsWith;

std::string chunk(const std::string& text) { return fmt::format("{:x}\r\n{}\r\n", text.size(), text); }

std::string answer(const std::string& body, const std::string& status = "200 OK") {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status,
                     body.size(), body);
}

json pair(const std::string& key, const std::string& value) {
  return {{"key", to_base64(key)}, {"value", to_base64(value)}};
}
std::string range(const std::vector<json>& pairs) {
  return answer(json{{"header", {{"revision", "7"}}}, {"kvs", pairs}}.dump());
}
std::string put_event(const std::string& key, const std::string& value) {
  return json::object(
             {{"result", {{"header", {{"revision", "8"}}}, {"events", json::array({{{"kv", pair(key, value)}}})}}}})
             .dump() +
         "\n";
}

const std::string watch_head =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
    chunk("{\"result\":{\"header\":{\"revision\":\"7\"},\"created\":true}}\n");

/// Says one thing to each request that comes, whatever it is; what it says to a watch stays open.
struct Script {
  std::deque<std::string> says;
  std::vector<std::string> asked;
  bool keep_open = true;
};

Behaviour play(Script& script) {
  return [&script](tcp::socket& socket) -> asio::awaitable<void> {
    asio::streambuf buffer{1U << 16};
    const auto header = co_await asio::async_read_until(socket, buffer, "\r\n\r\n", asio::use_awaitable);
    std::string text{static_cast<const char*>(buffer.data().data()), header};
    script.asked.push_back(text.substr(0, text.find(" HTTP")));
    if (script.says.empty()) co_return;
    const auto say = script.says.front();
    script.says.pop_front();
    co_await asio::async_write(socket, asio::buffer(say), asio::use_awaitable);
    if (!say.starts_with(watch_head) || !script.keep_open) co_return;
    std::array<char, 65536> rest{};
    for (;;) co_await socket.async_read_some(asio::buffer(rest), asio::use_awaitable);
  };
}

struct EtcdSourceTest : testing::Test {
  EtcdSourceTest() {
    query.kind = config::SourceKind::etcd;
    query.name = "/web/";
    query.port = 80;
    query.endpoints = {url(server)};
  }
  static std::string url(const LocalServer& where) { return fmt::format("http://{}", where.endpoint()); }
  std::vector<std::string> next() {
    if (!looker) looker = make_looker(io.get_executor(), query, {}, settings);
    return in_words(look(io, *looker));
  }
  asio::io_context io;
  Script script;
  LocalServer server{io, play(script)};
  LookUpSettings settings = quick();
  config::SourceQuery query;
  std::unique_ptr<Looker> looker;
};

TEST_F(EtcdSourceTest, KeysAreReadAndThenWatched) {
  script.says = {range({pair("/web/a", "10.0.0.1:8080"), pair("/web/b", "10.0.0.2 weight 2")}),
                 watch_head + chunk(put_event("/web/c", "10.0.0.3"))};
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:8080", "10.0.0.2:80 weight 2"));
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:8080", "10.0.0.2:80 weight 2", "10.0.0.3:80"));
  EXPECT_THAT(script.asked, ElementsAre("POST /v3/kv/range", "POST /v3/watch"));
}

TEST_F(EtcdSourceTest, AnEventInPiecesIsPutTogether) {
  const auto event = put_event("/web/c", "10.0.0.3");
  script.says = {range({}), watch_head + chunk(event.substr(0, 20)) + chunk(event.substr(20))};
  EXPECT_THAT(next(), ElementsAre());
  EXPECT_THAT(next(), ElementsAre("10.0.0.3:80"));
}

TEST_F(EtcdSourceTest, AfterACompactionAllIsReadAnew) {
  script.says = {range({pair("/web/a", "10.0.0.1")}),
                 watch_head + chunk("{\"result\":{\"canceled\":true,\"compact_revision\":\"90\"}}\n"),
                 range({pair("/web/b", "10.0.0.2")}), watch_head};
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(next(), ElementsAre("10.0.0.2:80"));
}

TEST_F(EtcdSourceTest, AWatchThatEndsOrSaysGarbageIsBegunAnew) {
  script.says = {range({pair("/web/a", "10.0.0.1")}), watch_head + chunk("garbage\n"),
                 range({pair("/web/b", "10.0.0.2")}), watch_head + "0\r\n\r\n",
                 range({pair("/web/c", "10.0.0.3")}), watch_head};
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(next(), ElementsAre("10.0.0.2:80"));
  EXPECT_THAT(next(), ElementsAre("10.0.0.3:80"));
}

TEST_F(EtcdSourceTest, ASilentWatchIsBegunAnewAfterAWhile) {
  settings.etcd_reread = 100ms;
  script.says = {range({pair("/web/a", "10.0.0.1")}), watch_head, range({pair("/web/b", "10.0.0.2")}), watch_head};
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(next(), ElementsAre("10.0.0.2:80"));
}

TEST_F(EtcdSourceTest, TheNextEndpointIsAskedWhereOneFails) {
  Script well{{range({pair("/web/a", "10.0.0.1")}), watch_head}, {}};
  const LocalServer other{io, play(well)};
  query.endpoints = {"http://127.0.0.1:1", url(server), url(other)};
  script.says = {answer(R"({"code":14,"message":"etcdserver: no leader"})", "503 Service Unavailable")};
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(script.asked.size(), 1U);
}

TEST_F(EtcdSourceTest, FailuresAreSaidInWords) {
  script.says = {answer(R"({"code":14,"message":"etcdserver: no leader"})", "503 Service Unavailable"), answer("hello"),
                 "SSH-2.0-OpenSSH\r\n", answer("")};
  EXPECT_THAT(next(), ElementsAre(url(server) + ": status 503: etcdserver: no leader"));
  EXPECT_THAT(next(), ElementsAre(url(server) + ": an answer that is not etcd's: no header with a revision"));
  EXPECT_THAT(next().at(0), testing::HasSubstr(": answer: "));
  EXPECT_THAT(next().at(0), EndsWith("no header with a revision"));
  EXPECT_THAT(next(), ElementsAre(url(server) + ": answer: closed by etcd"));
  const auto gone = url(server);
  server.close();
  EXPECT_THAT(next(), ElementsAre(gone + ": connect: refused"));
}

TEST_F(EtcdSourceTest, AnEndlessAnswerAndAnEndlessMessageAreCut) {
  const auto endless = [](std::string head) -> Behaviour {
    return [head](tcp::socket& socket) -> asio::awaitable<void> {
      co_await asio::async_write(socket, asio::buffer(head), asio::use_awaitable);
      const auto block = chunk(std::string(1U << 20, ' '));
      for (;;) co_await asio::async_write(socket, asio::buffer(block), asio::use_awaitable);
    };
  };
  const LocalServer floods{io, endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")};
  query.endpoints = {fmt::format("http://{}", floods.endpoint())};
  EXPECT_THAT(next().at(0), EndsWith("an answer of more than 4096 KiB"));
}

TEST_F(EtcdSourceTest, ASlowEndpointTimesOut) {
  const LocalServer slow{io, [](tcp::socket& socket) -> asio::awaitable<void> {
                           char byte = 0;
                           for (;;) co_await socket.async_read_some(asio::buffer(&byte, 1), asio::use_awaitable);
                         }};
  settings.etcd_timeout = 100ms;
  query.endpoints = {fmt::format("http://{}", slow.endpoint())};
  EXPECT_THAT(next().at(0), EndsWith(": answer: timed out after 0.1 s"));
}

TEST_F(EtcdSourceTest, HttpsToWhoSpeaksNoTlsFails) {
  script.says = {"hello"};
  query.endpoints = {fmt::format("https://{}", server.endpoint())};
  EXPECT_THAT(next().at(0), testing::HasSubstr(": TLS: "));
  looker.reset();
  query.ca_file = "/nonexistent.pem";
  EXPECT_THAT(next().at(0), testing::HasSubstr("ca_file /nonexistent.pem: "));
}

}  // namespace
}  // namespace ballast::checkd::test
