#pragma once
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/bus/client.hpp"
#include "tools/ballastctl/status.hpp"

namespace ballast::ctl {

/// A connection to ballastd, used from top to bottom: each call returns when the answer is there.
class Session {
 public:
  /// Connects, and waits until all values below these prefixes have been handed over. `event` is called for events
  /// while `follow` runs. Errors say what to do.
  static Result<std::unique_ptr<Session>> open(const std::filesystem::path& run_dir, std::vector<std::string> prefixes,
                                               std::function<void(const bus::Event&)> event = {},
                                               std::chrono::milliseconds patience = std::chrono::seconds{5});
  ~Session();

  [[nodiscard]] const Topics& topics() const { return topics_; }
  Result<nlohmann::json> request(const std::string& to, const std::string& method, nlohmann::json params,
                                 std::chrono::milliseconds timeout = std::chrono::seconds{5});
  /// Hands over events until interrupted.
  void follow();
  /// Handles what comes until `holds` says so, which is asked at first and whenever something has come; false: the time
  /// is over.
  bool await(const std::function<bool()>& holds, std::chrono::steady_clock::time_point limit);

 private:
  Session(const std::filesystem::path& socket, std::vector<std::string> prefixes,
          std::function<void(const bus::Event&)> event);
  bus::ClientHandlers handlers(std::function<void(const bus::Event&)> event);

  boost::asio::io_context io_;
  Topics topics_;
  std::set<std::string> awaited_;  ///< prefixes whose snapshot has not ended
  bool connected_ = false;
  bool changed_ = false;  ///< something has come that `await` has not looked at
  bus::Client client_;
};

}  // namespace ballast::ctl
