#pragma once
#include <string>

#include "common/bus/diagnosis.hpp"

namespace ballast::ctl {

/// The findings, a paragraph each, and at the end what was looked at.
std::string render_diagnosis(const bus::Diagnosis& diagnosis, bool colours);

}  // namespace ballast::ctl
