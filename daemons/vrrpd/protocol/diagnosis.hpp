#pragma once
// The doctor's judgement: from what was seen to what is wrong, what it means and what to do.
#include <vector>

#include "common/bus/diagnosis.hpp"
#include "daemons/vrrpd/protocol/observation.hpp"

namespace ballast::vrrpd {

using Findings = std::vector<bus::Finding>;

/// What is wrong with one instance.
Findings diagnose(const Observation& seen);
/// What is wrong with the machine.
Findings diagnose(const HostObservation& seen);
/// The gravest first; what is equally grave keeps its order.
void sort_by_gravity(Findings& findings);

// The parts of the first, each appending what it finds.
void diagnose_interface(const Observation& seen, Findings& findings);  ///< link, source, addresses on this host
void diagnose_passage(const Observation& seen, Findings& findings);    ///< what is lost between the wire and vrrpd
void diagnose_peers(const Observation& seen, Findings& findings);      ///< what others advertise
void diagnose_owners(const Observation& seen, Findings& findings);     ///< who answers for the addresses

/// The sender's advertisements reach the wire here but not the daemon.
bool is_kept_out(const Arrival& arrival);
/// Advertisements of this VRID that pass every check, of another router that is MASTER.
bool is_master_elsewhere(const Observation& seen, const Heard& heard);
/// Another group of routers that has taken the same VRID: none of the addresses are ours.
bool is_other_group(const Observation& seen, const Heard& heard);

}  // namespace ballast::vrrpd
