#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/bus/broker.hpp"

namespace ballast::bus {

/// A broker whose clock stands still until it is moved, and what it says to whom.
class BrokerTest : public testing::Test, public BrokerHost {
 protected:
  static constexpr gid_t readers = 500;
  static constexpr gid_t admins = 501;
  static constexpr uid_t daemons = 400;
  static constexpr uid_t somebody = 1000;

  runtime::TimePoint now() override { return time; }
  double unix_time() override { return 1000.5; }
  void wake(ConnectionId id) override { woken.insert(id); }
  void drop(ConnectionId id) override { dropped.insert(id); }
  void note(log::Level, const std::string& line) override { notes.push_back(line); }
  void request(Request request) override { asked.push_back(std::move(request)); }
  void refused(const std::string& role, const std::string& why) override { refusals.push_back(role + ": " + why); }

  ConnectionId connect(uid_t uid = 0, std::vector<gid_t> groups = {}) {
    return broker.connect({.pid = 7, .uid = uid, .groups = std::move(groups), .user = uid == 0 ? "root" : "somebody"});
  }
  /// A connection that has said hello and has read its welcome.
  ConnectionId join(const std::string& role, bool configuration = false, uid_t uid = 0,
                    std::vector<gid_t> groups = {}) {
    const auto id = connect(uid, std::move(groups));
    broker.receive(id,
                   {{"op", "hello"}, {"role", role}, {"protocol", protocol_version}, {"configuration", configuration}});
    auto frames = read(id);
    EXPECT_FALSE(frames.empty()) << role;
    if (frames.empty()) return id;
    EXPECT_EQ(frames.front().at("op"), "welcome") << frames.front();
    early.assign(frames.begin() + 1, frames.end());
    return id;
  }
  static Event event(const std::string& message) {
    Event result;
    result.message = message;
    return result;
  }
  ConnectionId reader(const std::string& prefix) {
    const auto id = join("ctl");
    broker.receive(id, {{"op", "subscribe"}, {"prefix", prefix}});
    return id;
  }
  void publish(ConnectionId id, const std::string& topic, const nlohmann::json& value) {
    broker.receive(id, {{"op", "publish"}, {"topic", topic}, {"value", value}});
  }
  void ask(ConnectionId id, int number, const std::string& to, const std::string& method) {
    broker.receive(id, {{"op", "request"}, {"id", number}, {"to", to}, {"method", method}, {"params", {{"limit", 3}}}});
  }
  void pass(std::chrono::milliseconds span) {
    time += span;
    broker.tick();
  }
  /// All that waits for a connection.
  std::vector<nlohmann::json> read(ConnectionId id) {
    std::vector<nlohmann::json> result;
    for (auto frames = broker.take(id, 1 << 16); !frames.empty(); frames = broker.take(id, 1 << 16)) {
      for (const auto& frame : frames) result.push_back(parse_frame(frame->substr(frame_header_size)).value());
    }
    return result;
  }
  /// The same as short words: `update vrrp/VI_1=1`.
  std::vector<std::string> lines(ConnectionId id) {
    std::vector<std::string> result;
    for (const auto& frame : read(id)) {
      auto line = frame.at("op").get<std::string>();
      if (frame.contains("topic")) line += " " + frame.at("topic").get<std::string>();
      if (line.starts_with("update")) line += "=" + frame.at("value").dump();
      if (frame.contains("prefix")) line += " " + frame.at("prefix").get<std::string>();
      for (const char* field : {"reason", "error"}) {
        if (frame.contains(field)) line += ": " + frame.at(field).get<std::string>();
      }
      result.push_back(line);
    }
    return result;
  }

  runtime::TimePoint time{std::chrono::hours{1}};
  std::set<ConnectionId> woken;
  std::set<ConnectionId> dropped;
  std::vector<std::string> notes;
  std::vector<Request> asked;
  std::vector<std::string> refusals;
  std::vector<nlohmann::json> early;  ///< what came with the last join()'s welcome
  Broker broker{*this,
                {.accounts = {.owner = 0, .daemons = daemons, .readers = readers, .admins = admins},
                 .instance = "one",
                 .limits = {.state = 4096, .message = 65536}}};
};

}  // namespace ballast::bus
