// ballast_verify: hands every BPF object of Ballast to this machine's kernel and prints what its verifier says of each program.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "daemons/forwardd/xdp/program.hpp"

namespace ballast {
namespace {

struct ShippedObject {
  const char* name;
  std::span<const char> image;
};

/// A further object is one more line.
const ShippedObject shipped[] = {
    {"forwardd", forwardd::xdp::program_image()},
};

/// Half of what the verifier works through before it gives up (BPF_COMPLEXITY_LIMIT_INSNS).
constexpr unsigned most_instructions = 500'000;
/// Bytes of stack for a chain of calls (MAX_BPF_STACK).
constexpr unsigned most_stack = 512;
constexpr std::uint32_t stats_only = 4;  // BPF_LOG_STATS
constexpr std::size_t log_size = 1 << 20;

/// What the verifier tells of a program that it has taken.
struct Figures {
  unsigned instructions = 0;  ///< visited, over all paths
  unsigned peak_states = 0;
  std::vector<unsigned> stack;  ///< bytes: the program's own, then each of its subprograms'
  unsigned microseconds = 0;
};

struct Program {
  bpf_program* handle;
  std::unique_ptr<std::vector<char>> log;
};

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

std::vector<unsigned> parse_stack(std::string frames) {
  std::vector<unsigned> bytes;
  std::istringstream in{frames};
  for (std::string frame; std::getline(in, frame, '+');) bytes.push_back(static_cast<unsigned>(std::stoul(frame)));
  return bytes;
}

/// The figures in a log of level BPF_LOG_STATS; nothing when one of them is missing.
std::optional<Figures> parse_figures(const std::string& log) {
  Figures figures;
  bool has_time = false;
  bool has_counts = false;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    std::array<char, 256> frames{};
    if (std::sscanf(line.c_str(), "verification time %u usec", &figures.microseconds) == 1) has_time = true;
    if (std::sscanf(line.c_str(), "stack depth %255[0-9+]", frames.data()) == 1) figures.stack = parse_stack(frames.data());
    const auto peak = line.find("peak_states ");
    if (std::sscanf(line.c_str(), "processed %u insns", &figures.instructions) == 1 && peak != std::string::npos) {
      has_counts = std::sscanf(line.c_str() + peak, "peak_states %u", &figures.peak_states) == 1;
    }
  }
  if (!has_time || !has_counts || figures.stack.empty()) return std::nullopt;
  return figures;
}
