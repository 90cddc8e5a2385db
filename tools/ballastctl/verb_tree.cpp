#include "tools/ballastctl/verb_tree.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <utility>

namespace ballast::ctl {
namespace {

/// What is completed how, by the name of an option or a place.
constexpr std::array by_name{std::pair{std::string_view{"FILE"}, Words::files},
                             std::pair{std::string_view{"--run-dir"}, Words::folders},
                             std::pair{std::string_view{"SERVICE"}, Words::services},
                             std::pair{std::string_view{"--service"}, Words::services},
                             std::pair{std::string_view{"SERVER"}, Words::servers},
                             std::pair{std::string_view{"--server"}, Words::servers},
                             std::pair{std::string_view{"INSTANCE"}, Words::instances},
                             std::pair{std::string_view{"CONDITION"}, Words::conditions}};

Words words_of(std::string_view name) {
  const auto* const found = std::ranges::find(by_name, name, &std::pair<std::string_view, Words>::first);
  return found == by_name.end() ? Words::none : found->second;
}

std::vector<std::string> cut(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

/// The members that CLI::IsMember tells of in the type's name: `TEXT:{bash,zsh}`.
std::vector<std::string> members_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  const auto open = type.find('{');
  const auto close = type.find('}', open);
  if (close == std::string::npos) return {};
  return cut(std::string_view{type}.substr(open + 1, close - open - 1), ",");
}

Operand option_of(const CLI::Option& option) {
  Operand made;
  for (const auto& name : option.get_snames()) made.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) made.names.push_back("--" + name);
  made.help = option.get_description();
  made.takes_value = option.get_items_expected_max() > 0;
  made.choices = members_of(option);
  made.words = !made.choices.empty() ? Words::choices : words_of(made.names.back());
  return made;
}

/// `[SERVICE] SERVER` are two places, the first of which may be left out; `CONDITION…` goes on.
std::vector<Operand> places_of(const CLI::Option& option) {
  constexpr std::string_view dots = "…";
  std::vector<Operand> places;
  for (auto word : cut(option.get_name(true), " ")) {
    Operand made;
    made.help = option.get_description();
    made.takes_value = true;
    made.optional = word.starts_with('[') || !option.get_required();
    std::erase_if(word, [](char c) { return c == '[' || c == ']'; });
    made.repeats = word.ends_with(dots);
    if (made.repeats) word.resize(word.size() - dots.size());
    made.choices = members_of(option);
    made.words = !made.choices.empty() ? Words::choices : words_of(word);
    made.names.push_back(std::move(word));
    places.push_back(std::move(made));
  }
  return places;
}

}  // namespace

Verb verb_tree(const CLI::App& app) {
  Verb made{app.get_name(), app.get_description(), {}, {}, {}, false};
  for (const auto* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    if (option->get_positional()) {
      for (auto& place : places_of(*option)) made.places.push_back(std::move(place));
    } else {
      made.options.push_back(option_of(*option));
    }
  }
  for (const auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    made.verbs.push_back(verb_tree(*verb));
    made.verbs.back().hidden = verb->get_group().empty();
  }
  std::ranges::sort(made.verbs, {}, &Verb::name);
  return made;
}

const Verb* find(const Verb& within, std::string_view name) {
  const auto found = std::ranges::find(within.verbs, name, &Verb::name);
  return found == within.verbs.end() ? nullptr : &*found;
}

const Operand* find_option(const Verb& root, const Verb& verb, std::string_view name) {
  for (const auto* each : {&verb, &root}) {
    for (const auto& option : each->options) {
      if (std::ranges::find(option.names, name) != option.names.end()) return &option;
    }
  }
  return nullptr;
}

}  // namespace ballast::ctl
