#include "common/net/dns_message.hpp"

#include <gmock/gmock.h>

namespace ballast::net {
namespace {

using Bytes = std::vector<std::uint8_t>;

void append(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

// The reply to (7, name, type): the query with other flags and counts, then records.
Bytes reply_of(std::string_view name, std::uint16_t type, unsigned flags, unsigned answers, const Bytes& records,
               unsigned additional = 0) {
  auto made = encode_query(7, name, type).value();
  made[2] = static_cast<std::uint8_t>(flags >> 8);
  made[3] = static_cast<std::uint8_t>(flags & 0xff);
  made[7] = static_cast<std::uint8_t>(answers);
  made[11] = static_cast<std::uint8_t>(additional);
  made.insert(made.end(), records.begin(), records.end());
  return made;
}

// A record whose name is the question's (a pointer to byte 12).
Bytes record(unsigned type, unsigned ttl, const Bytes& data) {
  Bytes made{0xc0, 12};
  put16(made, type);
  put16(made, 1);
  put16(made, ttl >> 16);
  put16(made, ttl & 0xffff);
  put16(made, static_cast<unsigned>(data.size()));
  made.insert(made.end(), data.begin(), data.end());
  return made;
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes made;
  for (const auto& part : parts) made.insert(made.end(), part.begin(), part.end());
  return made;
}

const Bytes srv_data = [] {
  Bytes data;
  put16(data, 10);
  put16(data, 60);
  put16(data, 8080);
  data.push_back(2);
  append(data, "s1");
  put16(data, 0xc00c + 5);  // behind _web of the question's _web.example
  return data;
}();

TEST(DnsMessage, AQueryAsksForRecursionInTheClassOfTheInternet) {
  const auto query = encode_query(0x1234, "www.Example.com", dns_type::aaaa);
  ASSERT_TRUE(query);
  Bytes wanted{0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 3};
  append(wanted, "www\7Example\3com");
  append(wanted, {"\0\0\x1c\0\1", 5});
  EXPECT_EQ(*query, wanted);
}

TEST(DnsMessage, TheRootIsADotAndADotAtTheEndIsNone) {
  EXPECT_EQ(encode_query(1, ".", dns_type::soa)->size(), 12U + 1 + 4);
  EXPECT_EQ(*encode_query(1, "a.b.", 1), *encode_query(1, "a.b", 1));
}

TEST(DnsMessage, ASizeAddsAnOptRecord) {
  const auto query = encode_query(1, ".", dns_type::a, 1232);
  ASSERT_EQ(query->size(), 12U + 5 + 11);
  EXPECT_EQ((*query)[11], 1);
  EXPECT_EQ(Bytes(query->begin() + 17, query->begin() + 22), (Bytes{0, 0, 41, 0x04, 0xd0}));
}

TEST(DnsMessage, ANameThatCannotBeIsRefusedInWords) {
  EXPECT_THAT(encode_query(1, "a..b", 1).error().message, testing::HasSubstr("empty label"));
  EXPECT_THAT(encode_query(1, ".a", 1).error().message, testing::HasSubstr("empty label"));
  EXPECT_THAT(encode_query(1, std::string(64, 'a'), 1).error().message, testing::HasSubstr("more than 63 bytes"));
  EXPECT_TRUE(encode_query(1, std::string(63, 'a'), 1));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_TRUE(encode_query(1, longest + "b", 1));
  EXPECT_THAT(encode_query(1, longest + "bb", 1).error().message, testing::HasSubstr("longer than 255 bytes"));
  EXPECT_THAT(encode_query(1, "a\\", 1).error().message, testing::HasSubstr("backslash"));
  EXPECT_THAT(encode_query(1, "\\999", 1).error().message, testing::HasSubstr("backslash"));
}

TEST(DnsMessage, AddressesComeWithTheirTimesToLive) {
  const auto bytes =
      reply_of("www.example", dns_type::a, 0x8180, 2,
               joined({record(dns_type::a, 300, {192, 0, 2, 1}), record(dns_type::a, 60, {192, 0, 2, 2})}));
  const auto reply = parse_reply(bytes);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(is_reply_to(*reply, 7, "WWW.example.", dns_type::a));
  EXPECT_FALSE(is_reply_to(*reply, 8, "www.example", dns_type::a));
  EXPECT_FALSE(is_reply_to(*reply, 7, "www.example", dns_type::aaaa));
  EXPECT_FALSE(is_reply_to(*reply, 7, "ww.example", dns_type::a));
  ASSERT_EQ(reply->answers.size(), 2U);
  EXPECT_EQ(reply->answers[0].name, "www.example");
  EXPECT_EQ(reply->answers[0].ttl, 300U);
  EXPECT_EQ(std::get<IpAddress>(reply->answers[1].data).to_string(), "192.0.2.2");
  EXPECT_FALSE(reply->truncated);
}

TEST(DnsMessage, AnIpv6AddressAndACanonicalName) {
  const Bytes address{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  const Bytes cname{3, 'w', 'e', 'b', 0xc0, 12 + 4};
  const auto reply =
      parse_reply(reply_of("www.example", dns_type::aaaa, 0x8180, 2,
                           joined({record(dns_type::cname, 5, cname), record(dns_type::aaaa, 5, address)})));
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<DnsCname>(reply->answers[0].data).target, "web.example");
  EXPECT_EQ(std::get<IpAddress>(reply->answers[1].data).to_string(), "2001:db8::9");
}

TEST(DnsMessage, AServiceRecordAndTheAddressBesideIt) {
  const auto reply =
      parse_reply(reply_of("_web.example", dns_type::srv, 0x8180, 1,
                           joined({record(dns_type::srv, 30, srv_data), record(1, 30, {192, 0, 2, 7})}), 1));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(std::get<DnsSrv>(reply->answers[0].data), (DnsSrv{10, 60, 8080, "s1.example"}));
  ASSERT_EQ(reply->additional.size(), 1U);
  EXPECT_EQ(std::get<IpAddress>(reply->additional[0].data).to_string(), "192.0.2.7");
}

TEST(DnsMessage, ATypeThatIsNotKnownHereIsCountedWithoutData) {
  const auto reply = parse_reply(reply_of("example", dns_type::soa, 0x8180, 1, record(dns_type::soa, 5, {1, 2, 3})));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->answers.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(reply->answers[0].data));
}

TEST(DnsMessage, ANegativeTimeToLiveIsNone) {
  const auto reply = parse_reply(reply_of("a", 1, 0x8180, 1, record(1, 0x8000'0001, {192, 0, 2, 1})));
  EXPECT_EQ(reply.value().answers[0].ttl, 0U);
}

TEST(DnsMessage, AnRcodeIsToldInWords) {
  const auto reply = parse_reply(reply_of("a", 1, 0x8183, 0, {}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(dns_rcode_in_words(reply->rcode), "NXDOMAIN (no such name)");
  EXPECT_EQ(dns_rcode_in_words(15), "rcode 15");
}

TEST(DnsMessage, ARefusalWithoutAQuestionIsAReply) {
  const auto reply = parse_reply(Bytes{0, 7, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0});
  ASSERT_TRUE(reply);
  EXPECT_TRUE(is_reply_to(*reply, 7, "a", 1));
  EXPECT_FALSE(is_reply_to(*parse_reply(Bytes{0, 7, 0x80, 0x00, 0, 0, 0, 0, 0, 0, 0, 0}), 7, "a", 1));
}

TEST(DnsMessage, AQueryIsNoReply) {
  EXPECT_EQ(parse_reply(*encode_query(7, "a", 1)).error().message, "a DNS query, not a reply");
}

TEST(DnsMessage, EveryTruncationIsAnErrorUnlessItIsSaid) {
  const auto records = joined({record(dns_type::a, 300, {192, 0, 2, 1}), record(dns_type::srv, 60, srv_data)});
  const auto whole = reply_of("_web.example", dns_type::srv, 0x8180, 2, records);
  const auto said = reply_of("_web.example", dns_type::srv, 0x8380, 2, records);
  ASSERT_TRUE(parse_reply(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_reply(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    const auto cut = parse_reply(Bytes(said.begin(), said.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(cut.has_value(), size >= whole.size() - records.size()) << size;
    if (cut) {
      EXPECT_TRUE(cut->truncated);
      EXPECT_LE(cut->answers.size(), 1U);
    }
  }
}

TEST(DnsMessage, APointerLeadsBackOnly) {
  const auto with_name = [](const Bytes& name) {
    auto data = joined({name, {0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 192, 0, 2, 1}});
    return parse_reply(reply_of("a", 1, 0x8180, 1, data));
  };
  EXPECT_TRUE(with_name({0xc0, 12}));
  EXPECT_FALSE(with_name({0xc0, 12 + 7}));          // itself
  EXPECT_FALSE(with_name({0xc0, 12 + 9}));          // what follows
  EXPECT_FALSE(with_name({1, 'x', 0xc0, 12 + 7}));  // its own beginning
  EXPECT_FALSE(with_name({0x40, 'x', 0}));          // a label of a kind that there is not
}

TEST(DnsMessage, BytesThatAreNotTextAreEscaped) {
  const auto query = encode_query(7, "a\\.b\\007.c", 1);
  ASSERT_TRUE(query);
  auto bytes = *query;
  bytes[2] |= 0x80;
  const auto reply = parse_reply(bytes);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->question->name, "a\\046b\\007.c");
  EXPECT_TRUE(same_dns_name(reply->question->name, "A\\.B\\007.C."));
}

}  // namespace
}  // namespace ballast::net
