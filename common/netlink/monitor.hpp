#pragma once
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "common/netlink/route_entry.hpp"
#include "common/netlink/types.hpp"
#include "common/result.hpp"

namespace ballast::netlink {

/// Called on the loop's thread for each change the kernel tells; `removed` marks deletions. All optional.
struct MonitorHandlers {
  std::function<void(const Link&, bool removed)> link;
  std::function<void(const Address&, bool removed)> address;
  std::function<void(const Neighbour&, bool removed)> neighbour;
  std::function<void()> route;                                       ///< some route or rule changed
  std::function<void(const RouteEntry&, bool removed)> route_entry;  ///< each entry, parsed
  std::function<void(const RuleEntry&, bool removed)> rule_entry;
  std::function<void()> resync;  ///< messages were lost (ENOBUFS): read everything again
};

/// Listens to the rtnetlink groups of the handlers that are set.
class Monitor {
 public:
  static Result<std::unique_ptr<Monitor>> open(boost::asio::io_context& io, MonitorHandlers handlers);
  ~Monitor();

 private:
  struct Impl;
  explicit Monitor(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::netlink
