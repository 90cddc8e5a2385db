#include "daemons/checkd/waiting.hpp"

namespace ballast::checkd {

namespace asio = boost::asio;

Clockwork::Clockwork(asio::execution_context& context)
    : service{context}, timer_{static_cast<asio::io_context&>(context)}, slots_{now()} {}

TimerSlots::Time Clockwork::now() { return std::chrono::steady_clock::now().time_since_epoch(); }

void Clockwork::set(Alarm& alarm, TimerSlots::Time due) {
  slots_.set(alarm, due);
  if (!running_ && (!armed_ || due < *armed_)) arm();
}

void Clockwork::arm() {
  const auto next = slots_.next();
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  timer_.expires_at(asio::steady_timer::time_point{*next});
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;  // set to an earlier time
    armed_.reset();
    running_ = true;
    slots_.run(now());
    running_ = false;
    arm();
  });
}

void Clockwork::shutdown() {
  running_ = true;
  slots_.clear();
}

}  // namespace ballast::checkd
