#include "daemons/checkd/sources/sources.hpp"

#include <filesystem>
#include <fstream>

#include "tests/unit/checkd/local_dns.hpp"
#include "tests/unit/checkd/looking.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct SourcesTest : testing::Test {
  SourcesTest() { dns.zone() = {a_record("web.example.com", "10.0.0.1", 3600)}; }
  ~SourcesTest() override {
    sources.stop();
    dns.close();
    io.restart();
    io.run_for(5s);
    EXPECT_TRUE(io.stopped()) << "all that looked up has ended";
    std::filesystem::remove(file);
  }

  config::SourceQuery by_dns() const {
    config::SourceQuery query;
    query.name = "web.example.com";
    query.port = 80;
    query.interval = 20ms;
    query.nameservers = {dns.endpoint()};
    return query;
  }
  config::SourceQuery by_file() const {
    config::SourceQuery query;
    query.kind = config::SourceKind::file;
    query.name = file;
    query.port = 80;
    query.interval = 20ms;
    return query;
  }
  static config::Model model(const std::vector<config::SourceQuery>& queries) {
    config::VirtualServer service;
    service.name = "tcp:10.0.0.100:80";
    service.endpoints = {net::Endpoint::parse("10.0.0.100:80").value()};
    for (const auto& query : queries) service.sources.push_back({query, {}});
    config::Model made;
    made.virtual_servers = {service};
    return made;
  }
  template <class Condition>
  void run_until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    io.restart();
    while (!condition()) ASSERT_TRUE(std::chrono::steady_clock::now() < limit && io.run_one_for(10s) > 0);
  }
  std::vector<std::string> servers(unsigned number = 0) const {
    std::vector<std::string> result;
    const auto found = states.find(number);
    if (found == states.end()) return {"nothing is told"};
    for (const auto& each : found->second.servers) result.push_back(each.endpoint.to_string());
    return result;
  }

  std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      fmt::format("ballast-{}-{}", testing::UnitTest::GetInstance()->current_test_info()->name(), getpid());
  asio::io_context io;
  LocalDns dns{io};
  std::map<unsigned, bus::SourceState> states;
  std::size_t published = 0;
  std::vector<unsigned> withdrawn;
  std::vector<std::string> events;
  Sources sources{io,
                  {.publish =
                       [this](const auto& state) {
                         states[state.number] = state;
                         ++published;
                       },
                   .withdraw =
                       [this](const auto&, unsigned number) {
                         states.erase(number);
                         withdrawn.push_back(number);
                       },
                   .event = [this](const auto& event) { events.push_back(event.message); }},
                  quick()};
};

TEST_F(SourcesTest, WhatIsFoundIsPublished) {
  sources.begin();
  sources.apply(model({by_dns()}));
  EXPECT_EQ(states.at(0).reason, "A web.example.com: not looked up yet");
  run_until([&] { return states.at(0).good; });
  EXPECT_THAT(servers(), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(states.at(0).reason, "A web.example.com: 1 server");
  EXPECT_THAT(events, ElementsAre("tcp:10.0.0.100:80: A web.example.com: + 10.0.0.1:80"));
}

TEST_F(SourcesTest, ASourceThatFailsKeepsItsServersUntilItIsBack) {
  std::ofstream{file} << "10.0.0.1\n10.0.0.2\n";
  sources.begin();
  sources.apply(model({by_file()}));
  run_until([&] { return states.at(0).good; });
  std::filesystem::remove(file);
  run_until([&] { return !states.at(0).good; });
  EXPECT_THAT(servers(), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_THAT(states.at(0).reason, testing::EndsWith(": the last 2 servers are kept"));
  std::ofstream{file} << "10.0.0.2\n10.0.0.3\n";
  run_until([&] { return states.at(0).good && servers().at(0) == "10.0.0.2:80"; });
  EXPECT_THAT(events.back(), testing::EndsWith(": + 10.0.0.3:80, - 10.0.0.1:80"));
}

TEST_F(SourcesTest, AReloadKeepsWhatHasNotChangedAndLooksNothingUpAgain) {
  sources.begin();
  sources.apply(model({by_dns()}));
  run_until([&] { return states.at(0).good; });
  const auto told = published;
  sources.apply(model({by_dns()}));
  io.run_for(50ms);
  EXPECT_EQ(published, told);
  EXPECT_THAT(dns.asked(), SizeIs(1));
}

TEST_F(SourcesTest, ASourceThatMovesToAnotherNumberGoesOn) {
  std::ofstream{file} << "10.0.0.7\n";
  sources.begin();
  sources.apply(model({by_file(), by_dns()}));
  run_until([&] { return states.at(0).good && states.at(1).good; });
  sources.apply(model({by_dns()}));
  EXPECT_THAT(servers(0), ElementsAre("10.0.0.1:80"));
  EXPECT_THAT(withdrawn, ElementsAre(1U));
  EXPECT_THAT(dns.asked(), SizeIs(1)) << "not looked up again";
  sources.apply(model({by_file(), by_dns()}));
  EXPECT_THAT(servers(1), ElementsAre("10.0.0.1:80"));
}

TEST_F(SourcesTest, AnotherQueryKeepsTheServersUntilItIsAnswered) {
  sources.begin();
  sources.apply(model({by_dns()}));
  run_until([&] { return states.at(0).good; });
  sources.apply(model({by_file()}));
  EXPECT_THAT(servers(), ElementsAre("10.0.0.1:80"));
  run_until([&] { return states.at(0).reason.ends_with("the last server is kept"); });
  EXPECT_THAT(servers(), ElementsAre("10.0.0.1:80"));
  std::ofstream{file} << "10.0.0.8\n";
  run_until([&] { return servers().at(0) == "10.0.0.8:80"; });
}

TEST_F(SourcesTest, ARemovedSourceIsWithdrawnAndLooksUpNoMore) {
  auto query = by_dns();
  dns.zone().at(0).ttl = 0;
  sources.begin();
  sources.apply(model({query}));
  run_until([&] { return dns.asked().size() >= 3; });
  sources.apply(model({}));
  EXPECT_THAT(withdrawn, ElementsAre(0U));
  const auto asked = dns.asked().size();
  io.run_for(100ms);
  EXPECT_LE(dns.asked().size(), asked + 1);
  EXPECT_THAT(states, IsEmpty());
}

TEST_F(SourcesTest, WhatAnEarlierCheckdFoundIsKeptAndItsLeftoversAreWithdrawn) {
  dns.manners().silent = true;
  bus::SourceState kept;
  kept.service = "tcp:10.0.0.100:80";
  kept.servers = {{net::Endpoint::parse("10.0.0.9:80").value(), std::nullopt}};
  sources.recall(kept);
  kept.number = 4;
  sources.recall(kept);
  sources.apply(model({by_dns()}));
  EXPECT_EQ(published, 0U) << "there may be more to recall";
  sources.begin();
  EXPECT_THAT(servers(), ElementsAre("10.0.0.9:80"));
  EXPECT_THAT(withdrawn, ElementsAre(4U));
  run_until([&] { return states.at(0).reason.ends_with("the last server is kept"); });
  EXPECT_THAT(servers(), ElementsAre("10.0.0.9:80"));
}

TEST_F(SourcesTest, NothingIsToldAfterStop) {
  sources.begin();
  sources.apply(model({by_dns(), by_file()}));
  const auto told = published;
  sources.stop();
  io.run_for(50ms);
  EXPECT_EQ(published, told);
}

TEST_F(SourcesTest, StoppingEndsAWatchOfEtcd) {
  LocalServer silent{io, [](tcp::socket& socket) -> asio::awaitable<void> {
                       char byte = 0;
                       for (;;) co_await socket.async_read_some(asio::buffer(&byte, 1), asio::use_awaitable);
                     }};
  config::SourceQuery query;
  query.kind = config::SourceKind::etcd;
  query.name = "/web/";
  query.endpoints = {fmt::format("http://{}", silent.endpoint())};
  sources.begin();
  sources.apply(model({query}));
  run_until([&] { return !silent.clients().empty(); });
  sources.stop();
  silent.close();
  dns.close();
  io.restart();
  io.run_for(1s);
  EXPECT_TRUE(io.stopped()) << "sooner than by its timeout";
}

}  // namespace
}  // namespace ballast::checkd::test
