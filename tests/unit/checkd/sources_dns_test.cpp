#include <filesystem>
#include <fstream>
#include <set>

#include "tests/unit/checkd/local_dns.hpp"
#include "tests/unit/checkd/looking.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

struct DnsSourceTest : testing::Test {
  void SetUp() override {
    server.zone() = {a_record("web.example.com", "10.0.0.1"), a_record("web.example.com", "10.0.0.2"),
                     a_record("web.example.com", "2001:db8::1")};
  }
  std::unique_ptr<Looker> looker(std::string name = "web.example.com", Families wanted = {true, false}) {
    query.name = std::move(name);
    if (query.nameservers.empty() && settings.resolv_conf.empty()) query.nameservers = {server.endpoint()};
    return make_looker(io.get_executor(), query, wanted, settings);
  }
  config::SourceQuery query = [] {
    config::SourceQuery made;
    made.port = 80;
    made.interval = 1ms;
    return made;
  }();
  LookUpSettings settings = [] {
    auto made = quick();
    made.resolv_conf.clear();
    return made;
  }();
  asio::io_context io;
  LocalDns server{io};
  LocalDns other{io};
};

TEST_F(DnsSourceTest, AddressesOfTheServicesFamilyAreServers) {
  EXPECT_THAT(in_words(look(io, *looker())), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_THAT(in_words(look(io, *looker("web.example.com", {false, true}))), ElementsAre("[2001:db8::1]:80"));
  EXPECT_THAT(in_words(look(io, *looker("web.example.com", {true, true}))),
              ElementsAre("10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"));
}

TEST_F(DnsSourceTest, ServicesHaveTheirPortsAndWeights) {
  query.kind = config::SourceKind::dns_srv;
  server.zone() = {srv_record("_http._tcp.example.com", 10, 3, 8080, "a.example.com"),
                   srv_record("_http._tcp.example.com", 10, 0, 8081, "b.example.com"),
                   srv_record("_http._tcp.example.com", 20, 1, 8082, "c.example.com"),
                   a_record("a.example.com", "10.0.0.1"),
                   a_record("b.example.com", "10.0.0.2"),
                   a_record("c.example.com", "10.0.0.3")};
  EXPECT_THAT(in_words(look(io, *looker("_http._tcp.example.com"))),
              UnorderedElementsAre("10.0.0.1:8080 weight 3", "10.0.0.2:8081 weight 1"));
  EXPECT_EQ(server.asked().size(), 1U) << "the addresses came along";

  server.manners().additional = false;
  EXPECT_THAT(in_words(look(io, *looker("_http._tcp.example.com"))),
              UnorderedElementsAre("10.0.0.1:8080 weight 3", "10.0.0.2:8081 weight 1"));
  EXPECT_EQ(server.asked().size(), 4U);
}

TEST_F(DnsSourceTest, ATargetWithoutAnAddressIsLeftOut) {
  query.kind = config::SourceKind::dns_srv;
  server.zone() = {srv_record("s.example.com", 0, 1, 80, "a.example.com"),
                   srv_record("s.example.com", 0, 1, 80, "b.example.com"), a_record("a.example.com", "10.0.0.1")};
  const auto found = look(io, *looker("s.example.com"));
  EXPECT_THAT(in_words(found), ElementsAre("10.0.0.1:80 weight 1"));
  EXPECT_EQ(found->note, "b.example.com: NXDOMAIN: left out");
}

TEST_F(DnsSourceTest, CnamesAreFollowed) {
  server.zone().push_back(cname_record("www.example.com", "web.example.com"));
  EXPECT_THAT(in_words(look(io, *looker("www.example.com"))), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
}

TEST_F(DnsSourceTest, WhatIsNotThereIsSaid) {
  EXPECT_THAT(in_words(look(io, *looker("none.example.com"))), ElementsAre("NXDOMAIN"));
  server.zone() = {a_record("web.example.com", "2001:db8::1")};
  EXPECT_THAT(in_words(look(io, *looker())), ElementsAre("no servers"));
}

TEST_F(DnsSourceTest, ALongAnswerComesByTcp) {
  server.manners().truncates = true;
  for (int i = 10; i < 200; ++i) server.zone().push_back(a_record("web.example.com", fmt::format("10.0.0.{}", i)));
  const auto found = look(io, *looker());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->servers.size(), 192U);
  EXPECT_EQ(server.by_tcp(), 1U);
}

TEST_F(DnsSourceTest, AServerThatHangsByTcpTimesOut) {
  server.manners().truncates = server.manners().tcp_hangs = true;
  EXPECT_THAT(in_words(look(io, *looker())),
              ElementsAre(fmt::format("nameserver {}: by TCP: timed out after 0.2 s", server.endpoint())));
}

TEST_F(DnsSourceTest, RepliesToOtherQuestionsAreNotBelieved) {
  server.manners().wrong_id = server.manners().garbage = true;
  EXPECT_THAT(in_words(look(io, *looker())), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  server.manners().only_wrong = true;
  EXPECT_THAT(
      in_words(look(io, *looker())),
      ElementsAre(fmt::format("nameserver {}: timed out after 0.2 s, and what came was no answer", server.endpoint())));
  server.manners() = {};
  server.manners().other_question = true;
  EXPECT_THAT(in_words(look(io, *looker())).at(0), testing::HasSubstr("timed out"));
}

TEST_F(DnsSourceTest, EachQueryHasAnIdAndAPortOfItsOwn) {
  const auto asking = looker();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(look(io, *asking));
  EXPECT_GE(std::set(server.ids().begin(), server.ids().end()).size(), 6U);
  EXPECT_GE(std::set(server.ports().begin(), server.ports().end()).size(), 6U);
}

TEST_F(DnsSourceTest, TheNextNameserverIsAskedWhereOneFailsOrIsSilent) {
  other.zone() = server.zone();
  query.nameservers = {server.endpoint(), other.endpoint()};
  server.manners().rcode = net::dns_rcode::server_failure;
  const auto asking = looker();
  EXPECT_THAT(in_words(look(io, *asking)), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_EQ(server.asked().size(), 1U);
  EXPECT_THAT(in_words(look(io, *asking)), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_EQ(server.asked().size(), 1U) << "who answered last is asked first";

  server.manners() = {};
  server.manners().silent = true;
  EXPECT_THAT(in_words(look(io, *looker())), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  other.manners().rcode = net::dns_rcode::server_failure;
  EXPECT_THAT(in_words(look(io, *looker())),
              ElementsAre(fmt::format("nameserver {}: timed out after 0.2 s", server.endpoint())));
}

TEST_F(DnsSourceTest, ANameserverThatIsNotThereIsRefused) {
  server.close();
  query.nameservers = {net::Endpoint::parse("127.0.0.1:1").value()};
  EXPECT_THAT(in_words(look(io, *looker())), ElementsAre("nameserver 127.0.0.1:1: refused"));
}

TEST_F(DnsSourceTest, AnAnswerIsTrustedAsLongAsItsTtlSays) {
  server.zone() = {a_record("web.example.com", "10.0.0.1", 1)};
  const auto asking = looker();
  ASSERT_TRUE(look(io, *asking));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(look(io, *asking));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1s);
  EXPECT_EQ(server.asked().size(), 2U);
}

TEST_F(DnsSourceTest, NameserversOfResolvConfAreReadAnew) {
  const auto file = std::filesystem::temp_directory_path() / fmt::format("ballast-resolv-{}", getpid());
  settings.resolv_conf = file;
  const auto asking = looker();
  EXPECT_THAT(in_words(look(io, *asking)), ElementsAre(fmt::format("{}: No such file or directory", file.string())));
  std::ofstream{file} << "nameserver 127.0.0.77\n";
  EXPECT_THAT(in_words(look(io, *asking)).at(0), testing::StartsWith("nameserver 127.0.0.77:53: "));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace ballast::checkd::test
