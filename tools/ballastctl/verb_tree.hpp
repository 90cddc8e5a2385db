#pragma once
// The verbs with what they take: abbreviations, completions and checks of the manual are made from it.
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace ballast::ctl {

/// What completes a word of the command line.
enum class Words : std::uint8_t { none, files, folders, services, servers, instances, conditions, choices };

/// One option, or one place for a word without one.
struct Operand {
  std::vector<std::string> names;  ///< `-n`, `--lines`; of a place: one name as in the manual, `SERVICE`
  std::string help;
  bool takes_value = false;
  bool optional = false;             ///< a place that may be left out: what is meant for the next may stand here
  bool repeats = false;              ///< a place that goes on to the end of the line
  Words words = Words::none;         ///< what its value may be
  std::vector<std::string> choices;  ///< of Words::choices
};

struct Verb {
  std::string name;
  std::string help;
  std::vector<Operand> options;
  std::vector<Operand> places;
  std::vector<Verb> verbs;
  bool hidden = false;  ///< for programs: typed in full, and neither told of nor completed
};

/// The program with all its verbs; those of no group are hidden.
Verb verb_tree(const CLI::App& app);

/// A verb within another; null: none of that name.
const Verb* find(const Verb& within, std::string_view name);
/// The option of a verb or, as they may stand anywhere, of the root; null: none.
const Operand* find_option(const Verb& root, const Verb& verb, std::string_view name);

}  // namespace ballast::ctl
