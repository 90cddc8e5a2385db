#include <algorithm>

#include "common/config/loader.hpp"

namespace ballast::config {
namespace {

/// Blanks as wide as the text; tabs stay, so that the caret stands below what it points at.
std::string blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool continuation = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (!continuation) out += c == '\t' ? '\t' : ' ';
  }
  return out;
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
  std::string place = diagnostic.file;
  if (diagnostic.line > 0) place += fmt::format(":{}:{}", diagnostic.line, diagnostic.column);
  std::string out = fmt::format("{}: {}: {}", place, diagnostic.severity, diagnostic.message);
  if (diagnostic.line == 0 || diagnostic.source_line.empty()) {
    return diagnostic.hint.empty() ? out : fmt::format("{} ({})", out, diagnostic.hint);
  }
  const std::string_view line = diagnostic.source_line;
  const auto begin = std::min<std::size_t>(diagnostic.column > 0 ? diagnostic.column - 1 : 0, line.size());
  const auto marked = std::max<std::size_t>(width(line.substr(begin, diagnostic.length)), 1);
  out += fmt::format("\n{:>5} | {}\n      | {}^{}", diagnostic.line, line, blanks(line.substr(0, begin)),
                     std::string(marked - 1, '~'));
  if (!diagnostic.hint.empty()) out += " " + diagnostic.hint;
  return out;
}

void to_json(nlohmann::json& json, const Diagnostic& value) {
  json = {{"severity", value.severity}, {"file", value.file},
          {"line", value.line},         {"column", value.column},
          {"length", value.length},     {"message", value.message},
          {"hint", value.hint},         {"source_line", value.source_line}};
}

void from_json(const nlohmann::json& json, Diagnostic& value) {
  json.at("severity").get_to(value.severity);
  json.at("file").get_to(value.file);
  json.at("line").get_to(value.line);
  json.at("column").get_to(value.column);
  json.at("length").get_to(value.length);
  json.at("message").get_to(value.message);
  json.at("hint").get_to(value.hint);
  json.at("source_line").get_to(value.source_line);
}

bool Loaded::ok() const {
  return std::ranges::none_of(diagnostics, [](const Diagnostic& d) { return d.severity == Severity::error; });
}

std::vector<Diagnostic> check_machine(const Loaded& loaded, const std::vector<std::string>& interface_names) {
  std::vector<Diagnostic> missing;
  for (const auto& use : loaded.interfaces) {
    if (std::ranges::find(interface_names, use.interface) == interface_names.end()) missing.push_back(use.missing);
  }
  return missing;
}

}  // namespace ballast::config
