#pragma once
#include <memory>
#include <string>
#include <vector>

#include "daemons/scriptd/shell/fifo.hpp"
#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// The FIFOs of the configuration and the programs that read them: notify_fifo gets all lines, vrrp_notify_fifo those
/// of roles, lvs_notify_fifo those of services and servers.
class Pipes {
 public:
  Pipes(boost::asio::io_context& io, Runner& runner) : io_{io}, runner_{runner} {}
  Pipes(const Pipes&) = delete;
  Pipes& operator=(const Pipes&) = delete;

  void apply(const config::Global& global);
  void write_role(const std::string& line);
  void write_service(const std::string& line);

 private:
  struct Pipe {
    config::NotifyFifo wanted;
    std::shared_ptr<Fifo> fifo;
    std::shared_ptr<bool> reads;  ///< false: its reader is not started again
    bool roles = false;
    bool services = false;
  };
  void add(const config::NotifyFifo& wanted, bool roles, bool services, std::vector<Pipe>& before);
  boost::asio::awaitable<void> keep_reader(config::NotifyFifo wanted, std::shared_ptr<bool> reads);

  boost::asio::io_context& io_;
  Runner& runner_;
  config::Global global_;
  std::vector<Pipe> pipes_;
};

}  // namespace ballast::scriptd
