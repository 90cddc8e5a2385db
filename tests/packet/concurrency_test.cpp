// Packets on two CPUs at once.
#include <atomic>
#include <thread>

#include "tests/packet/full_nat.hpp"

namespace ballast::packet {
namespace {

constexpr unsigned connections = 10000;

class Concurrency : public Scenario {
 protected:
  [[nodiscard]] Sizes sizes() const override { return {.connections = 32768}; }
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    have(service(vip(), {server(1, 1, Method::dr, 80), server(2, 1, Method::dr, 80)}));
  }
  [[nodiscard]] Packet connection(unsigned number) const { return tcp(client(1024 + number), vip()); }

  /// Each thread calls it with numbers from 0 on, beginning at the same time.
  template <class Work>
  static void in_two_threads(Work work) {
    std::atomic<unsigned> ready = 0;
    const auto run = [&](unsigned thread) {
      ++ready;
      while (ready < 2) {
      }
      work(thread);
    };
    std::thread second{run, 1};
    run(0);
    second.join();
  }
  [[nodiscard]] Load sum() { return {load(1).active + load(2).active, load(1).inactive + load(2).inactive}; }
  Load load(unsigned number) { return path().load(name(number, 80)); }
  std::uint64_t counted() { return path().stats(name(1, 80)).connections + path().stats(name(2, 80)).connections; }
};

TEST_P(Concurrency, DifferentConnectionsAreAllCountedOnce) {
  in_two_threads([this](unsigned thread) {
    for (unsigned number = thread; number < connections; number += 2) {
      path().replay(connection(number).syn().bytes());
      path().replay(connection(number).ack().bytes());
    }
  });
  EXPECT_EQ(sum(), (Load{connections, 0}));
  EXPECT_EQ(counted(), connections);
  EXPECT_EQ(load(1).active, load(2).active) << "turns are taken across CPUs";
  in_two_threads([this](unsigned thread) {
    for (unsigned number = thread; number < connections; number += 2) path().replay(connection(number).rst().bytes());
  });
  EXPECT_EQ(sum(), (Load{0, connections}));
  EXPECT_EQ(path().sweep(1000).expired, connections);
  EXPECT_EQ(path().total_load(), Load{});
}

TEST_P(Concurrency, TheSameSynOnBothCpusIsNeverTwoConnections) {
  have(service(vip(), {server(1), server(2)}));
  std::atomic<unsigned> sent = 0;
  in_two_threads([&](unsigned) {
    for (unsigned number = 0; number < connections; ++number) {
      if (path().replay(connection(number).syn().bytes()) == Verdict::transmit) ++sent;
    }
  });
  EXPECT_EQ(sent + path().drops("raced"), 2 * connections);
  const auto counted = path().stats(name(1)).connections + path().stats(name(2)).connections;
  EXPECT_LE(counted, connections);
  EXPECT_EQ(path().total_load(), (Load{0, static_cast<std::uint32_t>(path().entries())}));
  for (unsigned number = 0; number < connections; ++number) path().replay(connection(number).syn().bytes());
  EXPECT_EQ(path().total_load(), (Load{0, connections})) << "who was refused has sent again";
  EXPECT_EQ(path().entries(), connections);
}

TEST_P(Concurrency, ASweepBesideTheTrafficTakesNothingThatLives) {
  std::atomic<bool> done = false;
  std::thread sweeping{[&] {
    while (!done) path().sweep(0);
  }};
  in_two_threads([this](unsigned thread) {
    for (unsigned number = thread; number < connections; number += 2) {
      path().replay(connection(number).syn().bytes());
      path().replay(connection(number).ack().bytes());
    }
  });
  done = true;
  sweeping.join();
  EXPECT_EQ(sum(), (Load{connections, 0}));
  EXPECT_EQ(path().sweep(0), (Sweep{.flows = connections, .half_open = 0, .expired = 0}));
}

BALLAST_BOTH_FAMILIES(Concurrency);

/// Both ends of a connection send at once, so that either's packet is looked up while the other's changes the
/// connection.
class Crossing : public FullNatScenario {
 protected:
  [[nodiscard]] Sizes sizes() const override { return {.connections = 32768}; }

  /// How many packets were not sent on, of two in each round; a little apart from each other, another way each time.
  template <class Round>
  unsigned lost_of(Round round) {
    std::atomic<unsigned> lost = 0, begun = 0, ended = 0;
    Bytes from_server;
    const auto replay_after = [&](unsigned moments, const Bytes& packet) {
      for (volatile unsigned left = moments; left > 0;) left = left - 1;
      if (path().replay(packet) != Verdict::transmit) ++lost;
    };
    std::thread server{[&] {
      for (unsigned number = 1; number <= connections; ended = number++) {
        while (begun < number) {
        }
        replay_after(number % 512, from_server);
      }
    }};
    for (unsigned number = 1; number <= connections; ++number) {
      const auto [packet, answer] = round(number);
      const auto from_client = packet.bytes();
      from_server = answer.bytes();
      begun = number;
      replay_after(256, from_client);
      while (ended < number) {
      }
    }
    server.join();
    return lost;
  }
};

TEST_P(Crossing, NatKnowsBothSidesPackets) {
  have(service(vip(), {server(1)}));
  EXPECT_EQ(lost_of([this](unsigned number) {
              const auto request = tcp(client(1024 + number), vip());
              path().replay(request.syn().bytes());
              path().replay(answer(request, 1).syn().ack().bytes());
              return std::pair{request.ack(), answer(request, 1).syn().ack()};
            }),
            0);
}

TEST_P(Crossing, FullNatKnowsBothSidesPackets) {
  have(full_nat(ClientAddress::none));
  EXPECT_EQ(lost_of([this](unsigned number) {
              const auto request = tcp(client(1024 + number), vip());
              const auto local = open(request.syn());
              path().replay(reply(local).syn().ack().bytes());
              return std::pair{request.ack(), reply(local).syn().ack()};
            }),
            0);
}

BALLAST_BOTH_FAMILIES(Crossing);

}  // namespace
}  // namespace ballast::packet
