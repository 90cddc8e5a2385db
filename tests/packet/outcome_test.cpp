// What the data path counts of new connections to a server that passive_check watches: answered, unanswered, refused;
// and how many clients saw them fail.
#include "tests/packet/full_nat.hpp"
#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

struct Seen {
  std::uint64_t answered = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t refused = 0;
  bool operator==(const Seen&) const = default;
};
void PrintTo(const Seen& seen, std::ostream* out) {
  *out << seen.answered << " answered, " << seen.unanswered << " unanswered, " << seen.refused << " refused";
}

class Outcomes : public Scenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (!IsSkipped()) DataPath::await_uptime(60);
  }
  [[nodiscard]] DesiredServer watched(Method method = Method::nat, unsigned port = 8080) const {
    auto made = server(1, 1, method, port);
    made.watched = true;
    return made;
  }
  void nat() { have(service(vip(), {watched()})); }
  void dr() { have(service(vip(), {watched(Method::dr, 80)})); }

  [[nodiscard]] Seen seen(unsigned port = 8080) {
    const auto stats = path().stats(name(1, port));
    return {stats.answered, stats.unanswered, stats.refused};
  }
  /// A SYN sent again, as clients do after a second.
  void again(const Packet& request) {
    path().let_pass(request, 1);
    EXPECT_EQ(send(request.syn()).verdict, Verdict::transmit);
  }
  unsigned failed(unsigned port = 8080) { return path().take_failed_clients(name(1, port)); }
};

TEST_P(Outcomes, NatTheServersSynAckIsAnAnswerOnce) {
  nat();
  establish_nat(from_client(), 1);
  EXPECT_EQ(seen(), (Seen{.answered = 1}));
  send(answer(from_client().syn().ack(), 1));
  send(from_client().ack().data("GET /"));
  send(answer(from_client().rst().ack(), 1));
  EXPECT_EQ(seen(), (Seen{.answered = 1}));
  EXPECT_EQ(failed(), 0U);
}

TEST_P(Outcomes, NatASynSentAgainIsUnansweredOnceAConnection) {
  nat();
  send(from_client().syn());
  EXPECT_EQ(seen(), Seen{});
  again(from_client());
  EXPECT_EQ(seen(), (Seen{.unanswered = 1}));
  EXPECT_EQ(path().connection(from_client()), (Connection{"SYN_RECV", name(1), false}));
  EXPECT_EQ(path().load(name(1)), (Load{0, 1}));
  again(from_client());
  EXPECT_EQ(seen(), (Seen{.unanswered = 1}));
  EXPECT_EQ(failed(), 1U);
  EXPECT_EQ(failed(), 0U) << "read and cleared";
}

TEST_P(Outcomes, TwoSynsAtOnceSayNothing) {
  nat();
  for (unsigned number = 0; number < 20; ++number) {
    send(from_client(number).syn());
    send(from_client(number).syn());
  }
  EXPECT_LE(seen().unanswered, 1U) << "unless a second ends between them";
}

TEST_P(Outcomes, NatALateAnswerTakesItBack) {
  nat();
  send(from_client().syn());
  again(from_client());
  EXPECT_EQ(seen(), (Seen{.unanswered = 1}));
  send(answer(from_client().syn().ack(), 1));
  EXPECT_EQ(seen(), (Seen{.answered = 1}));
  again(from_client());
  EXPECT_EQ(seen(), (Seen{.answered = 1})) << "the answer was lost on the client's side";
  send(from_client().ack());
  EXPECT_EQ(path().connection(from_client()), (Connection{"ESTABLISHED", name(1), true}));
  EXPECT_EQ(seen(), (Seen{.answered = 1}));
}

TEST_P(Outcomes, NatAServersResetInAnswerToASynIsARefusal) {
  nat();
  send(from_client().syn());
  send(answer(from_client().rst().ack(), 1));
  EXPECT_EQ(seen(), (Seen{.refused = 1}));
  EXPECT_EQ(failed(), 1U);
  send(answer(from_client().rst().ack(), 1));
  EXPECT_EQ(seen(), (Seen{.refused = 1})) << "once a connection";
  send(from_client(1).syn());
  again(from_client(1));
  send(answer(from_client(1).rst().ack(), 1));
  EXPECT_EQ(seen(), (Seen{.refused = 2})) << "no longer unanswered";
}

TEST_P(Outcomes, AResetLaterIsNone) {
  nat();
  send(from_client().syn());
  send(answer(from_client().syn().ack(), 1));
  send(answer(from_client().rst().ack(), 1));
  EXPECT_EQ(seen(), (Seen{.answered = 1}));
}

TEST_P(Outcomes, NothingThatAClientSendsIsTheServersWord) {
  nat();
  send(from_client().syn());
  send(from_client().ack());
  send(from_client().syn().ack());
  EXPECT_EQ(seen(), Seen{});
  send(from_client().rst());
  EXPECT_EQ(seen(), Seen{});
  send(from_client(1).syn());
  path().let_pass(from_client(1), 1);
  send(from_client(1).syn().ack());
  EXPECT_EQ(seen(), Seen{}) << "no SYN sent again";
  EXPECT_EQ(failed(), 0U);
}

TEST_P(Outcomes, AnAnswerFromAnotherServerIsNone) {
  have({service(vip(), {watched()}), service(vip(81), {server(2)})});
  send(from_client().syn());
  EXPECT_EQ(send(answer(from_client().rst().ack(), 2)).verdict, Verdict::pass);
  EXPECT_EQ(seen(), Seen{});
}

TEST_P(Outcomes, AClientThatGivesUpStaysUnanswered) {
  nat();
  send(from_client().syn());
  again(from_client());
  send(from_client().rst());
  EXPECT_EQ(seen(), (Seen{.unanswered = 1}));
}

TEST_P(Outcomes, DrTheClientsAcknowledgementSaysThatTheServerAnswered) {
  dr();
  establish_dr(from_client(), 1);
  EXPECT_EQ(seen(80), (Seen{.answered = 1}));
  send(from_client().ack().data("GET /"));
  send(from_client().fin().ack());
  EXPECT_EQ(seen(80), (Seen{.answered = 1}));
}

TEST_P(Outcomes, DrASynSentAgainIsUnansweredUntilTheClientGoesOn) {
  dr();
  send(from_client().syn());
  again(from_client());
  again(from_client());
  EXPECT_EQ(seen(80), (Seen{.unanswered = 1}));
  EXPECT_EQ(failed(80), 1U);
  send(from_client().ack());
  EXPECT_EQ(seen(80), (Seen{.answered = 1}));
  EXPECT_EQ(path().connection(from_client()), (Connection{"ESTABLISHED", name(1, 80), true}));
}

TEST_P(Outcomes, DrAClientsResetIsNoRefusal) {
  dr();
  send(from_client().syn());
  send(from_client().rst());
  EXPECT_EQ(seen(80), Seen{});
}

TEST_P(Outcomes, TunAsDr) {
  have(service(vip(), {watched(Method::tun, 80)}));
  send(from_client().syn());
  again(from_client());
  EXPECT_EQ(seen(80), (Seen{.unanswered = 1}));
  send(from_client().ack());
  EXPECT_EQ(seen(80), (Seen{.answered = 1}));
}

TEST_P(Outcomes, ClientsOfOneNetworkCountAsOne) {
  nat();
  const auto of = [&](const char* v4, const char* v6) {
    return tcp(net::Endpoint{address(is_v6() ? v6 : v4), 40000}, vip());
  };
  for (const auto& packet : {of("198.51.100.1", "2001:db8:1:1::1"), of("198.51.100.200", "2001:db8:1:1:ffff::9")}) {
    send(packet.syn());
    again(packet);
  }
  EXPECT_EQ(seen(), (Seen{.unanswered = 2}));
  EXPECT_EQ(failed(), 1U);
  for (unsigned network = 0; network < 40; ++network) {
    const auto packet =
        of(fmt::format("198.51.{}.1", network).c_str(), fmt::format("2001:db8:2:{:x}::1", network).c_str());
    send(packet.syn());
    again(packet);
  }
  EXPECT_GT(failed(), 20U) << "some fall together";
}

TEST_P(Outcomes, OfServersThatNobodyWatchesNothingIsCounted) {
  have(service(vip(), {server(1)}));
  establish_nat(from_client(), 1);
  send(from_client(1).syn());
  again(from_client(1));
  send(from_client(2).syn());
  send(answer(from_client(2).rst().ack(), 1));
  EXPECT_EQ(seen(), Seen{});
  EXPECT_EQ(failed(), 0U);
}

TEST_P(Outcomes, AFreshServerAtTheSameIndexBeginsAtNothing) {
  nat();
  send(from_client().syn());
  again(from_client());
  have_nothing();
  nat();
  EXPECT_EQ(seen(), Seen{});
  EXPECT_EQ(failed(), 0U);
}

BALLAST_BOTH_FAMILIES(Outcomes);

class FullNatOutcomes : public FullNatScenario {
 protected:
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    DataPath::await_uptime(60);
    auto made = full_nat(config::ClientAddress::toa);
    made.servers[0].watched = true;
    have(made);
  }
  [[nodiscard]] Seen seen() {
    const auto stats = path().stats(name(1));
    return {stats.answered, stats.unanswered, stats.refused};
  }
};

TEST_P(FullNatOutcomes, AnswersRefusalsAndSilenceAreTheServers) {
  const auto local = open(from_client().syn());
  send(reply(local).syn().ack());
  EXPECT_EQ(seen(), (Seen{.answered = 1}));
  send(reply(open(from_client(1).syn())).rst().ack());
  EXPECT_EQ(seen(), (Seen{.answered = 1, .refused = 1}));
  const auto late = open(from_client(2).syn());
  path().let_pass(from_client(2), 1);
  EXPECT_EQ(open(from_client(2).syn()), late) << "the port stays";
  EXPECT_EQ(seen(), (Seen{.answered = 1, .unanswered = 1, .refused = 1}));
  EXPECT_EQ(path().take_failed_clients(name(1)), 1U);
  send(reply(late).syn().ack());
  EXPECT_EQ(seen(), (Seen{.answered = 2, .unanswered = 0, .refused = 1}));
}

BALLAST_BOTH_FAMILIES(FullNatOutcomes);

}  // namespace
}  // namespace ballast::packet
