// The Preprocessor's include and its stricter variants.
#include <algorithm>

#include "common/config/preprocess.hpp"

namespace ballast::config {
namespace {

/// What each variant holds to be an error; plain `include` tells of a missing file in a warning.
struct Variant {
  std::string_view keyword;
  bool unreadable;        ///< a file that matches cannot be read
  bool missing;           ///< a name without wildcards matches nothing
  bool missing_wildcard;  ///< a pattern matches nothing
};
constexpr std::array variants{Variant{"include", false, false, false}, Variant{"includer", true, false, false},
                              Variant{"includem", true, true, false},  Variant{"includew", true, true, true},
                              Variant{"includeb", true, true, false},  Variant{"includea", true, true, true}};

}  // namespace

bool Preprocessor::include(const Line& line) {
  const auto view = line.text.view();
  if (!view.starts_with("include")) return false;
  const auto end = std::min(view.find_first_of(" \t"), view.size());
  const auto variant = std::ranges::find(variants, view.substr(0, end), &Variant::keyword);
  if (variant == variants.end()) return false;
  auto name = line.text.part(end);
  name.trim();
  const auto id = sources_.add_line(line.origin);
  const auto at = name.empty() ? line.text.span(id, 0, end) : name.span(id, 0, name.size());
  if (name.empty()) {
    report_.error(at, fmt::format("'{}' has no value: expected FILE", variant->keyword));
    return true;
  }
  std::string pattern{name.view()};
  if (pattern.size() > 1 && pattern.front() == '"' && pattern.back() == '"')
    pattern = pattern.substr(1, pattern.size() - 2);
  const auto path = std::filesystem::path{pattern}.is_absolute() ? std::filesystem::path{pattern} : folder_ / pattern;
  const bool wildcard = pattern.find_first_of("*?[{") != std::string::npos;
  const auto found = files_.glob(path.string());
  if (found.empty() && (wildcard ? variant->missing_wildcard : variant->missing)) {
    report_.error(at, fmt::format("no file matches '{}'", pattern));
  } else if (found.empty() && !wildcard) {
    report_.warning(at, fmt::format("there is no file '{}': nothing is included", pattern));
  }
  for (const auto& file : found) include_file(file, line, at, variant->unreadable);
  return true;
}

void Preprocessor::include_file(const std::filesystem::path& path, const Line& line, Position at, bool required) {
  if (!spend(line.origin)) return;
  if (std::ranges::find(open_files_, path.lexically_normal()) != open_files_.end()) {
    report_.error(at, fmt::format("'{}' includes itself", path.string()));
    return;
  }
  if (open_files_.size() > settings_.limits.depth) {
    report_.error(at, fmt::format("files in files, more than {} deep", settings_.limits.depth));
    return;
  }
  auto text = files_.read(path);
  if (!text) {
    auto message = fmt::format("'{}' cannot be read: {}", path.string(), text.error().message);
    if (required)
      report_.error(at, std::move(message));
    else
      report_.warning(at, std::move(message));
    return;
  }
  run(path.string(), std::move(*text), path);
}

}  // namespace ballast::config
