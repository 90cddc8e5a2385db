#pragma once
#include <span>

namespace ballast::forwardd::xdp {

/// The compiled BPF object that is built into forwardd.
std::span<const char> program_image();

}  // namespace ballast::forwardd::xdp
