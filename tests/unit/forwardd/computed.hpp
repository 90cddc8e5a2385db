#pragma once
#include "daemons/forwardd/computation.hpp"

namespace ballast::forwardd {

/// What follows from the inputs for all services, whatever has changed.
struct Computed {
  DesiredState state;
  std::vector<bus::ServiceState> reports;
  std::optional<double> again;

  static Computed by(Computation& computation, const config::Model& model, const Inputs& inputs, double now) {
    computation.configure(model);
    for (const auto& service : model.virtual_servers) computation.service_changed(service.name);
    const auto changes = computation.update(inputs, now);
    return {computation.state(), computation.reports(), changes.again};
  }
};

}  // namespace ballast::forwardd
