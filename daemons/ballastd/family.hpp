#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "daemons/ballastd/family_file.hpp"
#include "daemons/ballastd/member.hpp"

namespace ballast::ballastd {

struct FamilyOptions {
  std::filesystem::path run_dir;
  std::filesystem::path pin_dir;
  bool verbose = false;
  bool unload_on_exit = false;  ///< take the data path out of the kernel at the end
};

/// vrrpd, scriptd, checkd and forwardd as ballastd's own children (`--standalone`). ballastd's own death leaves them
/// running; its successor takes them over.
struct Patience {
  std::chrono::milliseconds absence;  ///< of vrrpd before another machine takes over
  std::chrono::seconds shutdown{0};   ///< of the shutdown script, which scriptd runs at its end
  bool operator==(const Patience&) const = default;
};

class Family {
 public:
  struct Handlers {
    std::function<void(bus::Event)> event;
    std::function<void()> withdrawn;  ///< a dead vrrpd's addresses are gone
  };
  /// An error says which program is not there.
  static Result<std::unique_ptr<Family>> make(boost::asio::io_context& io, FamilyOptions options, Handlers handlers);

  void start();
  /// vrrpd first, so that its addresses are handed over while everything still works.
  boost::asio::awaitable<void> stop();
  void set_patience(const Patience& patience);

 private:
  Family(boost::asio::io_context& io, FamilyOptions options, Handlers handlers);
  boost::asio::awaitable<void> withdraw();

  boost::asio::io_context& io_;
  FamilyOptions options_;
  Handlers handlers_;
  FamilyFile file_;
  std::vector<std::unique_ptr<Member>> members_;  ///< in the order in which they are stopped
  Member* scriptd_ = nullptr;
};

/// `absence`: the shortest time after which a peer of any instance takes over: three advertisement intervals.
Patience patience_of(const config::Model& model);

}  // namespace ballast::ballastd
