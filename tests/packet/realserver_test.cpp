// Packets that come through tunnels to a real server, through BPF_PROG_RUN.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <realserver_tunnel.skel.h>

#include <random>

#include "tests/packet/encapsulation.hpp"
#include "tools/realserver/bpf.hpp"
#include "tools/realserver/layout.hpp"

namespace ballast::packet {
namespace {

namespace layout = realserver::layout;

constexpr std::size_t ethernet_header = 14;
constexpr std::uint32_t xdp_drop = 1;
constexpr std::uint32_t xdp_pass = 2;

constexpr const char* kind_names[] = {
#define X(id, words) #id,
    TUNNEL_KINDS(X)
#undef X
};
constexpr const char* drop_names[] = {
#define X(id, words) #id,
    TUNNEL_DROPS(X)
#undef X
};

struct Outcome {
  std::string what;  ///< "passed", "unwrapped <kind>", "dropped <reason>"
  Bytes frame;       ///< empty after a drop
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << outcome.what;
  if (!outcome.frame.empty()) *out << ": " << describe(outcome.frame);
}

const auto vip = endpoint("192.0.2.100:80");
const auto vip6 = endpoint("[2001:db8::100]:80");
const auto web_packet = tcp(endpoint("198.51.100.7:40000"), vip).ack().data("GET / HTTP/1.1\r\n\r\n");
const auto web_packet6 = tcp(endpoint("[2001:db8:7::7]:40000"), vip6).ack().data("GET / HTTP/1.1\r\n\r\n");

class RealServerTunnel : public ::testing::Test {
 protected:
  void SetUp() override {
    skeleton_.reset(realserver_tunnel__open_and_load());
    if (!skeleton_) GTEST_SKIP() << "the kernel does not take the program (needs root): " << std::strerror(errno);
    set({htons(6080), 0, {}});
    put(skeleton_->maps.tunnel_vips, {realserver::address_key(vip.address), realserver::address_key(vip6.address)});
    realserver::Key mac(sizeof(layout::mac_key), '\0');
    std::ranges::copy(balancer_mac.bytes, mac.begin());
    put(skeleton_->maps.tunnel_macs, {mac});
  }
  static void put(const bpf_map* map, const std::set<realserver::Key>& keys) {
    const auto done = realserver::set_keys(bpf_map__fd(map), keys);
    if (!done) throw std::runtime_error(done.error().message);
  }
  void set(const layout::tunnel_settings& settings) {
    const std::uint32_t zero = 0;
    ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.tunnel_settings), &zero, &settings, BPF_ANY), 0);
  }
  void trust(std::set<realserver::Key> prefixes) {
    set({htons(6080), 1, {}});
    put(skeleton_->maps.tunnel_sources, prefixes);
  }

  /// Checks what holds of every packet: one that passes is untouched and uncounted, another is counted once.
  Outcome send(const Bytes& frame) {
    const auto before = counters();
    Bytes out(frame.size() + 256);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()),
                .data_size_out = static_cast<std::uint32_t>(out.size()), .repeat = 1);
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.ballast_tunnel), &options) != 0) {
      throw std::runtime_error("BPF_PROG_RUN: " + std::string{std::strerror(errno)});
    }
    out.resize(options.data_size_out);
    const auto counted = difference(before, counters());
    if (options.retval == xdp_drop) {
      EXPECT_TRUE(counted.starts_with("dropped ")) << counted;
      return {counted, {}};
    }
    EXPECT_EQ(options.retval, xdp_pass);
    if (counted.empty()) {
      EXPECT_EQ(out, frame) << "passed, but changed";
      return {"passed", out};
    }
    return {counted, out};
  }
  Outcome passed(const Bytes& frame) { return {"passed", frame}; }
  Outcome dropped(const std::string& reason) { return {"dropped " + reason, {}}; }
  Outcome unwrapped(const std::string& kind, const Tunnel& tunnel, const Packet& inner) {
    return {"unwrapped " + kind, tunnel.unwrapped(inner)};
  }

 private:
  using Counters = std::vector<std::uint64_t>;
  Counters counters() {
    auto all = realserver::read_counters(bpf_map__fd(skeleton_->maps.tunnel_packets), layout::KIND_COUNT);
    const auto drops = realserver::read_counters(bpf_map__fd(skeleton_->maps.tunnel_drops), layout::TUNNEL_DROP_COUNT);
    all.insert(all.end(), drops.begin(), drops.end());
    return all;
  }
  static std::string difference(const Counters& before, const Counters& after) {
    std::string found;
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (after[i] == before[i]) continue;
      EXPECT_EQ(after[i], before[i] + 1);
      EXPECT_EQ(found, "") << "counted twice";
      const bool is_kind = i < layout::KIND_COUNT;
      found = is_kind ? fmt::format("unwrapped {}", kind_names[i])
                      : fmt::format("dropped {}", drop_names[i - layout::KIND_COUNT]);
    }
    return found;
  }

  struct Destroy {
    void operator()(realserver_tunnel* skeleton) const { realserver_tunnel__destroy(skeleton); }
  };
  std::unique_ptr<realserver_tunnel, Destroy> skeleton_;
};

struct Case {
  Tunnel tunnel;
  Packet inner;
  std::string kind;
};

Tunnel over(int version, Wrapping wrapping) {
  return version == 4 ? Tunnel{wrapping, "10.1.0.11", "10.1.0.21"} : Tunnel{wrapping, "fd01::11", "fd01::21"};
}

/// Every kind in every pair of families.
std::vector<Case> every_case() {
  std::vector<Case> cases;
  for (const int outer : {4, 6}) {
    for (const auto& inner : {web_packet, web_packet6}) {
      const int inside = inner.source().address.is_v6() ? 6 : 4;
      cases.push_back({over(outer, Wrapping::ip), inner, fmt::format("ipv{}_in_ipv{}", inside, outer)});
      cases.push_back({over(outer, Wrapping::gre), inner, "gre"});
      cases.push_back({over(outer, Wrapping::gre_all_fields), inner, "gre"});
      cases.push_back({over(outer, Wrapping::gue), inner, "gue"});
      cases.push_back({over(outer, Wrapping::gue_direct), inner, "gue_direct"});
    }
  }
  return cases;
}

TEST_F(RealServerTunnel, EveryKindIsUnwrappedWithItsTags) {
  for (const auto& [plain, inner, kind] : every_case()) {
    for (const unsigned tags : {0, 1, 2}) {
      for (const auto& tunnel : {plain.tags(tags), plain.tags(tags).options()}) {
        EXPECT_EQ(send(tunnel.wrap(inner)), unwrapped(kind, tunnel, inner)) << tunnel.name();
      }
    }
  }
}

TEST_F(RealServerTunnel, CutAtAnyByteItIsNeverUnwrapped) {
  for (const auto& [plain, inner, kind] : every_case()) {
    for (const unsigned tags : {0, 1, 2}) {
      for (const auto& tunnel : {plain.tags(tags), plain.tags(tags).options()}) {
        const auto whole = tunnel.wrap(inner);
        const auto inner_header = tunnel.overhead(inner) + (inner.source().address.is_v6() ? 40U : 20U);
        for (auto length = ethernet_header; length < whole.size(); ++length) {
          const Bytes cut{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)};
          const auto expected = length < inner_header ? passed(cut) : dropped("length");
          EXPECT_EQ(send(cut), expected) << tunnel.name() << ", " << kind << ", cut to " << length;
        }
      }
    }
  }
}

TEST_F(RealServerTunnel, WhatIsForNoVipPasses) {
  for (const auto& [tunnel, inner, kind] : every_case()) {
    const auto other =
        inner.to(inner.source().address.is_v6() ? endpoint("[2001:db8::101]:80") : endpoint("192.0.2.101:80"));
    const auto frame = tunnel.wrap(other);
    EXPECT_EQ(send(frame), passed(frame)) << tunnel.name();
  }
  for (const auto& plain : {web_packet, web_packet6}) EXPECT_EQ(send(plain.bytes()), passed(plain.bytes()));
}

TEST_F(RealServerTunnel, AFrameForAnotherMachinePasses) {
  for (const auto& [tunnel, inner, kind] : every_case()) {
    const auto frame = tunnel.to(mac("02:00:00:00:00:99")).wrap(inner);
    EXPECT_EQ(send(frame), passed(frame)) << tunnel.name();
  }
}

TEST_F(RealServerTunnel, AMappedAddressInIpv6IsNotTheIpv4Vip) {
  const auto tunnel = over(6, Wrapping::ip);
  const auto frame = tunnel.wrap(web_packet);
  EXPECT_EQ(send(frame), unwrapped("ipv4_in_ipv6", tunnel, web_packet));
  // IPv4 addresses in an IPv6 header, in a tunnel that says it holds IPv6.
  auto lie = frame;
  const auto inner = web_packet.in_ipv6_header().bytes();
  lie.resize(ethernet_header + 40);
  lie.insert(lie.end(), inner.begin() + ethernet_header, inner.end());
  lie[ethernet_header + 6] = 41;
  const auto length = inner.size() - ethernet_header;
  lie[ethernet_header + 4] = static_cast<std::uint8_t>(length >> 8);
  lie[ethernet_header + 5] = static_cast<std::uint8_t>(length);
  EXPECT_EQ(send(lie), passed(lie));
}

TEST_F(RealServerTunnel, LengthsThatDoNotAgree) {
  for (const auto& [tunnel, inner, kind] : every_case()) {
    for (const int more : {1, 2, 100, 20000}) {
      EXPECT_EQ(send(tunnel.longer_by(more).wrap(inner)), dropped("length")) << tunnel.name() << " + " << more;
    }
    EXPECT_EQ(send(tunnel.longer_by(-1).wrap(inner)), dropped("length")) << tunnel.name();
    const auto right = static_cast<unsigned>(ip_bytes(inner).size() - (inner.source().address.is_v6() ? 40 : 0));
    EXPECT_EQ(send(tunnel.wrap(inner.ip_length(right + 1))), dropped("length")) << tunnel.name();
    EXPECT_EQ(send(tunnel.wrap(inner.ip_length(60000))), dropped("length")) << tunnel.name();
    if (inner.source().address.is_v6()) continue;
    EXPECT_EQ(send(tunnel.wrap(inner.ip_length(19))), dropped("length")) << tunnel.name();
  }
  for (const auto wrapping : {Wrapping::gue, Wrapping::gue_direct}) {
    for (const int lie : {-1, 1, -30, 1000}) {
      EXPECT_EQ(send(over(4, wrapping).udp_longer_by(lie).wrap(web_packet)), dropped("length")) << lie;
    }
  }
}

TEST_F(RealServerTunnel, AnOuterPacketTooShortForWhatIsInItIsNeverUnwrapped) {
  for (const auto& [tunnel, inner, kind] : every_case()) {
    const auto all = static_cast<int>(tunnel.overhead(inner) - ethernet_header + ip_bytes(inner).size());
    for (int says = tunnel.is_v6() ? 40 : 0; says < all; ++says) {
      const auto frame = tunnel.longer_by(says - all).wrap(inner);
      const auto outcome = send(frame);
      EXPECT_TRUE(outcome == dropped("length") || outcome == passed(frame)) << tunnel.name() << ", says " << says;
    }
  }
}

TEST_F(RealServerTunnel, BytesBehindThePacketStay) {
  for (const auto& [plain, inner, kind] : every_case()) {
    for (const auto& tunnel : {plain.trailer(5), plain.padding(18), plain.trailer(3).padding(4)}) {
      EXPECT_EQ(send(tunnel.wrap(inner)), unwrapped(kind, tunnel, inner)) << tunnel.name();
    }
  }
}

TEST_F(RealServerTunnel, AnOuterFragment) {
  for (const auto& [tunnel, inner, kind] : every_case()) {
    EXPECT_EQ(send(tunnel.fragment(0, true).wrap(inner)), dropped("fragment")) << tunnel.name();
    for (const bool more : {false, true}) {
      const auto later = tunnel.fragment(1480, more).wrap(inner);
      EXPECT_EQ(send(later), passed(later)) << tunnel.name();
    }
    // RFC 6946: a fragment header around a whole packet.
    EXPECT_EQ(send(tunnel.fragment(0, false).wrap(inner)), unwrapped(kind, tunnel, inner)) << tunnel.name();
  }
}

TEST_F(RealServerTunnel, AFragmentInsideIsUnwrappedForTheKernelToAssemble) {
  for (const auto& [tunnel, inner, kind] : every_case()) {
    for (const auto& part : {inner.fragment(0, true), inner.fragment(1480, true), inner.fragment(2960, false)}) {
      EXPECT_EQ(send(tunnel.wrap(part)), unwrapped(kind, tunnel, part)) << tunnel.name();
    }
  }
}

TEST_F(RealServerTunnel, OptionsInsideStay) {
  for (const int version : {4, 6}) {
    const auto tunnel = over(version, Wrapping::ip);
    for (const unsigned words : {1U, 10U}) {
      const auto inner = web_packet.ip_options(words);
      EXPECT_EQ(send(tunnel.wrap(inner)), unwrapped(fmt::format("ipv4_in_ipv{}", version), tunnel, inner));
    }
    const auto inner = web_packet6.ipv6_options();
    EXPECT_EQ(send(tunnel.wrap(inner)), unwrapped(fmt::format("ipv6_in_ipv{}", version), tunnel, inner));
  }
}

/// The packet inside with this ECN: its bytes changed after it was made, the header's checksum put right.
Bytes with_ecn(Bytes frame, std::size_t ip, unsigned ecn) {
  if (frame[ip] >> 4 == 6) {
    frame[ip + 1] = static_cast<std::uint8_t>((frame[ip + 1] & 0xcfU) | ecn << 4);
  } else {
    unsigned sum = (frame[ip + 10] << 8 | frame[ip + 11]) ^ 0xffffU;
    sum += ecn - (frame[ip + 1] & 3U);
    sum = ((sum & 0xffff) + (sum >> 16)) ^ 0xffffU;
    frame[ip + 1] = static_cast<std::uint8_t>((frame[ip + 1] & 0xfcU) | ecn);
    frame[ip + 10] = static_cast<std::uint8_t>(sum >> 8);
    frame[ip + 11] = static_cast<std::uint8_t>(sum);
  }
  return frame;
}

TEST_F(RealServerTunnel, CongestionMarkedOnTheWayIsHandedOnAsRfc6040Says) {
  constexpr unsigned none = 0;
  constexpr unsigned ect1 = 1;
  constexpr unsigned ect0 = 2;
  constexpr unsigned ce = 3;
  constexpr unsigned drop = 99;
  // Rows: inside. Columns: outside, by their bits: none, ECT(1), ECT(0), CE.
  constexpr unsigned table[4][4] = {
      {none, none, none, drop},
      {ect1, ect1, ect1, ce},
      {ect0, ect1, ect0, ce},
      {ce, ce, ce, ce},
  };
  for (const auto& [plain, inner, kind] : every_case()) {
    for (unsigned inside = none; inside <= ce; ++inside) {
      for (unsigned outside = none; outside <= ce; ++outside) {
        const auto tunnel = plain.ecn(outside).tags(1);
        const auto frame = with_ecn(tunnel.wrap(inner), tunnel.overhead(inner), inside);
        const auto expected = table[inside][outside];
        if (expected == drop) {
          EXPECT_EQ(send(frame), dropped("ecn")) << tunnel.name();
          continue;
        }
        const Outcome wanted{"unwrapped " + kind, with_ecn(tunnel.unwrapped(inner), ethernet_header + 4, expected)};
        EXPECT_EQ(send(frame), wanted) << tunnel.name() << ", inside " << inside << ", outside " << outside;
      }
    }
    EXPECT_EQ(checksum_fault(send(with_ecn(plain.ecn(ce).wrap(inner), plain.overhead(inner), ect0)).frame), "");
  }
}

TEST_F(RealServerTunnel, GueHasManyShapes) {
  const auto gue = over(4, Wrapping::gue);
  const auto passes = [&](const Tunnel& tunnel) {
    const auto frame = tunnel.wrap(web_packet);
    EXPECT_EQ(send(frame), passed(frame));
  };
  for (const unsigned words : {1, 5, 31}) {
    const auto longer = gue.gue_bytes(static_cast<std::uint8_t>(words), IPPROTO_IPIP, 0);
    EXPECT_EQ(send(longer.wrap(web_packet)), unwrapped("gue", longer, web_packet));
  }
  EXPECT_EQ(send(gue.gue_bytes(1, IPPROTO_IPIP, 0x8000).wrap(web_packet)), dropped("gue_option"));
  passes(gue.gue_bytes(0x20, IPPROTO_IPIP, 0));  // control
  passes(gue.gue_bytes(0x80, IPPROTO_IPIP, 0));  // variants that there are not
  passes(gue.gue_bytes(0xc0, IPPROTO_IPIP, 0));
  passes(gue.gue_bytes(0x50, IPPROTO_IPIP, 0));  // variant 1 of no IP
  passes(gue.gue_bytes(0, IPPROTO_UDP, 0));
  passes(gue.gue_bytes(0, IPPROTO_IPV6, 0));  // says IPv6, is IPv4
}

TEST_F(RealServerTunnel, GueOnItsPortAlone) {
  const auto other = over(4, Wrapping::gue).port(6081);
  const auto direct = over(6, Wrapping::gue_direct).port(6081);
  EXPECT_EQ(send(other.wrap(web_packet)), passed(other.wrap(web_packet)));
  EXPECT_EQ(send(direct.wrap(web_packet)), passed(direct.wrap(web_packet)));
  set({htons(6081), 0, {}});
  EXPECT_EQ(send(other.wrap(web_packet)), unwrapped("gue", other, web_packet));
  EXPECT_EQ(send(direct.wrap(web_packet)), unwrapped("gue_direct", direct, web_packet));
  set({0, 0, {}});
  const auto none = over(4, Wrapping::gue).port(0);
  EXPECT_EQ(send(none.wrap(web_packet)), passed(none.wrap(web_packet)));
}

TEST_F(RealServerTunnel, GreOfAnotherKindPasses) {
  const auto gre = over(4, Wrapping::gre);
  for (const auto& [flags, protocol] :
       {std::pair{0x4000, 0x0800}, {0x0001, 0x0800}, {0x0080, 0x0800}, {0x0000, 0x6558}, {0x0000, 0x86dd}}) {
    const auto tunnel = gre.gre_words(static_cast<std::uint16_t>(flags), static_cast<std::uint16_t>(protocol));
    EXPECT_EQ(send(tunnel.wrap(web_packet)), passed(tunnel.wrap(web_packet))) << flags << " " << protocol;
  }
}

TEST_F(RealServerTunnel, OnlyFromTrustedSources) {
  trust({realserver::prefix_key(*net::Prefix::parse("10.1.0.0/28")),
         realserver::prefix_key(*net::Prefix::parse("fd01::11"))});
  for (const auto& [tunnel, inner, kind] : every_case()) {
    EXPECT_EQ(send(tunnel.wrap(inner)), unwrapped(kind, tunnel, inner)) << tunnel.name();
  }
  for (const auto* source : {"10.1.0.16", "10.1.1.11"}) {
    EXPECT_EQ(send(Tunnel(Wrapping::ip, source, "10.1.0.21").wrap(web_packet)), dropped("untrusted")) << source;
  }
  EXPECT_EQ(send(Tunnel(Wrapping::ip, "fd01::12", "fd01::21").wrap(web_packet)), dropped("untrusted"));
}

TEST_F(RealServerTunnel, AFrameLongerThanAPage) {
  const auto tunnel = over(4, Wrapping::gue);
  const auto inner = web_packet.data(std::string(8000, 'x'));
  EXPECT_EQ(send(tunnel.wrap(inner)), unwrapped("gue", tunnel, inner));
  EXPECT_EQ(send(tunnel.longer_by(1).wrap(inner)), dropped("length"));
}

TEST_F(RealServerTunnel, NoiseNeverBreaksTheRules) {
  std::mt19937 random{20240229};
  const auto cases = every_case();
  for (unsigned round = 0; round < 20000; ++round) {
    const auto& chosen = cases[random() % cases.size()];
    auto frame = chosen.tunnel.tags(static_cast<unsigned>(random() % 3)).wrap(chosen.inner);
    for (unsigned changes = random() % 4 + 1; changes > 0; --changes) {
      frame[12 + random() % (frame.size() - 12)] = static_cast<std::uint8_t>(random());
    }
    if (random() % 4 == 0) frame.resize(ethernet_header + random() % (frame.size() - ethernet_header + 1));
    const auto outcome = send(frame);  // checks what it may do
    ASSERT_TRUE(outcome.what == "passed" || outcome.what.starts_with("dropped") || outcome.frame.size() < frame.size())
        << describe(frame);
  }
}

}  // namespace
}  // namespace ballast::packet
