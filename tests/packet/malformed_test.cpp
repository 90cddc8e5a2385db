// Packets that are cut, lie about their lengths, or are noise.
#include <random>

#include "tests/packet/report.hpp"
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

constexpr std::size_t ethernet_header = 14;
/// Two tags, TUN's outer header, TOA.
constexpr std::size_t most_growth = 8 + 60 + 20;
/// Whatever was cut off behind the packet, its headers are there.
constexpr std::size_t least_frame = ethernet_header + 28;

class Malformed : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    auto wrapped = service(vip(83), {server(3, 1, Method::tun, 83)});
    wrapped.servers[0].tunnel = {
        .type = config::TunnelType::gue, .port = 6080, .checksum = config::TunnelChecksum::csum};
    auto full = service(vip(82), {server(4, 1, Method::fnat)});
    full.method = Method::fnat;
    full.client_address = config::ClientAddress::toa;
    full.local_addresses = {at("10.6", "fd00:6", 1, 0).address};
    have({service(vip(), {server(1)}), service(vip(), {server(1)}, Scheduler::rr, Protocol::udp),
          service(vip(81), {server(2, 1, Method::dr, 81)}),
          service(vip(53), {server(2, 1, Method::dr, 53)}, Scheduler::rr, Protocol::udp), wrapped, full});
    establish_nat(from_client(), 1);
    establish_dr(from_client().to(vip(81)), 2);
    send(query());
    send(answer(query(), 1));
    send(from_client().to(vip(83)).syn());
    local_ = sender(send(from_client().to(vip(82)).syn()).frame);
  }

  [[nodiscard]] std::vector<Packet> of_every_kind() const {
    std::vector<Packet> kinds{from_client(9).syn(),
                              from_client().ack().data("GET / HTTP/1.1\r\n\r\n"),
                              from_client().to(vip(81)).ack().data("to a DR server"),
                              tcp(client(40009), vip(81)).syn(),
                              query().data("a question"),
                              query(9),
                              udp(client(), vip(53)).data("direct"),
                              answer(from_client().ack().data("200 OK"), 1),
                              answer(query().data("an answer"), 1),
                              from_client().ack().data("a fragment of 24 bytes.").fragment(0, true),
                              query().data("another fragment").fragment(8, false),
                              ping(client().address, vip().address).data("echo"),
                              from_client().syn().vlan(7)};
    if (is_v6()) kinds.push_back(from_client().syn().ipv6_options());
    for (const unsigned words : {1U, 10U}) {
      if (is_v6()) break;
      kinds.push_back(from_client(8).syn().ip_options(words));
      kinds.push_back(answer(from_client().ack(), 1).ip_options(words));
      kinds.push_back(query(8).ip_options(words).data("options"));
    }
    return kinds;
  }
  /// As frames, and what is more than one packet.
  [[nodiscard]] std::vector<Bytes> frames_of_every_kind() const {
    std::vector<Bytes> frames;
    for (const auto& packet : of_every_kind()) frames.push_back(packet.bytes());
    const auto router = at("192.0", "2001:db8:77", 513, 0).address;
    for (const unsigned port : {80U, 81U, 82U, 83U}) {
      const auto answered = tcp(vip(port), client()).ack().data("quoted in a report");
      frames.push_back(too_big(1300, router, vip().address, answered).quote_of(30).bytes());
    }
    const auto request = from_client().ack().data("quoted in a report");
    frames.push_back(time_exceeded(router, client().address, request.to(real(1))).quote_of(30).bytes());
    const auto behind = request.from(local_).to(real(4));
    frames.push_back(too_big(1400, router, local_.address, behind).quote_of(30).bytes());
    frames.push_back(tcp(real(4), local_).ack().data("from behind").via(real_mac(4), balancer_mac).bytes());
    for (const unsigned port : {82U, 83U}) {
      const auto data = from_client().to(vip(port)).ack();
      frames.push_back(data.options(mss(1400) + timestamps() + nops(2)).data("with options").bytes());
      frames.push_back(data.data("in two fragments").fragment(0, true).bytes());
      frames.push_back(data.data("in two fragments").fragment(16, false).bytes());
      frames.push_back(from_client(7).to(vip(port)).syn().vlans(100, 7).bytes());
    }
    return frames;
  }
  void expect_truncated(const Packet& packet) {
    EXPECT_EQ(send(packet), dropped("truncated")) << describe(packet.bytes());
  }
  void expect_pass(const Packet& packet) { EXPECT_EQ(send(packet), passed(packet)); }

  net::Endpoint local_;  ///< the LIP and port of the connection to vip(82)
};

TEST_P(Malformed, APacketCutAtAnyByteIsNeitherForwardedNorWrittenTo) {
  for (const auto& whole : frames_of_every_kind()) {
    for (std::size_t length = ethernet_header; length < whole.size(); ++length) {
      const auto outcome = path().send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      EXPECT_TRUE(outcome.verdict == Verdict::pass || outcome == dropped("truncated") || outcome == dropped("fragment"))
          << describe(whole) << " cut to " << length << " bytes";
    }
  }
}

TEST_P(Malformed, APacketForTheVipCutBehindItsAddressesIsDropped) {
  const auto whole = from_client().ack().data("GET / HTTP/1.1\r\n\r\n").bytes();
  const std::size_t ip_header = is_v6() ? 40 : 20;
  for (auto length = ethernet_header + ip_header; length < whole.size(); ++length) {
    EXPECT_EQ(path().send(Bytes{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}),
              dropped("truncated"));
  }
}

TEST_P(Malformed, IpHeaderOfFewerThan5Words) {
  if (is_v6()) return;
  for (const unsigned words : {0, 1, 4}) expect_pass(from_client().syn().ip_header_words(words));
}

TEST_P(Malformed, IpHeaderPastTheEnd) {
  if (!is_v6()) expect_truncated(from_client().syn().ip_header_words(15));
}

TEST_P(Malformed, IpLengthPastTheEnd) {
  const auto right = is_v6() ? 20U : 40U;
  for (const auto more : {1U, 2U, 100U, 60000U}) expect_truncated(from_client().syn().ip_length(right + more));
}

TEST_P(Malformed, IpLengthShorterThanItsHeaders) {
  const auto headers = is_v6() ? 20U : 40U;
  for (unsigned length = 0; length < headers; ++length) {
    expect_truncated(from_client().syn().data("behind it").ip_length(length));
  }
}

TEST_P(Malformed, TcpHeaderOfFewerThan5Words) {
  for (const unsigned words : {0, 1, 4}) expect_truncated(from_client().ack().data("12345678").tcp_header_words(words));
}

TEST_P(Malformed, TcpHeaderPastTheEnd) {
  for (const unsigned words : {6, 8, 15}) expect_truncated(from_client().ack().data("123").tcp_header_words(words));
}

TEST_P(Malformed, UdpLengthShorterThanItsHeaderOrPastTheEnd) {
  for (const unsigned length : {0, 1, 7, 12, 65535}) expect_truncated(query().data("123").udp_length(length));
}

TEST_P(Malformed, ALieFromAServerGoesToTheKernel) {
  expect_pass(answer(from_client().ack(), 1).tcp_header_words(4));
  expect_pass(answer(query(), 1).udp_length(1));
  expect_pass(answer(from_client().ack(), 1).ip_length(2000));
}

TEST_P(Malformed, NoiseNeverBreaksTheRules) {
  std::mt19937 random{20240229};
  const auto kinds = frames_of_every_kind();
  for (unsigned round = 0; round < 20000; ++round) {
    auto frame = kinds[random() % kinds.size()];
    for (unsigned changes = random() % 4 + 1; changes > 0; --changes) {
      frame[12 + random() % (frame.size() - 12)] = static_cast<std::uint8_t>(random());
    }
    if (random() % 4 == 0) frame.resize(ethernet_header + random() % (frame.size() - ethernet_header + 1));
    const auto outcome = path().send(frame);
    ASSERT_TRUE(outcome.verdict == Verdict::pass || outcome.verdict == Verdict::drop ||
                (outcome.verdict == Verdict::transmit && outcome.frame.size() <= frame.size() + most_growth &&
                 outcome.frame.size() >= least_frame))
        << describe(frame);
  }
}

BALLAST_BOTH_FAMILIES(Malformed);

}  // namespace
}  // namespace ballast::packet
