#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/bus/messages.hpp"

namespace ballast::vrrpd {

/// Which instances leave their role to another router. Their time ends here, too, for ballastd may be away then.
class Holds {
 public:
  using Changed = std::function<void(const std::string& instance)>;

  Holds(boost::asio::io_context& io, Changed changed) : timer_{io}, changed_{std::move(changed)} {}
  /// None: undone.
  void set(const std::string& instance, std::optional<bus::VrrpHold> hold);
  /// `handed over by root`, `maintenance by root, until 13:20:05 UTC`; none: not held.
  [[nodiscard]] std::optional<std::string> reason(const std::string& instance) const;

 private:
  void await_end();
  void end();

  boost::asio::steady_timer timer_;
  Changed changed_;
  std::map<std::string, bus::VrrpHold> holds_;
};

}  // namespace ballast::vrrpd
