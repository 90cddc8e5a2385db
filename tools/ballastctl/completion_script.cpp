#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/ballastctl/completion.hpp"

namespace ballast::ctl {
namespace {

std::string_view text_of(Words words) {
  switch (words) {
    case Words::none:
      return "none";
    case Words::files:
      return "files";
    case Words::folders:
      return "folders";
    case Words::services:
      return "services";
    case Words::servers:
      return "servers";
    case Words::instances:
      return "instances";
    case Words::conditions:
      return "conditions";
    case Words::choices:
      break;
  }
  return "choices";
}

/// How a value is completed, as one word of the script: `servers`, `=bash,zsh`.
std::string way_of(const Operand& operand) {
  if (operand.words == Words::choices) return fmt::format("={}", fmt::join(operand.choices, ","));
  return std::string{text_of(operand.words)};
}

/// Calls `action(path, verb)` for the program and all verbs; the path is what is typed: ``, `server`, `server drain`.
template <class Action>
void for_each_verb(const Verb& verb, const std::string& path, const Action& action) {
  action(path, verb);
  for (const auto& inner : verb.verbs) {
    if (!inner.hidden) for_each_verb(inner, path.empty() ? inner.name : path + " " + inner.name, action);
  }
}

/// In single quotes, as both shells read it.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += R"('\'')";
    else
      out += c;
  }
  return out + "'";
}

/// The ways of the places in turn. Where one may be left out, what is meant for the next may stand there.
std::vector<std::string> places_of(const Verb& verb) {
  std::vector<std::string> places;
  for (std::size_t i = 0; i < verb.places.size(); ++i) {
    auto way = way_of(verb.places[i]);
    if (verb.places[i].optional && i + 1 < verb.places.size()) way += "|" + way_of(verb.places[i + 1]);
    places.push_back(way + (verb.places[i].repeats ? "+" : ""));
  }
  return places;
}

std::string table(const Verb& root, std::string_view name, auto line_of) {
  std::string out = fmt::format("_ballastctl_{}() {{\n  case $1 in\n", name);
  for_each_verb(root, "", [&](const std::string& path, const Verb& verb) {
    if (const std::string line = line_of(verb); !line.empty())
      out += fmt::format("    {}) {} ;;\n", in_quotes(path), line);
  });
  return out + "  esac\n}\n";
}

std::vector<std::string> option_names(const Verb& verb) {
  std::vector<std::string> names;
  for (const auto& option : verb.options) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

/// Options with a value and how it is completed: `--service:services`.
std::vector<std::string> option_ways(const Verb& verb) {
  std::vector<std::string> ways;
  for (const auto& option : verb.options) {
    if (!option.takes_value) continue;
    for (const auto& name : option.names) ways.push_back(name + ":" + way_of(option));
  }
  return ways;
}

/// What both shells share: the tables, and where on the line the word to be completed is.
std::string tables(const Verb& root) {
  const auto words = [](const auto& list) {
    return list.empty() ? std::string{} : fmt::format("echo {}", in_quotes(fmt::format("{}", fmt::join(list, " "))));
  };
  std::string out;
  out += table(root, "verbs", [&](const Verb& verb) {
    std::vector<std::string> names;
    for (const auto& inner : verb.verbs) {
      if (!inner.hidden) names.push_back(inner.name);
    }
    return words(names);
  });
  out += table(root, "options", [&](const Verb& verb) { return words(option_names(verb)); });
  out += table(root, "values", [&](const Verb& verb) { return words(option_ways(verb)); });
  out += table(root, "places", [&](const Verb& verb) { return words(places_of(verb)); });
  return out;
}

constexpr std::string_view walk = R"sh(
# The only one of the words after the first that begins with the first, or is it; nothing: none or several.
_ballastctl_only() {
  local typed=$1 each found=
  shift
  for each in "$@"; do
    [[ $each == "$typed" ]] && { echo "$each"; return; }
    [[ $each == "$typed"* ]] || continue
    [[ -z $found ]] || return
    found=$each
  done
  echo "$found"
}

# How the value of option $2 of the verb $1 is completed; nothing: it has none.
_ballastctl_way() {
  local each
  for each in $(_ballastctl_values "$1") $(_ballastctl_values ''); do
    [[ ${each%%:*} == "$2" ]] && { echo "${each#*:}"; return; }
  done
}

# Reads the words before the one to be completed; sets trail (the verbs), rest (the words in places), node (where
# ballastd is) and way (the word to be completed is the value of an option).
_ballastctl_walk() {
  local word verb
  trail='' way=''
  rest=() node=()
  while (($# > 0)); do
    word=$1
    shift
    if [[ $word == -* ]]; then
      if [[ $word == *=* ]]; then
        [[ $word == --run-dir=* ]] && node=("$word")
        continue
      fi
      way=$(_ballastctl_way "$trail" "$word")
      [[ -z $way ]] && continue
      (($# > 0)) || return 0
      [[ $word == --run-dir ]] && node=("$word" "$1")
      shift
      way=''
    elif [[ -n $(_ballastctl_verbs "$trail") ]]; then
      verb=$(_ballastctl_only "$word" $(_ballastctl_verbs "$trail"))
      [[ -z $verb ]] && return 1
      trail="${trail:+$trail }$verb"
    else
      rest+=("$word")
    fi
  done
  return 0
}

# How the place is completed that comes after those in rest.
_ballastctl_place() {
  local each n=0
  for each in $(_ballastctl_places "$trail"); do
    if ((n == ${#rest[@]})) || [[ $each == *+ ]]; then
      echo "${each%+}"
      return
    fi
    n=$((n + 1))
  done
}

# The words of one way of completing; where the node does not answer there are none.
_ballastctl_words() {
  local way=$1
  case $way in
    '='*) way=${way#=}; echo "${way//,/ }" ;;
    services | instances) ballastctl "${node[@]}" completion words "$way" 2>/dev/null ;;
    servers | conditions) ballastctl "${node[@]}" completion words "$way" "${rest[@]}" 2>/dev/null ;;
  esac
}
)sh";

constexpr std::string_view bash_rest = R"sh(
_ballastctl() {
  local cur prev words cword trail way each='' list=''
  local -a rest node
  # A colon is part of a server's name; bash parts words at it unless it is told.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n := cur prev words cword
  else
    cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
  fi
  COMPREPLY=()
  _ballastctl_walk "${words[@]:1:cword-1}" || return 0
  if [[ -z $way && $cur == --*=* ]]; then
    way=$(_ballastctl_way "$trail" "${cur%%=*}")
    each=${cur%%=*}=
  elif [[ -z $way && $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$(_ballastctl_options "$trail") $(_ballastctl_options '')" -- "$cur"))
    return 0
  elif [[ -z $way && -n $(_ballastctl_verbs "$trail") ]]; then
    COMPREPLY=($(compgen -W "$(_ballastctl_verbs "$trail")" -- "$cur"))
    return 0
  elif [[ -z $way ]]; then
    way=$(_ballastctl_place)
  fi
  cur=${cur#"$each"}
  case $way in
    files) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    folders) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null ;;
    *) for way in ${way//|/ }; do list+=" $(_ballastctl_words "$way")"; done
      COMPREPLY=($(compgen -W "$list" -- "$cur")) ;;
  esac
  declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
  return 0
}
complete -F _ballastctl ballastctl
)sh";

constexpr std::string_view zsh_rest = R"sh(
# What comes next, in `kind`, and where it is one of some words, these; with the arrays and words of ksh and bash.
_ballastctl_look() {
  emulate -L zsh
  setopt ksh_arrays sh_word_split ksh_glob
  local each typed=$PREFIX
  _ballastctl_walk "${words[@]:1:$((CURRENT - 2))}" || return 1
  if [[ -z $way && $typed == --*=* ]]; then
    way=$(_ballastctl_way "$trail" "${typed%%=*}")
    prefix=1
  elif [[ -z $way && $typed == -* ]]; then
    kind=options
    return 0
  elif [[ -z $way && -n $(_ballastctl_verbs "$trail") ]]; then
    kind=verbs
    return 0
  elif [[ -z $way ]]; then
    way=$(_ballastctl_place)
  fi
  case $way in
    files | folders) kind=$way ;;
    *) kind=words
      for each in ${way//\|/ }; do candidates+=($(_ballastctl_words "$each")); done ;;
  esac
}

# The completion system's own functions want its own options: they are called from here, where nothing is set.
_ballastctl() {
  local trail way kind prefix
  local -a rest node candidates lines
  _ballastctl_look || return 1
  [[ -n $prefix ]] && compset -P '*='
  case $kind in
    files) _files ;;
    folders) _files -/ ;;
    words) compadd -a candidates ;;
    *) lines=("${(@f)$(_ballastctl_${kind}_described "$trail")}")
      [[ $kind == options && -n $trail ]] && lines+=("${(@f)$(_ballastctl_options_described '')}")
      _describe -t "$kind" "$kind" lines ;;
  esac
}

if [[ $funcstack[1] == _ballastctl ]]; then
  _ballastctl "$@"
else
  compdef _ballastctl ballastctl
fi
)sh";

/// `name:what it is for`, as zsh's _describe takes it.
std::string described(std::string_view name, std::string_view help) {
  std::string out;
  for (const char c : name) out += c == ':' ? std::string{"\\:"} : std::string{c};
  return fmt::format("{}:{}", out, help);
}

std::string zsh_descriptions(const Verb& root) {
  const auto print = [](const std::vector<std::string>& lines) {
    if (lines.empty()) return std::string{};
    std::string out = "print -rl --";
    for (const auto& line : lines) out += " " + in_quotes(line);
    return out;
  };
  auto out = table(root, "verbs_described", [&](const Verb& verb) {
    std::vector<std::string> lines;
    for (const auto& inner : verb.verbs) {
      if (!inner.hidden) lines.push_back(described(inner.name, inner.help));
    }
    return print(lines);
  });
  out += table(root, "options_described", [&](const Verb& verb) {
    std::vector<std::string> lines;
    for (const auto& option : verb.options) {
      for (const auto& name : option.names) lines.push_back(described(name, option.help));
    }
    return print(lines);
  });
  return out;
}

}  // namespace

std::string bash_completion(const Verb& root) {
  return fmt::format("# Completes ballastctl in bash; made by `ballastctl completion bash`.\n{}{}{}", tables(root),
                     walk, bash_rest);
}

std::string zsh_completion(const Verb& root) {
  return fmt::format("#compdef ballastctl\n# Made by `ballastctl completion zsh`.\n{}{}{}{}", tables(root),
                     zsh_descriptions(root), walk, zsh_rest);
}

std::string list_of_verbs(const Verb& root) {
  std::string out;
  for_each_verb(root, "", [&](const std::string& path, const Verb& verb) {
    if (path.empty() || !verb.verbs.empty()) return;
    out += path;
    for (const auto& option : verb.options) {
      if (option.names.back() != "--help") out += " " + option.names.back();
    }
    out += '\n';
  });
  return out;
}

}  // namespace ballast::ctl
