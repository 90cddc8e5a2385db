#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/config/model.hpp"
#include "daemons/checkd/sources/looker.hpp"

namespace ballast::checkd {

/// Where what was found goes: the bus, or a test.
struct SourceSink {
  std::function<void(const bus::SourceState&)> publish;
  std::function<void(const std::string& service, unsigned number)> withdraw;
  std::function<void(const bus::Event&)> event;
};

/// Looks up the servers of every real_servers_from of a configuration, one coroutine each, and hands on what is found.
class Sources {
 public:
  Sources(boost::asio::io_context& io, SourceSink sink, LookUpSettings settings = {});
  ~Sources();
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  /// What an earlier checkd left on the bus, until begin(): its servers are kept until they are looked up anew.
  void recall(const bus::SourceState& kept);
  /// All there was has been recalled. A configuration that came before this waits for it.
  void begin();

  /// Sources whose query is the same go on as they are.
  void apply(const config::Model& model);
  /// Ends all looking up.
  void stop();

 private:
  using Place = std::pair<std::string, unsigned>;  ///< service and number
  struct Run;
  struct Wanted;
  std::shared_ptr<Run> take_over(const Place& place, const Wanted& wanted);
  std::shared_ptr<Run> start(const Place& place, const Wanted& wanted);
  static void end(Run& run);
  void tell(const std::shared_ptr<Run>& run, const SourceMemory::Step& step);
  static boost::asio::awaitable<void> look(Sources* self, std::shared_ptr<Run> run);
  static boost::asio::awaitable<void> wait_turn(Sources* self, std::shared_ptr<Run> run, config::Duration wait);

  boost::asio::io_context& io_;
  SourceSink sink_;
  LookUpSettings settings_;
  std::map<Place, std::shared_ptr<Run>> runs_;
  std::map<Place, bus::SourceState> kept_;  ///< told by an earlier checkd, not taken over yet
  std::optional<config::Model> early_;
  bool begun_ = false;
};

}  // namespace ballast::checkd
