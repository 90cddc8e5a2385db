// Packets on two CPUs at once.
#include <atomic>
#include <thread>

#include "tests/packet/scenario.hpp"

namespace ballast::packet {
namespace {

constexpr unsigned connections = 10000;

class Concurrency : public Scenario {
 protected:
  [[nodiscard]] Sizes sizes() const override { return {.flows = 32768, .half_open = 65536, .fresh = true}; }
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

TEST_P(Concurrency, TheSameSynOnBothCpusIsOneConnection) {
  have(service(vip(), {server(1), server(2)}));
  std::atomic<unsigned> sent = 0;
  in_two_threads([&](unsigned) {
    for (unsigned number = 0; number < connections; ++number) {
      if (path().replay(connection(number).syn().bytes()) == Verdict::transmit) ++sent;
    }
  });
  EXPECT_EQ(sent + path().drops("raced"), 2 * connections);
  EXPECT_EQ(path().stats(name(1)).connections + path().stats(name(2)).connections, connections);
  EXPECT_EQ(path().total_load(), (Load{0, connections}));
  EXPECT_EQ(path().sweep(30).half_open, connections);
  EXPECT_EQ(path().entries(), 2 * connections) << "what the packets that came too late left is swept away";
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

}  // namespace
}  // namespace ballast::packet
