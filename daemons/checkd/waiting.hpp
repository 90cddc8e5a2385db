#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "daemons/checkd/timer_slots.hpp"

namespace ballast::checkd {

/// The coroutine that awaits this, held until it is resumed with the values or thrown away.
template <class... Values>
class Sleeper {
 public:
  [[nodiscard]] auto wait() {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Values...)>(
        [this](auto handler) { handler_.emplace(std::move(handler)); }, boost::asio::use_awaitable);
  }
  void resume(Values... values) {
    auto handler = take();
    if (handler) std::move (*handler)(std::move(values)...);
  }
  /// Ends the coroutine where it stands.
  void drop() { take(); }

 private:
  using Handler = typename boost::asio::async_result<boost::asio::use_awaitable_t<>, void(Values...)>::handler_type;
  // What is resumed or ended may end this object.
  std::optional<Handler> take() {
    auto handler = std::move(handler_);
    handler_.reset();
    return handler;
  }
  std::optional<Handler> handler_;
};

/// The alarms of one io_context, driven by one of its timers.
class Clockwork final : public boost::asio::execution_context::service {
 public:
  static inline boost::asio::execution_context::id id;

  explicit Clockwork(boost::asio::execution_context& context);
  static Clockwork& of(boost::asio::io_context& io) { return boost::asio::use_service<Clockwork>(io); }

  static TimerSlots::Time now();
  void set(Alarm& alarm, TimerSlots::Time due);

 private:
  void shutdown() override;
  void arm();

  boost::asio::steady_timer timer_;
  TimerSlots slots_;
  std::optional<TimerSlots::Time> armed_;
  bool running_ = false;
};

/// An alarm that resumes a coroutine.
class Nap final : public Alarm {
 public:
  boost::asio::awaitable<void> until(Clockwork& clockwork, TimerSlots::Time due) {
    clockwork.set(*this, due);
    return sleeper_.wait();
  }
  void ring() override { sleeper_.resume(); }
  /// Ends the wait now, if there is one.
  void wake() {
    take_out();
    sleeper_.resume();
  }
  /// Ends the coroutine that awaits it.
  void drop() override {
    take_out();
    sleeper_.drop();
  }

 private:
  Sleeper<> sleeper_;
};

}  // namespace ballast::checkd
