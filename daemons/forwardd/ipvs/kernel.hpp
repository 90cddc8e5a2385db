#pragma once
#include <span>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "daemons/forwardd/engine.hpp"
#include "daemons/forwardd/ipvs/table.hpp"

namespace ballast::forwardd::ipvs {

/// Seconds, as the kernel counts them; for all services.
struct Timeouts {
  std::uint32_t tcp = 0;
  std::uint32_t tcp_fin = 0;
  std::uint32_t udp = 0;
  bool operator==(const Timeouts&) const = default;
};

/// One of the two daemons that tell another machine's IPVS of connections, or listen to it.
struct Syncer {
  bool tells = false;           ///< IPVS calls it `master`; else it listens (`backup`)
  config::SyncDaemon settings;  ///< `instance` means nothing; 0 and none: the kernel's defaults
};

/// A server as the kernel has it.
struct Seen {
  net::Endpoint endpoint;
  Destination destination;
  ServerCounters counters;
};

/// What the kernel can be asked and told. An error names the request.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// All services, also those of others; `destinations` are left empty.
  virtual Result<Table> services() = 0;
  virtual Result<std::vector<Seen>> destinations(const ServiceKey& service) = 0;
  /// One after the other, each whether the one before succeeded or not; an errno for each, 0: done.
  virtual std::vector<int> apply(std::span<const Change> changes) = 0;
  virtual Result<Timeouts> timeouts() = 0;
  virtual Result<> set_timeouts(const Timeouts& timeouts) = 0;
  virtual Result<std::vector<Syncer>> syncers() = 0;
  virtual Result<> start(const Syncer& syncer) = 0;
  virtual Result<> stop(const Syncer& syncer) = 0;
};

/// The running kernel, by generic netlink. An error says that it has no IPVS, and what to do.
Result<std::unique_ptr<Kernel>> open_kernel();

}  // namespace ballast::forwardd::ipvs
