#include "daemons/scriptd/shell/post.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <ctime>

#include "common/runtime/log.hpp"

namespace ballast::scriptd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_waiting = 100;
constexpr std::chrono::minutes longest{15};  ///< three tries with their pauses

Scene this_moment() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> time{};
  strftime(time.data(), time.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {host_name(), time.data()};
}

}  // namespace

void Post::send(const Notice& notice, const config::Global& global) {
  if (has_room())
    send({fmt::format("{} {}: mail", notice.subject.name, notice.occasion),
          alert_arguments(notice, global, this_moment()), global});
}

void Post::send(const ServiceNotice& notice, const config::Global& global) {
  if (has_room())
    send({fmt::format("{} {}: mail", notice.subject, notice.up ? "UP" : "DOWN"),
          alert_arguments(notice, global, this_moment()), global});
}

bool Post::has_room() {
  if (waiting_.size() < most_waiting) return true;
  if (dropped_++ == 0) log::warning("{} alerts wait for the mail server: further ones are left out", most_waiting);
  return false;
}

void Post::send(Letter letter) {
  waiting_.push_back(std::move(letter));
  if (!std::exchange(running_, true)) asio::co_spawn(io_, work(), asio::detached);
}

asio::awaitable<void> Post::work() {
  while (!waiting_.empty() && !runner_.stopping()) {
    auto letter = std::move(waiting_.front());
    waiting_.pop_front();
    auto prepared = prepare_own("ballast-mail", letter.arguments, letter.global);
    if (!prepared) {
      log::error("{}: {}", letter.label, prepared.error().message);
      continue;
    }
    Job job{letter.label, std::move(*prepared), longest};
    const auto outcome = co_await runner_.run(std::move(job));
    if (!outcome.success) log::warning("{}: not sent: {}", letter.label, outcome.how);
    if (const auto dropped = std::exchange(dropped_, 0); dropped > 0) log::warning("{} alerts were left out", dropped);
  }
  if (!waiting_.empty()) log::warning("{} alerts were not sent: scriptd ends", waiting_.size());
  waiting_.clear();
  running_ = false;
}

}  // namespace ballast::scriptd
