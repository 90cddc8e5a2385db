#pragma once
#include <functional>
#include <map>
#include <memory>

#include "common/bus/messages.hpp"
#include "daemons/scriptd/policy/rise_fall.hpp"
#include "daemons/scriptd/shell/runner.hpp"

namespace ballast::scriptd {

/// Where the states of vrrp_scripts go.
struct ScriptSink {
  std::function<void(const bus::ScriptState&)> publish;
  std::function<void(const std::string& name)> withdraw;
  std::function<void(bus::Event)> event;
};

/// Runs the vrrp_scripts of the configuration, each at its interval. One that has not changed notices no reload.
class ScriptLoops {
 public:
  ScriptLoops(boost::asio::io_context& io, Runner& runner, ScriptSink sink)
      : io_{io}, runner_{runner}, sink_{std::move(sink)} {}
  ~ScriptLoops() { stop(); }
  ScriptLoops(const ScriptLoops&) = delete;
  ScriptLoops& operator=(const ScriptLoops&) = delete;

  void apply(const config::Model& model);
  void stop();

 private:
  struct Loop;
  static boost::asio::awaitable<void> run(ScriptLoops* self, std::shared_ptr<Loop> loop);
  boost::asio::awaitable<Outcome> run_once(std::shared_ptr<Loop> loop);
  void tell(Loop& loop, const Outcome& outcome);

  boost::asio::io_context& io_;
  Runner& runner_;
  ScriptSink sink_;
  std::map<std::string, std::shared_ptr<Loop>> loops_;
};

}  // namespace ballast::scriptd
