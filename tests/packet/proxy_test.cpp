// FNAT with the PROXY protocol: a header before the client's first data, and sequence numbers that hide it from the
// client.
#include "tests/packet/full_nat.hpp"

namespace ballast::packet {
namespace {

constexpr std::uint32_t isn = 0x01020304;  ///< as Packet has it
constexpr std::uint32_t first = isn + 1;

class Proxy : public FullNatScenario {
 protected:
  void start(ClientAddress how) { have(full_nat(how)); }

  /// haproxy's specification, 2.2.
  static std::string version2(const Packet& request) {
    const bool v6 = request.source().address.is_v6();
    Bytes made{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21};
    made = made + (v6 ? Bytes{0x21, 0, 36} : Bytes{0x11, 0, 12});
    for (const auto& address : {request.source().address, request.destination().address}) {
      const auto bytes = address.bytes();
      made.insert(made.end(), bytes.begin(), bytes.end());
    }
    for (const auto port : {request.source().port, request.destination().port}) {
      made.push_back(static_cast<std::uint8_t>(port >> 8));
      made.push_back(static_cast<std::uint8_t>(port));
    }
    return {made.begin(), made.end()};
  }
  /// 2.1, IPv6 addresses in full.
  static std::string version1(const Packet& request) {
    const auto text = [](const net::IpAddress& address) {
      if (address.is_v4()) return address.to_string();
      const auto bytes = address.bytes();
      std::string made;
      for (std::size_t i = 0; i < bytes.size(); i += 2)
        made += fmt::format("{}{:02x}{:02x}", i == 0 ? "" : ":", bytes[i], bytes[i + 1]);
      return made;
    };
    return fmt::format("PROXY {} {} {} {} {}\r\n", request.source().address.is_v6() ? "TCP6" : "TCP4",
                       text(request.source().address), text(request.destination().address), request.source().port,
                       request.destination().port);
  }
  static Packet introduced(const Packet& request, const std::string& header) {
    return request.data(header + request.text());
  }
  net::Endpoint shake_hands(const Packet& request) {
    const auto local = open(request.syn());
    const auto accepted = reply(local).syn().ack().acknowledges(first);
    EXPECT_EQ(send(accepted), transmitted(before(accepted, request)));
    const auto last = request.ack().sequence(first);
    EXPECT_EQ(send(last), transmitted(behind(last, local))) << "no data, no header";
    return local;
  }
  /// The header and `sent` bytes have arrived.
  void acknowledge(const Packet& request, const net::Endpoint& local, std::size_t header, std::size_t sent) {
    const auto seen = static_cast<std::uint32_t>(header + sent);
    const auto answer = reply(local).ack();
    EXPECT_EQ(send(answer.acknowledges(first + seen)),
              transmitted(before(answer.acknowledges(first + static_cast<std::uint32_t>(sent)), request)));
  }
};

TEST_P(Proxy, Version2StandsBeforeTheFirstData) {
  start(ClientAddress::proxy_v2);
  const auto header = version2(from_client());
  EXPECT_EQ(header.size(), is_v6() ? 52U : 28U);
  const auto local = shake_hands(from_client());
  const auto request = from_client().ack().sequence(first).data("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(send(request), transmitted(behind(introduced(request, header), local)));
}

TEST_P(Proxy, AConnectionIsToldAsItsServiceWasWhenItBegan) {
  start(ClientAddress::proxy_v1);
  const auto local = shake_hands(from_client());
  for (const auto now : {ClientAddress::proxy_v2, ClientAddress::toa, ClientAddress::none}) {
    start(now);
    const auto request = from_client().ack().sequence(first).data("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(send(request), transmitted(behind(introduced(request, version1(from_client())), local)));
  }
}

TEST_P(Proxy, Version1StandsBeforeTheFirstData) {
  start(ClientAddress::proxy_v1);
  // The header is of odd and of even lengths.
  for (const auto& [number, port] : {std::pair{7U, 40000U}, {7U, 9000U}, {77U, 65535U}, {200U, 1U}}) {
    const auto client_packet = tcp(client(port, number), vip());
    const auto local = shake_hands(client_packet);
    for (const auto* text : {"G", "GE", "GET / HTTP/1.1\r\n\r\n"}) {
      const auto request = client_packet.ack().sequence(first).data(text);
      EXPECT_EQ(send(request), transmitted(behind(introduced(request, version1(client_packet)), local)));
    }
  }
}

TEST_P(Proxy, ARetransmissionOfTheFirstDataHasItAgain) {
  start(ClientAddress::proxy_v2);
  const auto local = shake_hands(from_client());
  const auto request = from_client().ack().sequence(first).data("GET /");
  const auto longer = from_client().ack().sequence(first).data("GET / HTTP/1.1\r\n\r\n");
  for (const auto& packet : {request, request, longer})
    EXPECT_EQ(send(packet), transmitted(behind(introduced(packet, version2(from_client())), local)));
}

TEST_P(Proxy, WhatFollowsMovesByItsLength) {
  for (const auto how : {ClientAddress::proxy_v1, ClientAddress::proxy_v2}) {
    start(how);
    const auto request = from_client(how == ClientAddress::proxy_v1 ? 0 : 1);
    const auto header = how == ClientAddress::proxy_v1 ? version1(request) : version2(request);
    const auto length = static_cast<std::uint32_t>(header.size());
    const auto local = shake_hands(request);
    const auto second = request.ack().sequence(first + 5).data("more");
    EXPECT_EQ(send(second), transmitted(behind(second.sequence(first + 5 + length), local))) << "though it overtook";
    const auto data = request.ack().sequence(first).data("GET /");
    EXPECT_EQ(send(data), transmitted(behind(introduced(data, header), local)));
    acknowledge(request, local, length, 9);
    const auto third = request.ack().sequence(first + 9).data("and more");
    EXPECT_EQ(send(third), transmitted(behind(third.sequence(first + 9 + length), local)));
    EXPECT_EQ(send(data), transmitted(behind(data.sequence(first + length), local)))
        << "the server has it: only what the client sent";
    const auto last = request.fin().ack().sequence(first + 17);
    EXPECT_EQ(send(last), transmitted(behind(last.sequence(first + 17 + length), local)));
  }
}

TEST_P(Proxy, AcknowledgementsNeverNameBytesThatTheClientDidNotSend) {
  start(ClientAddress::proxy_v2);
  const auto length = static_cast<std::uint32_t>(version2(from_client()).size());
  const auto local = shake_hands(from_client());
  send(from_client().ack().sequence(first).data("GET /"));
  const auto answer = reply(local).ack();
  for (const auto& [sent, seen] : {std::pair{0U, 0U}, {1U, 0U}, {length - 1, 0U}, {length, 0U}, {length + 5, 5U}}) {
    EXPECT_EQ(send(answer.acknowledges(first + sent)),
              transmitted(before(answer.acknowledges(first + seen), from_client())));
  }
}

TEST_P(Proxy, SelectiveAcknowledgementsMoveLikewise) {
  start(ClientAddress::proxy_v2);
  const auto length = static_cast<std::uint32_t>(version2(from_client()).size());
  const auto local = shake_hands(from_client());
  send(from_client().ack().sequence(first).data("GET /"));
  const auto answer = reply(local).ack().acknowledges(first + length + 5);
  const auto expected = before(answer.acknowledges(first + 5), from_client());
  const auto even = [&](std::uint32_t shift) {
    return nops(2) + sack({first + 10 + shift, first + 20 + shift, first + 30 + shift, first + 40 + shift});
  };
  EXPECT_EQ(send(answer.options(even(length))), transmitted(expected.options(even(0))));
  const auto odd = [&](std::uint32_t shift) {
    return nops(1) + sack({first + 10 + shift, first + 20 + shift}) + nops(1);
  };
  EXPECT_EQ(send(answer.options(odd(length))), transmitted(expected.options(odd(0))));
  const auto with_time = [&](std::uint32_t shift) {
    return nops(2) + timestamps() + nops(2) + sack({first + 9 + shift, first + 99 + shift});
  };
  EXPECT_EQ(send(answer.options(with_time(length))), transmitted(expected.options(with_time(0))));
}

TEST_P(Proxy, AClientThatClosesWithoutAWordIsIntroduced) {
  start(ClientAddress::proxy_v2);
  const auto header = version2(from_client());
  const auto length = static_cast<std::uint32_t>(header.size());
  const auto local = shake_hands(from_client());
  const auto last = from_client().fin().ack().sequence(first);
  EXPECT_EQ(send(last), transmitted(behind(introduced(last, header), local)));
  const auto answer = reply(local).fin().ack();
  EXPECT_EQ(send(answer.acknowledges(first + length + 1)),
            transmitted(before(answer.acknowledges(first + 1), from_client())));
  const auto done = from_client().ack().sequence(first + 1);
  EXPECT_EQ(send(done), transmitted(behind(done.sequence(first + 1 + length), local)));
}

TEST_P(Proxy, AServerThatSpeaksFirst) {
  start(ClientAddress::proxy_v2);
  const auto local = shake_hands(from_client());
  const auto greeting = reply(local).ack().acknowledges(first).data("220 mail.example\r\n");
  EXPECT_EQ(send(greeting), transmitted(before(greeting, from_client())));
  const auto request = from_client().ack().sequence(first).data("HELO client\r\n");
  EXPECT_EQ(send(request), transmitted(behind(introduced(request, version2(from_client())), local)));
}

TEST_P(Proxy, AResetBeforeAnyDataIsSentAsItIs) {
  start(ClientAddress::proxy_v2);
  const auto local = shake_hands(from_client());
  const auto reset = from_client().rst().sequence(first);
  EXPECT_EQ(send(reset), transmitted(behind(reset, local)));
}

TEST_P(Proxy, NumbersThatWrapAround) {
  start(ClientAddress::proxy_v2);
  const auto length = static_cast<std::uint32_t>(version2(from_client()).size());
  const auto local = open(from_client().syn().sequence(0xfffffffe));
  send(reply(local).syn().ack().acknowledges(0xffffffff));
  send(from_client().ack().sequence(0xffffffff));
  const auto request = from_client().ack().sequence(0xffffffff).data("GET /");
  EXPECT_EQ(send(request), transmitted(behind(introduced(request, version2(from_client())), local)));
  const auto more = from_client().ack().sequence(4).data("more");
  EXPECT_EQ(send(more), transmitted(behind(more.sequence(4 + length), local)));
  const auto answer = reply(local).ack();
  EXPECT_EQ(send(answer.acknowledges(8 + length)), transmitted(before(answer.acknowledges(8), from_client())));
  // Two gigabytes further, too.
  const auto far = from_client().ack().sequence(0x90000000).data("far");
  EXPECT_EQ(send(far), transmitted(behind(far.sequence(0x90000000 + length), local)));
  EXPECT_EQ(send(answer.acknowledges(0x90000003 + length)),
            transmitted(before(answer.acknowledges(0x90000003), from_client())));
}

TEST_P(Proxy, TheMssLeavesRoomForIt) {
  for (const auto how : {ClientAddress::proxy_v1, ClientAddress::proxy_v2}) {
    start(how);
    const auto request = from_client(how == ClientAddress::proxy_v1 ? 0 : 1);
    const auto length = (how == ClientAddress::proxy_v1 ? version1(request) : version2(request)).size();
    const auto local = open(request.syn());
    const auto accepted = reply(local).syn().ack().acknowledges(first);
    EXPECT_EQ(send(accepted.options(mss(1460))),
              transmitted(before(accepted.options(mss(1460 - static_cast<unsigned>(length))), request)));
  }
}

TEST_P(Proxy, FirstDataThatDoesNotFitWithItIsDropped) {
  mtu = 1500;
  start(ClientAddress::proxy_v2);
  const auto header = version2(from_client());
  const auto local = shake_hands(from_client());
  const auto room = 1500 - (is_v6() ? 60 : 40) - header.size();
  const auto fits = from_client().ack().sequence(first).data(std::string(room, 'x'));
  EXPECT_EQ(send(fits), transmitted(behind(introduced(fits, header), local)));
  EXPECT_EQ(send(fits.data(std::string(room + 1, 'x'))), dropped("too_big"));
}

TEST_P(Proxy, WithOptionsOfTcpAndIp) {
  start(ClientAddress::proxy_v1);
  const auto local = shake_hands(from_client());
  const auto plain = from_client().ack().sequence(first).options(nops(2) + timestamps()).data("GET /");
  for (const auto& request : {plain, is_v6() ? plain.ipv6_options() : plain.ip_options(9)})
    EXPECT_EQ(send(request), transmitted(behind(introduced(request, version1(from_client())), local)));
  EXPECT_EQ(send(plain.vlan(3)), transmitted(behind(introduced(plain, version1(from_client())), local)));
}

TEST_P(Proxy, AWrongChecksumStaysWrong) {
  start(ClientAddress::proxy_v1);
  shake_hands(from_client());
  auto frame = from_client().ack().sequence(first).data("broken on the way").bytes();
  frame.back() ^= 1;
  EXPECT_EQ(checksum_fault(path().send(frame).frame), "layer 4 checksum");
}

TEST_P(Proxy, NothingIsRememberedOfConnectionsThatAreOver) {
  start(ClientAddress::proxy_v2);
  for (unsigned number = 0; number < 100; ++number) shake_hands(from_client(number));
  EXPECT_EQ(path().details(), 100U);
  path().sweep(2000);
  EXPECT_EQ(path().details(), 0U);
  EXPECT_EQ(path().ports_in_use(), 0U);
}

TEST_P(Proxy, AClientsOwnToaIsOverwrittenHereToo) {
  start(ClientAddress::proxy_v2);
  const auto forged = toa(client(1, 66));
  const auto wiped = nops(static_cast<unsigned>(forged.size()));
  const auto local = shake_hands(from_client());
  const auto request = from_client().ack().sequence(first).data("GET /");
  EXPECT_EQ(send(request.options(forged)),
            transmitted(behind(introduced(request.options(wiped), version2(from_client())), local)));
}

TEST_P(Proxy, ADatagramHasNone) {
  have(full_nat(ClientAddress::proxy_v2, 1, 1, Protocol::udp));
  const auto local = open(query());
  EXPECT_EQ(send(query().data("a question")), transmitted(behind(query().data("a question"), local)));
}

BALLAST_BOTH_FAMILIES(Proxy);

}  // namespace
}  // namespace ballast::packet
