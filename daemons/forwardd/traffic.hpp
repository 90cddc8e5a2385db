#pragma once
// What checkd is told of new connections (passive_check): when, and whether there is anything to tell. Pure.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"

namespace ballast::forwardd {

class TrafficReports {
 public:
  /// Takes a configuration; services that stay go on with their counts. Those of which something was told and nothing
  /// will be any more are returned.
  std::vector<std::string> apply(const config::Model& model, double now);

  /// When the next interval ends; none: no service asks for it.
  [[nodiscard]] std::optional<double> next() const;

  /// Services whose interval has ended; the next one begins now.
  std::vector<std::string> due(double now);

  /// What to publish of a service, by its servers' counts of now: nothing while no connection fails; else those of the
  /// interval's beginning, unless they were told already, and those of now.
  std::vector<bus::ServiceTraffic> take(const std::string& service, std::vector<bus::ServerTraffic> counts);

 private:
  struct Service {
    double interval = 0;  ///< seconds
    double due = 0;
    std::optional<std::vector<bus::ServerTraffic>> last{};  ///< counts
    bool last_told = false;
    bool ever_told = false;
  };
  std::map<std::string, Service> services_;
};

}  // namespace ballast::forwardd
