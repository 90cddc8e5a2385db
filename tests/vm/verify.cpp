// ballast_verify: hands every BPF object of Ballast to this machine's kernel and prints what its verifier says of each
// program. Fails where the kernel takes one not, or one comes near the verifier's limit. Needs root.
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "daemons/forwardd/xdp/program.hpp"
#include "tools/realserver/clients.hpp"
#include "tools/realserver/tunnel.hpp"

namespace ballast {
namespace {

struct ShippedObject {
  const char* name;
  std::span<const char> image;
};

/// A further object is one more line.
const ShippedObject shipped_objects[] = {
    {"forwardd", forwardd::xdp::program_image()},
    {"realserver_tunnel", realserver::tunnel_image()},
    {"realserver_clients", realserver::clients_image()},
};

/// Half of what the verifier works through before it gives up (BPF_COMPLEXITY_LIMIT_INSNS).
constexpr unsigned most_instructions = 500'000;
/// What the verifier says of a program that it has taken.
struct Figures {
  unsigned instructions = 0;  ///< followed, over all paths
  unsigned peak_states = 0;
  unsigned microseconds = 0;
  std::string stack;  ///< bytes of its frame and of each subprogram's: 272+48+96 (a chain of calls has 512)
};

class LoadedObject {
 public:
  explicit LoadedObject(const ShippedObject& shipped) : name_{shipped.name} {
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = shipped.name);
    object_.reset(bpf_object__open_mem(shipped.image.data(), shipped.image.size(), &options));
    if (!object_) return;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_.get()) {
      auto& log = programs_.emplace_back(Logged{program, std::vector<char>(log_size)}).log;
      bpf_program__set_log_level(program, stats_only);
      bpf_program__set_log_buf(program, log.data(), log.size());
    }
    error_ = bpf_object__load(object_.get());
  }

  /// Prints a line for each program, and the verifier's words where there is no such line. Whether all is well.
  [[nodiscard]] bool report() const;

 private:
  static constexpr std::uint32_t stats_only = 4;  // BPF_LOG_STATS
  static constexpr std::size_t log_size = 64 * 1024;

  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  struct Logged {
    bpf_program* program;
    std::vector<char> log;
  };

  std::string name_;
  std::vector<Logged> programs_;  // outlives the object, which writes to the logs
  std::unique_ptr<bpf_object, Close> object_;
  int error_ = -EINVAL;
};

/// The figures in a log of level BPF_LOG_STATS; nothing where one of them is missing.
std::optional<Figures> parse(const std::string& log) {
  Figures figures;
  std::array<char, 256> stack{};
  int found = 0;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    found += std::sscanf(line.c_str(), "verification time %u usec", &figures.microseconds) == 1;
    found += std::sscanf(line.c_str(), "stack depth %255[0-9+]", stack.data()) == 1;
    found += std::sscanf(line.c_str(), "processed %u insns", &figures.instructions) == 1;
    const auto peak = line.find("peak_states ");
    if (peak == std::string::npos) continue;
    found += std::sscanf(line.c_str() + peak, "peak_states %u", &figures.peak_states) == 1;
  }
  figures.stack = stack.data();
  return found == 4 ? std::optional{figures} : std::nullopt;
}

bool is_within_limit(const std::string& program, const Figures& figures) {
  if (figures.instructions <= most_instructions) return true;
  fmt::print("{}: the verifier follows {} instructions, more than {}: split the program\n", program,
             figures.instructions, most_instructions);
  return false;
}

bool LoadedObject::report() const {
  if (!object_) {
    fmt::print("{}: libbpf cannot read the object\n", name_);
    return false;
  }
  bool is_well = error_ == 0;
  if (!is_well) fmt::print("{}: the kernel does not take it: {}\n", name_, std::strerror(-error_));
  for (const auto& [program, log] : programs_) {
    const auto full_name = fmt::format("{}/{}", name_, bpf_program__name(program));
    const auto figures = parse(log.data());
    if (error_ != 0 || !figures) {
      fmt::print("{}: the verifier says: {}\n", full_name, log.data());
      is_well = false;
      continue;
    }
    fmt::print("{:<32} {:>12} {:>11} {:>12} {}\n", full_name, figures->instructions, figures->peak_states,
               figures->microseconds, figures->stack);
    is_well = is_within_limit(full_name, *figures) && is_well;
  }
  return is_well;
}

int silent(libbpf_print_level level, const char* format, va_list arguments) {
  return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

}  // namespace
}  // namespace ballast

int main() {
  libbpf_set_print(ballast::silent);
  utsname machine{};
  uname(&machine);
  fmt::print("Linux {}\n{:<32} {:>12} {:>11} {:>12} {}\n", machine.release, "program", "instructions", "peak_states",
             "microseconds", "stack");
  bool is_well = true;
  for (const auto& shipped : ballast::shipped_objects) {
    const ballast::LoadedObject object{shipped};
    is_well = object.report() && is_well;
  }
  return is_well ? 0 : 1;
}
