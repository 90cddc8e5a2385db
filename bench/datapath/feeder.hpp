#pragma once
// Feeds a program with packets of many flows, and measures what a packet costs.
#include <memory>
#include <optional>

#include "bench/datapath/world.hpp"

struct feed;

namespace ballast::bench {

enum class From : std::uint8_t { client, server };

/// Which packets: of which service, from whom, with what flags, over which flows.
struct Stream {
  const Service* service = nullptr;
  From from = From::client;
  std::uint8_t flags = tcp_ack;
  std::uint32_t first_flow = 0;
  std::uint32_t flows = 1;   ///< a power of two
  bool in_turn = false;      ///< one flow after the other; else as if at random, so that no cache foresees the next
  std::uint8_t payload = 0;  ///< bytes of data in each packet
  const std::vector<feed_answer>* answers = nullptr;  ///< by flow: what FNAT servers answer to
};

/// The first packet of a stream.
Packet packet_of(const Stream& stream);

class Feeder {
 public:
  static Result<Feeder> load();

  /// Packets of this stream from now on, from its first flow on.
  /// `passed`: packets of the stream that are left out at its start.
  void select(const Stream& stream, std::uint32_t passed = 0);
  /// The program that gets the packets; none: they are transmitted as they are.
  Result<> call(std::optional<int> program);

  struct Outcome {
    double nanoseconds = 0;  ///< a packet
    std::uint32_t verdict = 0;
    std::vector<std::uint8_t> frame;  ///< the last packet as the program left it
  };
  /// One packet after the other, `packets` of them, on this CPU.
  [[nodiscard]] Result<Outcome> run(std::uint32_t packets) const;
  /// Whole handshakes of flows [0, count) of a service, one after the other, to the program set by `call`.
  [[nodiscard]] Result<Outcome> shake_hands(const Service& service, std::uint32_t count);
  /// The descriptor of the program that makes this stream's packets.
  [[nodiscard]] int program() const;
  [[nodiscard]] const std::vector<std::uint8_t>& frame() const { return frame_; }

 private:
  struct Destroy {
    void operator()(feed* skeleton) const;
  };
  std::unique_ptr<feed, Destroy> skeleton_;
  forwardd::xdp::MappedArray<feed_answer> answers_;
  Stream stream_;
  std::vector<std::uint8_t> frame_;
};

/// Runs a program `packets` times on a frame (BPF_PROG_RUN).
Result<Feeder::Outcome> run_program(int program, const std::vector<std::uint8_t>& frame, std::uint32_t packets);

/// Brings flows [0, count) of a service to established by whole handshakes, and checks that they are. FNAT: returns
/// what its servers answer to, by flow.
Result<std::vector<feed_answer>> establish(Feeder& feeder, const World& world, const Service& service,
                                           std::uint32_t count);

/// Each of these FNAT connections gets data of its server, which knows the client from then on: TOA ends.
Result<> let_servers_speak(Feeder& feeder, const World& world, const Service& service,
                           const std::vector<feed_answer>& answers);

}  // namespace ballast::bench
