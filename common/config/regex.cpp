#include "common/config/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace ballast::config {
namespace {

struct Option {
  std::string_view name;
  std::uint32_t value;
};

constexpr std::array<Option, 24> options{{{"allow_empty_class", PCRE2_ALLOW_EMPTY_CLASS},
                                          {"alt_bsux", PCRE2_ALT_BSUX},
                                          {"auto_callout", PCRE2_AUTO_CALLOUT},
                                          {"caseless", PCRE2_CASELESS},
                                          {"dollar_endonly", PCRE2_DOLLAR_ENDONLY},
                                          {"dotall", PCRE2_DOTALL},
                                          {"dupnames", PCRE2_DUPNAMES},
                                          {"extended", PCRE2_EXTENDED},
                                          {"firstline", PCRE2_FIRSTLINE},
                                          {"match_unset_backref", PCRE2_MATCH_UNSET_BACKREF},
                                          {"multiline", PCRE2_MULTILINE},
                                          {"never_ucp", PCRE2_NEVER_UCP},
                                          {"never_utf", PCRE2_NEVER_UTF},
                                          {"no_auto_capture", PCRE2_NO_AUTO_CAPTURE},
                                          {"no_auto_possess", PCRE2_NO_AUTO_POSSESS},
                                          {"no_dotstar_anchor", PCRE2_NO_DOTSTAR_ANCHOR},
                                          {"no_start_optimize", PCRE2_NO_START_OPTIMIZE},
                                          {"ucp", PCRE2_UCP},
                                          {"ungreedy", PCRE2_UNGREEDY},
                                          {"utf", PCRE2_UTF},
                                          {"never_backslash_c", PCRE2_NEVER_BACKSLASH_C},
                                          {"alt_circumflex", PCRE2_ALT_CIRCUMFLEX},
                                          {"alt_verbnames", PCRE2_ALT_VERBNAMES},
                                          {"use_offset_limit", PCRE2_USE_OFFSET_LIMIT}}};

constexpr std::uint32_t match_limit = 1'000'000;
constexpr std::uint32_t depth_limit = 100'000;
constexpr std::uint32_t heap_limit = 8U << 10;  // KiB

/// What a search may take of the processor. PCRE2's own limits hold for one starting point, and a text has a million:
/// it calls us at every item of the pattern instead (PCRE2_AUTO_CALLOUT).
class Allowance {
 public:
  static constexpr long most = 10'000'000;  // ns
  /// No item takes longer than reading this many bytes, but those whose end the next call tells.
  static constexpr std::size_t bytes_an_item = 2'048;
  static constexpr std::size_t bytes_a_look = 64U << 10;  // between two looks at the clock

  bool is_used_up(std::size_t position) {
    work_ += bytes_an_item + (position > last_ ? position - last_ : last_ - position);
    last_ = position;
    if (work_ < bytes_a_look) return false;
    work_ = 0;
    return now() - begin_ > most;
  }

 private:
  static long now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<long>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  }
  long begin_ = now();
  std::size_t work_ = 0;
  std::size_t last_ = 0;
};

int on_item(pcre2_callout_block* block, void* allowance) {
  return static_cast<Allowance*>(allowance)->is_used_up(block->current_position) ? PCRE2_ERROR_CALLOUT : 0;
}

struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

std::vector<std::string_view> regex_option_names() {
  std::vector<std::string_view> names;
  for (const auto& option : options) names.push_back(option.name);
  return names;
}

void Regex::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Result<Regex> Regex::compile(const BodyRegex& wanted) {
  std::uint32_t flags = PCRE2_AUTO_CALLOUT;
  for (const auto& name : wanted.options) {
    const auto* found = std::ranges::find(options, name, &Option::name);
    if (found == options.end()) return fail("'{}' is no option of a regex", name);
    flags |= found->value;
  }
  if (wanted.max_offset > 0) flags |= PCRE2_USE_OFFSET_LIMIT;
  if ((flags & PCRE2_UTF) != 0) flags |= PCRE2_MATCH_INVALID_UTF;  // a body may be anything
  int error = 0;
  std::size_t where = 0;
  auto* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(wanted.pattern.data()), wanted.pattern.size(), flags, &error,
                             &where, nullptr);
  if (code != nullptr) return Regex{code, wanted.min_offset, wanted.max_offset};
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return fail("{}, at character {} of the regex", reinterpret_cast<const char*>(text.data()), where + 1);
}

Regex::Found Regex::search(std::string_view text) const {
  if (min_offset_ > text.size()) return Found::nothing;
  const std::unique_ptr<pcre2_match_context, FreeContext> context{pcre2_match_context_create(nullptr)};
  const std::unique_ptr<pcre2_match_data, FreeData> data{pcre2_match_data_create(1, nullptr)};
  if (!context || !data) return Found::failed;
  Allowance allowance;
  pcre2_set_match_limit(context.get(), match_limit);
  pcre2_set_depth_limit(context.get(), depth_limit);
  pcre2_set_heap_limit(context.get(), heap_limit);
  pcre2_set_callout(context.get(), on_item, &allowance);
  if (max_offset_ > 0) pcre2_set_offset_limit(context.get(), max_offset_ - 1);
  const int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), min_offset_, 0,
                                data.get(), context.get());
  switch (found) {
    case PCRE2_ERROR_NOMATCH:
      return Found::nothing;
    case PCRE2_ERROR_CALLOUT:
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
      return Found::given_up;
    default:
      return found >= 0 ? Found::match : Found::failed;
  }
}

}  // namespace ballast::config
