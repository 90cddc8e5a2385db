// Arbitrary bytes as what connections send: framing, frames, the broker's answers, and a participant that reads them.
#include <cstdint>
#include <set>

#include "common/bus/broker.hpp"
#include "tests/fuzz/require.hpp"

namespace ballast::bus {
namespace {

constexpr std::size_t small_frame = 1U << 16;
constexpr std::array<const char*, 5> roles{"vrrpd", "checkd", "forwardd", "ctl", ""};

class Harness : public BrokerHost {
 public:
  Harness() {
    broker_.offer(config::Model{}, [](const Result<>&) {});
    for (const char* role : roles) {
      ids_.push_back(broker_.connect({.pid = 1, .uid = 0, .groups = {}, .user = "root"}));
      if (*role == '\0') continue;
      broker_.receive(ids_.back(),
                      {{"op", "hello"}, {"role", role}, {"protocol", protocol_version}, {"configuration", true}});
      broker_.receive(ids_.back(), {{"op", "subscribe"}, {"prefix", ""}});
    }
  }

  runtime::TimePoint now() override { return time_; }
  double unix_time() override { return 1; }
  void wake(ConnectionId) override {}
  void drop(ConnectionId id) override { dropped_.insert(id); }
  void note(log::Level, const std::string&) override {}
  void request(Request request) override { asked_.push_back(std::move(request)); }
  void refused(const std::string&, const std::string&) override {}

  /// The first byte says whose the bytes are, and how far the clock goes on.
  void feed(std::uint8_t choice, std::string_view bytes) {
    const auto id = ids_[choice % ids_.size()];
    if ((choice & 0x40) != 0) time_ += std::chrono::seconds{choice & 0x3f};
    FrameDecoder decoder{small_frame};
    decoder.feed(bytes.substr(0, bytes.size() / 2));
    take_frames(id, decoder);
    decoder.feed(bytes.substr(bytes.size() / 2));
    take_frames(id, decoder);
    broker_.tick();
    for (const auto& asked : std::exchange(asked_, {})) broker_.reply(asked.from, asked.id, asked.params);
    if ((choice & 0x80) != 0) broker_.offer(config::Model{}, [](const Result<>&) {});
    for (const auto gone : std::exchange(dropped_, {})) broker_.disconnected(gone);
    for (const auto reader : ids_) read(reader);
  }

 private:
  void take_frames(ConnectionId id, FrameDecoder& decoder) {
    for (;;) {
      const auto text = decoder.next();
      if (!text) return broker_.malformed(id, text.error().message);
      if (!*text) return;
      const auto frame = parse_frame(**text);
      if (!frame) return broker_.malformed(id, frame.error().message);
      broker_.receive(id, *frame);
      offer_to_participant(*frame);
    }
  }
  void offer_to_participant(const nlohmann::json& frame) {
    participant_.object(frame);
    participant_.commit(frame);
    participant_.apply(frame);
  }
  /// Whatever came in, what goes out is well-formed.
  void read(ConnectionId id) {
    for (auto frames = broker_.take(id, small_frame); !frames.empty(); frames = broker_.take(id, small_frame)) {
      for (const auto& frame : frames) {
        FrameDecoder decoder{max_frame};
        decoder.feed(*frame);
        const auto text = decoder.next();
        require(text && *text && decoder.buffered() == 0, "what goes out is one whole frame");
        require(parse_frame(**text).has_value(), "what goes out is a JSON object");
      }
    }
  }

  runtime::TimePoint time_{std::chrono::hours{1}};
  std::set<ConnectionId> dropped_;
  std::vector<Request> asked_;
  std::vector<ConnectionId> ids_;
  ConfigParticipant participant_{nullptr};
  Broker broker_{*this, {.accounts = {}, .instance = "fuzz", .limits = {.state = 1U << 14, .message = 1U << 14}}};
};

}  // namespace
}  // namespace ballast::bus

/// Pieces: a byte that chooses, two bytes of length, and so many bytes from that connection.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ballast::bus::Harness harness;
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  while (rest.size() > 3) {
    const auto choice = static_cast<std::uint8_t>(rest[0]);
    const auto length =
        static_cast<std::size_t>(static_cast<std::uint8_t>(rest[1]) << 8 | static_cast<std::uint8_t>(rest[2]));
    harness.feed(choice, rest.substr(3, length));
    rest.remove_prefix(std::min(rest.size(), 3 + length));
  }
  return 0;
}
