#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <memory>

#include "daemons/forwardd/xdp/census.hpp"
#include "daemons/forwardd/xdp/load_table.hpp"
#include "daemons/forwardd/xdp/object.hpp"

namespace ballast::forwardd::xdp {

/// Runs the sweep program every second, in a thread of its own, as a full table takes a while: it deletes what has
/// expired and counts what is left, against which the servers' loads are put right. A sweep that costs much comes less
/// often.
class Sweeper {
 public:
  /// `servers` answers how many server indices are in use, 0 included.
  Sweeper(boost::asio::io_context& io, const Object& object, LoadTable& load, LoadTable census,
          std::function<std::uint32_t()> servers, Tell tell);
  ~Sweeper();
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  /// How long after a sweep of so much CPU time the next one begins. empty: it found no connection.
  static std::chrono::nanoseconds pause_after(std::chrono::nanoseconds took, bool empty);

 private:
  struct Outcome {
    int error = 0;
    layout::sweep_result result{};
    std::chrono::nanoseconds took{};
  };
  static Outcome sweep(int program);
  void wait(std::chrono::nanoseconds delay);
  void start();
  void finish(const Outcome& outcome);
  void correct();
  void warn();

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  const Object& object_;
  LoadTable& load_;
  LoadTable census_;
  std::function<std::uint32_t()> servers_;
  Tell tell_;
  DriftFinder drift_;
  /// A drop that forwardd tells of once a sweep, as somebody has to do something about it.
  struct Watched {
    layout::drop_reason reason;
    const char* subject;
    std::string (*words)(std::uint64_t count);
    std::optional<std::uint64_t> counted;  ///< as of the last look
  };
  static std::vector<Watched> all_watched();
  std::vector<Watched> watched_ = all_watched();
  bool told_failure_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  boost::asio::thread_pool pool_{1};
};

}  // namespace ballast::forwardd::xdp
