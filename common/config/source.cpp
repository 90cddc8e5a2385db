#include "common/config/source.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_set>

namespace ballast::config {
namespace {

/// Lines of a password or a key, misspelt ones included: a message ends in logs.
bool tells_a_secret(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  return line.starts_with("auth_p") || line.starts_with("key");
}

constexpr std::size_t max_diagnostics = 10'000;  ///< more help nobody
constexpr std::size_t max_message = 1'000;       ///< bytes, whatever names the text has
constexpr std::size_t max_quoted_line = 4'096;   ///< bytes of a source line that a diagnostic carries

/// The length of the UTF-8 sequence at the start of `text`; 0: none, or a control character that no text holds.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return first == 0 || (first < 0x20 && first != '\t' && first != '\r') || first == 0x7f ? 0 : 1;
  const std::size_t length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (first >= 0xf5 || length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

Sources::Sources() { lines_.push_back({}); }

std::uint32_t Sources::add_file(std::string name, std::string text) {
  File file{std::move(name), std::move(text), {0}, {}};
  if (file.text.starts_with("\xef\xbb\xbf")) file.text.erase(0, 3);
  std::uint32_t number = 1;
  for (std::size_t i = 0; i < file.text.size();) {
    if (file.text[i] >= ' ' && file.text[i] < 0x7f) {
      ++i;
      continue;
    }
    if (file.text[i] == '\n') {
      ++i;
      file.starts.push_back(i);
      ++number;
      continue;
    }
    const auto length = sequence_length(std::string_view{file.text}.substr(i, 4));
    if (length == 0) {
      if (file.bad.empty() || file.bad.back().first != number) {
        file.bad.emplace_back(number, static_cast<std::uint32_t>(i - file.starts.back() + 1));
      }
      file.text[i] = '?';
    }
    i += std::max<std::size_t>(length, 1);
  }
  files_.push_back(std::move(file));
  return static_cast<std::uint32_t>(files_.size() - 1);
}

std::uint32_t Sources::add_line(Origin origin) {
  lines_.push_back(origin);
  return static_cast<std::uint32_t>(lines_.size() - 1);
}

std::uint32_t Sources::line_count(std::uint32_t file) const {
  return static_cast<std::uint32_t>(files_[file].starts.size());
}

std::string_view Sources::line_text(Origin origin) const {
  if (origin.number == 0 || origin.file >= files_.size()) return {};
  const auto& file = files_[origin.file];
  const auto begin = file.starts[origin.number - 1];
  const auto end = origin.number < file.starts.size() ? file.starts[origin.number] - 1 : file.text.size();
  auto line = std::string_view{file.text}.substr(begin, end - begin);
  while (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::uint32_t Sources::bad_byte(Origin origin) const {
  const auto& bad = files_[origin.file].bad;
  const auto found = std::lower_bound(bad.begin(), bad.end(), std::pair{origin.number, 0U});
  return found != bad.end() && found->first == origin.number ? found->second : 0;
}

std::string shorten(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return std::string{text};
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xc0) == 0x80) --longest;
  return std::string{text.substr(0, longest)} + "…";
}

void Report::error(Position at, std::string message, std::string hint) {
  add(Severity::error, at, std::move(message), std::move(hint));
}

void Report::warning(Position at, std::string message, std::string hint) {
  add(Severity::warning, at, std::move(message), std::move(hint));
}

Diagnostic Report::make(Severity severity, Position at, std::string message, std::string hint) const {
  const auto origin = sources_.origin(at.line);
  Diagnostic made;
  made.severity = severity;
  made.file = sources_.name(origin.file);
  made.line = origin.number;
  made.column = origin.number == 0 ? 0 : at.column;
  made.length = std::max(at.length, 1U);
  made.message = message.size() > max_message ? shorten(message, max_message) : std::move(message);
  made.hint = shorten(hint, max_message);
  const auto line = sources_.line_text(origin);
  if (line.size() <= max_quoted_line && !tells_a_secret(line)) made.source_line = line;
  return made;
}

std::string Report::where(Position at) const {
  const auto origin = sources_.origin(at.line);
  return fmt::format("{}:{}", sources_.name(origin.file), origin.number);
}

void Report::add(Severity severity, Position at, std::string message, std::string hint) {
  if (entries_.size() >= max_diagnostics) {
    ++left_out_;  // take() ends with an error that says so
    return;
  }
  entries_.push_back({at, make(severity, at, std::move(message), std::move(hint))});
}

std::vector<Diagnostic> Report::take() {
  const auto key = [](const Entry& entry) { return std::tuple{entry.at.line, entry.at.column}; };
  std::ranges::stable_sort(entries_, {}, key);
  std::vector<Diagnostic> all;
  std::unordered_set<std::string> told;  // a line of a ~SEQ is read often, and its fault is one
  for (auto& [at, diagnostic] : entries_) {
    const auto& d = diagnostic;
    if (!told.insert(fmt::format("{}:{}:{}:{}", d.file, d.line, d.column, d.message)).second) continue;
    all.push_back(std::move(diagnostic));
  }
  if (left_out_ > 0) {
    Diagnostic more = all.back();
    more.severity = Severity::error;
    more.message = fmt::format("too many faults: {} further ones are left out", left_out_);
    more.hint.clear();
    all.push_back(std::move(more));
  }
  entries_.clear();
  return all;
}

}  // namespace ballast::config
