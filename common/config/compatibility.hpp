#pragma once
#include <string>

namespace ballast::config {

/// docs/keepalived-compatibility.md: every keyword of keepalived.conf(5), block by block, and whether it is done.
std::string compatibility_page();

}  // namespace ballast::config
