#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/config/model.hpp"

namespace ballast::config {

enum class Severity : std::uint8_t { warning, error };
constexpr auto enum_names(Severity*) {
  return std::array{pair{Severity::warning, string_view{"warning"}}, pair{Severity::error, string_view{"error"}}};
}

/// One fault, where it is, and the line it is in; rendered compiler-style with a caret.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  unsigned line = 0;    ///< from 1; 0: about the file as a whole
  unsigned column = 0;  ///< from 1, in bytes of the line as written
  unsigned length = 1;  ///< how many characters the caret underlines
  std::string message;
  std::string hint;  ///< "did you mean 'virtual_router_id'?"; may be empty
  std::string source_line;
};
void to_json(nlohmann::json& json, const Diagnostic& value);
void from_json(const nlohmann::json& json, Diagnostic& value);

/// `file:line:column: error: message`, the line, the caret and the hint; without a newline at the end.
std::string render(const Diagnostic& diagnostic);

struct LoadOptions {
  std::string config_id;                           ///< for `@id` lines; empty: the short host name
  std::map<std::string, std::string> environment;  ///< for `${_ENV…}`
  bool strict = false;                             ///< keywords that are still to come are errors
};

/// An interface that the configuration names, and what is to be said if the machine has none of that name.
struct InterfaceUse {
  std::string interface;
  Diagnostic missing;
};

struct Loaded {
  Model model;                           ///< meaningful only if there is no error
  std::vector<Diagnostic> diagnostics;   ///< in the order of the text
  std::vector<InterfaceUse> interfaces;  ///< each once, where it is named first
  [[nodiscard]] bool ok() const;         ///< no error (warnings may be)
};

/// Reads a file with all that it includes. Never throws; a file that is not there is a diagnostic.
Loaded load_file(const std::filesystem::path& file, const LoadOptions& options);

/// The same for text that is already at hand (tests, fuzzing); `name` stands in diagnostics, includes are relative to
/// its folder.
Loaded load_text(std::string_view text, const std::string& name, const LoadOptions& options);

/// What depends on the machine: a warning for each interface that the configuration names and the machine has not.
std::vector<Diagnostic> check_machine(const Loaded& loaded, const std::vector<std::string>& interface_names);

/// Passwords and keys made unreadable.
Model without_secrets(Model model);

/// The model as a configuration file again; reading it gives the same model.
std::string print(const Model& model);

}  // namespace ballast::config
