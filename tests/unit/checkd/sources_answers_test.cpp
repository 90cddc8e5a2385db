// What replies of nameservers and of etcd say of servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "daemons/checkd/sources/dns_answer.hpp"
#include "daemons/checkd/sources/etcd_view.hpp"

namespace ballast::checkd::test {
namespace {
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace type = net::dns_type;

net::IpAddress address(std::string_view text) { return net::IpAddress::parse(text).value(); }

TEST(DnsAnswer, AddressesAreThoseOfTheNameAndTheShortestTtlCounts) {
  net::DnsReply reply;
  reply.answers = {{"web.example.com", type::a, 60, address("10.0.0.1")},
                   {"WEB.example.com", type::a, 30, address("10.0.0.2")},
                   {"other.example.com", type::a, 1, address("10.0.0.9")},
                   {"web.example.com", type::aaaa, 1, address("2001:db8::1")}};
  const auto found = addresses_in(reply, "web.example.com", type::a).value();
  EXPECT_THAT(found.list, ElementsAre(address("10.0.0.1"), address("10.0.0.2")));
  EXPECT_EQ(found.ttl, 30U);
}

TEST(DnsAnswer, CnamesLeadOnWithinTheReply) {
  net::DnsReply reply;
  reply.answers = {{"c.example.com", type::a, 60, address("10.0.0.1")},
                   {"a.example.com", type::cname, 5, net::DnsCname{"b.example.com"}},
                   {"b.example.com", type::cname, 90, net::DnsCname{"c.example.com"}}};
  const auto found = addresses_in(reply, "a.example.com", type::a).value();
  EXPECT_THAT(found.list, ElementsAre(address("10.0.0.1")));
  EXPECT_EQ(found.ttl, 5U);
}

TEST(DnsAnswer, ACircleOfCnamesLeadsNowhere) {
  net::DnsReply reply;
  reply.answers = {{"a", type::cname, 5, net::DnsCname{"b"}}, {"b", type::cname, 5, net::DnsCname{"a"}}};
  EXPECT_THAT(addresses_in(reply, "a", type::a).value().list, IsEmpty());
}

TEST(DnsAnswer, NxdomainIsAnError) {
  net::DnsReply reply;
  reply.rcode = net::dns_rcode::no_such_name;
  EXPECT_EQ(addresses_in(reply, "a", type::a).error().message, "NXDOMAIN");
  EXPECT_EQ(targets_in(reply, "a").error().message, "NXDOMAIN");
}

TEST(DnsAnswer, OfServicesThoseOfTheLowestPriorityAreTargets) {
  net::DnsReply reply;
  const auto srv = [](std::uint16_t priority, std::uint16_t weight, std::string target) {
    return net::DnsSrv{priority, weight, 80, std::move(target)};
  };
  reply.answers = {{"_http._tcp.example.com", type::srv, 60, srv(20, 1, "spare.example.com")},
                   {"_http._tcp.example.com", type::srv, 60, srv(10, 3, "a.example.com")},
                   {"_http._tcp.example.com", type::srv, 40, srv(10, 0, "b.example.com")},
                   {"_http._tcp.example.com", type::srv, 60, srv(0, 0, ".")}};
  reply.additional = {{"a.example.com", type::a, 20, address("10.0.0.1")}};
  const auto found = targets_in(reply, "_http._tcp.example.com").value();
  EXPECT_THAT(found.list, ElementsAre(srv(10, 3, "a.example.com"), srv(10, 0, "b.example.com")));
  EXPECT_EQ(found.ttl, 40U);
  EXPECT_EQ(additional_addresses(reply, "a.example.com", type::a).ttl, 20U);
  EXPECT_THAT(additional_addresses(reply, "b.example.com", type::a).list, IsEmpty());
}

TEST(ResolvConf, NamesNameservers) {
  const auto text =
      "# nameserver 10.0.0.1\ndomain example.com\nnameserver 10.0.0.53\nnameserver\t2001:db8::53 # a\n"
      "nameserver fe80::1%eth0\nnameservers 10.0.0.2\nnameserver 10.0.0.54\nnameserver 10.0.0.55\n";
  std::vector<std::string> found;
  for (const auto& each : parse_resolv_conf(text)) found.push_back(each.to_string());
  EXPECT_THAT(found, ElementsAre("10.0.0.53:53", "[2001:db8::53]:53", "10.0.0.54:53"));
  EXPECT_EQ(parse_resolv_conf("").at(0).to_string(), "127.0.0.1:53");
}

TEST(Base64, IsThatOfRfc4648) {
  for (const auto& [plain, coded] : {std::pair{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64(plain), coded);
    EXPECT_EQ(from_base64(coded).value(), plain);
  }
  EXPECT_EQ(from_base64("/+8=").value(), "\xff\xef");
  for (const auto* wrong : {"Zg", "Zg=", "====", "Z===", "Z*==", "=Zg="}) EXPECT_FALSE(from_base64(wrong)) << wrong;
}

TEST(EtcdUrl, IsReadAndRefusedInWords) {
  const auto url = EtcdUrl::parse("https://etcd1.example.com:2379/").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "etcd1.example.com");
  EXPECT_EQ(url.port, "2379");
  EXPECT_EQ(EtcdUrl::parse("http://[2001:db8::1]:9999").value().host, "2001:db8::1");
  EXPECT_EQ(EtcdUrl::parse("http://[2001:db8::1]").value().port, "2379");
  EXPECT_EQ(EtcdUrl::parse("http://10.0.0.1").value().port, "2379");
  for (const auto* wrong : {"", "http", "http://", "http://:1", "http://a/b", "http://a:", "ftp://a:1"})
    EXPECT_FALSE(EtcdUrl::parse(wrong)) << wrong;
}

struct EtcdViewTest : testing::Test {
  static json pair(const std::string& key, const std::string& value) {
    return {{"key", to_base64(key)}, {"value", to_base64(value)}};
  }
  static std::string range(const std::vector<json>& pairs, const std::string& revision = "7") {
    return json{{"header", {{"revision", revision}}}, {"kvs", pairs}}.dump();
  }
  static std::string watch(const std::vector<json>& events, const std::string& revision = "8") {
    return json::object({{"result", {{"header", {{"revision", revision}}}, {"events", events}}}}).dump();
  }
  std::vector<std::string> servers() const {
    std::vector<std::string> result;
    for (const auto& each : view.found().servers) {
      result.push_back(each.endpoint.to_string());
      if (each.weight) result.back() += fmt::format(" weight {}", *each.weight);
    }
    return result;
  }
  EtcdView view{"/web/", 80};
};

TEST_F(EtcdViewTest, AsksForThePrefixAndWatchesFromWhatItRead) {
  const auto asked = json::parse(view.range_request());
  EXPECT_EQ(from_base64(asked.at("key").get<std::string>()).value(), "/web/");
  EXPECT_EQ(from_base64(asked.at("range_end").get<std::string>()).value(), "/web0");
  ASSERT_TRUE(view.on_range(range({})));
  const auto watched = json::parse(view.watch_request()).at("create_request");
  EXPECT_EQ(watched.at("start_revision"), "8");
  EXPECT_EQ(watched.at("range_end"), asked.at("range_end"));
}

TEST_F(EtcdViewTest, ValuesAreServersAsTextOrJson) {
  ASSERT_TRUE(view.on_range(range({pair("/web/a", "10.0.0.1:8080"), pair("/web/b", "10.0.0.2:80 weight 3\n"),
                                   pair("/web/c", R"({"address": "10.0.0.3", "port": 81, "weight": 2, "zone": "x"})"),
                                   pair("/web/d", R"({"address": "2001:db8::4"})")})));
  EXPECT_THAT(servers(),
              ElementsAre("10.0.0.1:8080", "10.0.0.2:80 weight 3", "10.0.0.3:81 weight 2", "[2001:db8::4]:80"));
  EXPECT_EQ(view.found().note, "");
}

TEST_F(EtcdViewTest, AValueThatIsNoServerIsLeftOutAndNamed) {
  ASSERT_TRUE(view.on_range(range({pair("/web/a", "10.0.0.1"), pair("/web/b", "down"), pair("/web/c", R"({"port": 1})"),
                                   pair("/web/d", R"({"address": "10.0.0.1", "port": 0})")})));
  EXPECT_THAT(servers(), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(view.found().note, "/web/b: 'down' is not an IPv4 or IPv6 address: left out; 2 more such");
}

TEST_F(EtcdViewTest, EventsChangeWhatThereIs) {
  ASSERT_TRUE(view.on_range(range({pair("/web/a", "10.0.0.1"), pair("/web/b", "10.0.0.2")})));
  EXPECT_EQ(view.on_watch(R"({"result":{"header":{"revision":"7"},"created":true}})").value(), EtcdView::News::none);
  EXPECT_EQ(view.on_watch(watch({{{"kv", pair("/web/c", "10.0.0.3")}},
                                 {{"type", "DELETE"}, {"kv", {{"key", to_base64("/web/a")}}}}}))
                .value(),
            EtcdView::News::changed);
  EXPECT_THAT(servers(), ElementsAre("10.0.0.2:80", "10.0.0.3:80"));
  EXPECT_EQ(view.revision(), 8);
  EXPECT_EQ(view.on_watch(watch({{{"kv", pair("/web/c", "10.0.0.3")}}})).value(), EtcdView::News::none);
}

TEST_F(EtcdViewTest, ACompactedRevisionIsToldAndACancelledWatchIsAnError) {
  EXPECT_EQ(view.on_watch(R"({"result":{"canceled":true,"compact_revision":"90"}})").value(),
            EtcdView::News::compacted);
  EXPECT_THAT(view.on_watch(R"({"result":{"canceled":true,"cancel_reason":"no leader"}})").error().message,
              HasSubstr("no leader"));
  EXPECT_EQ(view.on_watch(R"({"error":{"grpc_code":14,"message":"transport is closing"}})").error().message,
            "transport is closing");
}

TEST_F(EtcdViewTest, WhatIsNotEtcdsIsAnErrorAndChangesNothing) {
  ASSERT_TRUE(view.on_range(range({pair("/web/a", "10.0.0.1")})));
  for (const auto* wrong :
       {"", "{", "[]", "7", "{}", R"({"header":{}})", R"({"header":{"revision":"x"}})",
        R"({"header":{"revision":"9"},"kvs":{}})", R"({"header":{"revision":"9"},"kvs":[{"key":"*"}]})",
        R"({"header":{"revision":"9"},"kvs":[{"key":5}]})"})
    EXPECT_FALSE(view.on_range(wrong)) << wrong;
  for (const auto* wrong : {"", "{}", R"({"result":[]})", R"({"result":{"events":{}}})",
                            R"({"result":{"events":[{"kv":{"key":"eA=="}}]}})", R"({"result":{"events":["x"]}})"})
    EXPECT_FALSE(view.on_watch(wrong)) << wrong;
  EXPECT_THAT(servers(), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(view.revision(), 7);
}

}  // namespace
}  // namespace ballast::checkd::test
