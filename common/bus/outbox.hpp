#pragma once
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/retained.hpp"

namespace ballast::bus {

/// What waits to be written to one connection. State that nobody has taken yet is bounded: beyond the bound it is
/// dropped and every subscription begins anew with a snapshot. A snapshot is read from the retained values only as fast
/// as it is taken, so a slow reader holds no copies.
class Outbox {
 public:
  enum class Kind : std::uint8_t {
    state,    ///< may be dropped: a snapshot makes up for it, or it is an event
    message,  ///< a reply, a request: bounded, never dropped
    config,   ///< shared by all; never dropped
  };
  struct Limits {
    std::size_t state = 4U << 20;     ///< bytes of Kind::state
    std::size_t message = 16U << 20;  ///< bytes of Kind::message before one more is too many
  };
  enum class Outcome : std::uint8_t { queued, overflowed, full };

  explicit Outbox(Limits limits) : limits_{limits} {}

  /// `overflowed`: what was queued of state is gone, snapshots begin anew. `full`: the reader takes nothing; give it
  /// up.
  Outcome push(Kind kind, FrameBytes frame);
  /// A topic's change, if a subscription wants it and no snapshot is going to tell it anyway.
  Outcome change(const std::string& topic, const FrameBytes& frame);
  /// Begins with a snapshot, also when it is subscribed already. False: there are that many.
  bool subscribe(std::string prefix, std::size_t limit);
  [[nodiscard]] bool wants_events() const { return events_; }

  [[nodiscard]] bool empty() const { return queue_.empty() && !snapshot_due(); }
  /// The next frames, about that many bytes of them.
  std::vector<FrameBytes> take(const Retained& retained, const std::vector<std::string>& settled, std::size_t bytes);

 private:
  struct Subscription {
    std::string prefix;
    bool begun = false;
    bool done = false;
    std::string last;  ///< the last topic told of the snapshot
  };
  struct Item {
    Kind kind;
    FrameBytes frame;
  };
  [[nodiscard]] bool snapshot_due() const;
  void drop_state();
  std::size_t continue_snapshot(Subscription& subscription, const Retained& retained, std::size_t bytes,
                                std::vector<FrameBytes>& out);

  Limits limits_;
  std::deque<Item> queue_;
  std::size_t state_bytes_ = 0;
  std::size_t message_bytes_ = 0;
  std::vector<Subscription> subscriptions_;
  bool events_ = false;
};

}  // namespace ballast::bus
