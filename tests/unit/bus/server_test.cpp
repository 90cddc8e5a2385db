// Client and server over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <fstream>

#include "common/bus/client.hpp"
#include "common/bus/server.hpp"

namespace ballast::bus {
namespace {

namespace asio = boost::asio;
using Stream = asio::local::stream_protocol;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "busXXXXXX";
    folder = mkdtemp(name.data());
    serve();
  }
  void TearDown() override {
    client.reset();
    server.reset();
    std::filesystem::remove_all(folder);
  }
  void serve() {
    auto opened = Server::open(
        io, folder, {.request = [this](Request request) { asked.push_back(std::move(request)); }, .refused = {}});
    ASSERT_TRUE(opened) << opened.error().message;
    server = std::move(*opened);
  }
  void join(const std::string& role, std::vector<std::string> subscriptions, bool configuration = false) {
    ClientHandlers handlers;
    handlers.update = [this](const std::string& topic, const nlohmann::json& value) {
      updates.push_back(topic + "=" + value.dump());
    };
    handlers.connected = [this](bool is) { connected = is; };
    handlers.apply = [this](const config::Model& model) { applied.push_back(model.global.router_id); };
    client = std::make_unique<Client>(
        io, ClientOptions{folder / "bus.sock", role, std::move(subscriptions), configuration}, handlers);
    client->start();
  }
  /// Runs the loop until it is so; false when that takes unreasonably long.
  bool until(const std::function<bool()>& condition) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io.restart();
      io.run_one_until(limit);
    }
    return true;
  }
  bool has(const std::string& topic) { return server->broker().retained().entries().contains(topic); }

  Stream::socket raw() {
    Stream::socket socket{io};
    socket.connect((folder / "bus.sock").string());
    return socket;
  }
  /// What the server says until it closes.
  std::string rest_of(Stream::socket& socket) {
    std::string text;
    bool over = false;
    asio::async_read(socket, asio::dynamic_buffer(text), [&](auto, auto) { over = true; });
    EXPECT_TRUE(until([&] { return over; })) << "the connection stays open";
    return text;
  }

  asio::io_context io;
  std::filesystem::path folder;
  std::unique_ptr<Server> server;
  std::unique_ptr<Client> client;
  std::vector<std::string> updates;
  std::vector<std::string> applied;
  std::vector<Request> asked;
  bool connected = false;
};

TEST_F(ServerTest, WhatIsPublishedIsRetained) {
  join("vrrpd", {});
  client->publish("vrrp/VI_1", 5);
  ASSERT_TRUE(until([&] { return has("vrrp/VI_1"); }));
  EXPECT_EQ(server->broker().retained().value("vrrp/VI_1"), 5);
  client->withdraw("vrrp/VI_1");
  ASSERT_TRUE(until([&] { return !has("vrrp/VI_1"); }));
}

TEST_F(ServerTest, AClientFindsANewServerAndTellsItEverythingAgain) {
  join("vrrpd", {"admin/"}, true);
  config::Model model;
  model.global.router_id = "lb1";
  server->broker().offer(model, [](const Result<>&) {});
  server->broker().publish("admin/s/a", 1);
  client->publish("vrrp/VI_1", 5);
  ASSERT_TRUE(until([&] { return has("vrrp/VI_1") && applied.size() == 1 && updates.size() == 1; }));
  server.reset();
  ASSERT_TRUE(until([&] { return !connected; }));
  client->publish("vrrp/VI_2", 6);
  serve();
  server->broker().offer(model, [](const Result<>&) {});
  ASSERT_TRUE(until([&] { return has("vrrp/VI_1") && has("vrrp/VI_2"); }));
  EXPECT_TRUE(until([&] { return updates.size() == 2; }));
  EXPECT_THAT(updates, ElementsAre("admin/s/a=1", "admin/s/a=null")) << "the new one's words count";
  EXPECT_THAT(applied, ElementsAre("lb1")) << "the same configuration is not applied twice";
}

TEST_F(ServerTest, ALargeSnapshotArrivesWhole) {
  constexpr std::size_t count = 5000;
  const std::string text(500, 'x');
  for (std::size_t i = 0; i < count; ++i) server->broker().publish(fmt::format("admin/s/{:05}", i), text);
  join("ctl", {"admin/"});
  EXPECT_TRUE(until([&] { return updates.size() == count; }));
}

TEST_F(ServerTest, RequestsToBallastdAreAnswered) {
  join("ctl", {});
  std::optional<Result<nlohmann::json>> answer;
  asio::co_spawn(io, client->request("ballastd", "config", {}, 10s),
                 [&](const std::exception_ptr&, Result<nlohmann::json> result) { answer = std::move(result); });
  ASSERT_TRUE(until([&] { return !asked.empty(); }));
  EXPECT_EQ(asked[0].method, "config");
  server->broker().reply(asked[0].from, asked[0].id, nlohmann::json(42));
  ASSERT_TRUE(until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->value(), 42);
}

TEST_F(ServerTest, TheDeathOfADaemonIsSeenAtOnce) {
  join("vrrpd", {});
  ASSERT_TRUE(until([&] { return server->broker().is_connected("vrrpd"); }));
  client.reset();
  EXPECT_TRUE(until([&] { return !server->broker().is_connected("vrrpd"); }));
}

TEST_F(ServerTest, AnOversizedFrameClosesThatConnectionAlone) {
  join("vrrpd", {});
  ASSERT_TRUE(until([&] { return connected; }));
  auto bad = raw();
  asio::write(bad, asio::buffer(std::string("\x7f\xff\xff\xff", 4)));
  EXPECT_THAT(rest_of(bad), HasSubstr("a frame of 2147483647 bytes, and 65536 is the limit"));
  EXPECT_TRUE(connected);
}

TEST_F(ServerTest, BytesThatAreNoFrameCloseThatConnectionAlone) {
  join("vrrpd", {});
  ASSERT_TRUE(until([&] { return connected; }));
  auto bad = raw();
  asio::write(bad, asio::buffer(std::string("\0\0\0\3xyz", 7)));
  EXPECT_THAT(rest_of(bad), HasSubstr("a malformed frame: not JSON"));
  EXPECT_TRUE(server->broker().is_connected("vrrpd"));
}

TEST_F(ServerTest, AConnectionCutAnywhereIsForgotten) {
  const auto frame = *encode_frame({{"op", "hello"}, {"role", "ctl"}, {"protocol", protocol_version}});
  for (std::size_t size = 0; size < frame.size(); ++size) {
    auto socket = raw();
    asio::write(socket, asio::buffer(frame.data(), size));
    socket.shutdown(Stream::socket::shutdown_send);
    EXPECT_EQ(rest_of(socket), "") << size;
  }
  join("vrrpd", {});
  EXPECT_TRUE(until([&] { return connected; }));
}

TEST_F(ServerTest, ASecondServerOnTheSameRunDirectoryIsRefused) {
  const auto second = Server::open(io, folder, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(fmt::format("another ballastd (pid {}) serves", getpid())));
  join("ctl", {});
  EXPECT_TRUE(until([&] { return connected; })) << "the first one's socket is still there";
}

TEST_F(ServerTest, AStaleSocketIsReplaced) {
  server.reset();
  std::ofstream{folder / "bus.sock"} << "left";
  serve();
  join("ctl", {});
  EXPECT_TRUE(until([&] { return connected; }));
  struct stat status {};
  ASSERT_EQ(stat((folder / "bus.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0660U);
}

TEST_F(ServerTest, ARunDirectoryIsMadeAndAPathThatIsTooLongIsAnErrorInWords) {
  const auto nested = Server::open(io, folder / "a/b", {});
  EXPECT_TRUE(nested);
  const auto long_one = Server::open(io, folder / std::string(120, 'x'), {});
  ASSERT_FALSE(long_one);
  EXPECT_THAT(long_one.error().message, HasSubstr("choose a shorter run directory"));
}

}  // namespace
}  // namespace ballast::bus
