#pragma once
#include <bpf/libbpf.h>

#include <array>
#include <cstdint>
#include <span>

#include "common/result.hpp"

namespace ballast::forwardd::xdp {

/// The compiled BPF object, embedded.
std::span<const char> program_image();

/// What is constant while a program lives (maps.h).
struct Constants {
  std::array<std::uint64_t, 2> seed{};
  std::uint32_t flow_lines = 0;
  std::uint32_t return_lines = 0;
  bool tracing = false;
};
/// Into an object that is opened and not loaded yet.
Result<> set_constants(bpf_object* object, const Constants& constants);

/// A seed that nobody can guess.
Result<std::array<std::uint64_t, 2>> draw_seed();

}  // namespace ballast::forwardd::xdp
