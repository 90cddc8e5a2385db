#pragma once
#include "common/config/binder.hpp"

namespace ballast::config {

/// Makes the model of what was read: fills in defaults, resolves groups and inheritance, and reports what cannot be.
Model resolve(Binder& binder);
/// Every interface that is named, where it is named first.
std::vector<InterfaceUse> interface_uses(Binder& binder);

// The parts of resolve().
void resolve_vrrp(Binder& binder, Model& model);
/// What an instance says about elections, and what strict_mode says about it; after the rest of it is made.
void resolve_election(Binder& binder, const InstanceDraft& draft, VrrpInstance& made);
void resolve_kernel(Binder& binder, Model& model);
/// vrrp_scripts, and what instances and groups do not say about notifications themselves; after these are made.
void resolve_scripts(Binder& binder, Model& model);
void resolve_services(Binder& binder, Model& model);
/// After scripts and services.
void resolve_tracking(Binder& binder, Model& model);

}  // namespace ballast::config
