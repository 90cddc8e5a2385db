#pragma once
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/bus/broker.hpp"

namespace ballast::bus {

/// Called on the loop's thread.
struct ServerHandlers {
  std::function<void(Request)> request;  ///< to ballastd; answered by Broker::reply()
  std::function<void(const std::string& role, const std::string& why)>
      refused;                                                ///< does not run the configuration in force
  std::function<void(const std::string& topic)> published{};  ///< by a daemon: Broker::retained() has the value
};

/// The bus's end in ballastd: the socket `<run-dir>/bus.sock` and the connections to it, around a Broker.
class Server {
 public:
  /// Makes the run directory where it is missing, takes its lock (an error names who has it), replaces the socket of a
  /// dead predecessor and listens. Readable for the group `ballast`.
  static Result<std::unique_ptr<Server>> open(boost::asio::io_context& io, const std::filesystem::path& run_dir,
                                              ServerHandlers handlers);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] Broker& broker();

 private:
  struct Impl;
  explicit Server(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::bus
