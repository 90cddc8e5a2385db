#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/config/model_checks.hpp"
#include "common/result.hpp"

struct pcre2_real_code_8;

namespace ballast::config {

/// The names of options of a regex: PCRE2's in small letters.
std::vector<std::string_view> regex_option_names();

/// A compiled BodyRegex. Searching is bounded in time and memory, whatever the pattern and the text are.
class Regex {
 public:
  enum class Found : std::uint8_t {
    match,
    nothing,
    given_up,  ///< it would have taken more than some ms, or some MiB
    failed,    ///< out of memory, or a fault of the pattern that shows only now
  };
  /// A fault is told with the character of the pattern where it is.
  static Result<Regex> compile(const BodyRegex& wanted);
  [[nodiscard]] Found search(std::string_view text) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  Regex(pcre2_real_code_8* code, std::uint32_t min_offset, std::uint32_t max_offset)
      : code_(code), min_offset_(min_offset), max_offset_(max_offset) {}
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  std::uint32_t min_offset_;
  std::uint32_t max_offset_;
};

}  // namespace ballast::config
