#include "common/config/preprocess.hpp"

#include <algorithm>

namespace ballast::config {
namespace {

/// The length of `$NAME=` at the start of a text; 0: it defines nothing.
std::size_t definition_head(std::string_view text) {
  if (!text.starts_with('$')) return 0;
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || !is_identifier(text.substr(1, equals - 1))) return 0;
  return equals + 1;
}

/// Behind `@id ` where there is one.
std::string_view after_condition(std::string_view text) {
  if (!text.starts_with('@')) return text;
  const auto blank = text.find_first_of(" \t");
  if (blank == std::string_view::npos) return {};
  text.remove_prefix(blank);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace

Preprocessor::Preprocessor(Sources& sources, Report& report, const Files& files, Settings settings, Sink sink)
    : sources_{sources},
      report_{report},
      files_{files},
      settings_{std::move(settings)},
      sink_{std::move(sink)},
      // The node's own sequence: the same at every reload, so that an unchanged file is an unchanged configuration.
      random_{static_cast<std::minstd_rand::result_type>(std::hash<std::string>{}(settings_.config_id) | 1U)} {}

void Preprocessor::run(std::string name, std::string text, const std::filesystem::path& path) {
  const auto outer_folder = std::exchange(folder_, path.parent_path());
  const auto outer_file = reading_file_;
  const auto outer_line = next_line_;
  open_files_.push_back(path.lexically_normal());
  read_lines(sources_.add_file(std::move(name), std::move(text)));
  open_files_.pop_back();
  folder_ = outer_folder;
  reading_file_ = outer_file;
  next_line_ = outer_line;
}

Preprocessor::Fragment Preprocessor::fragment(Origin origin) {
  Fragment made{Text{sources_.line_text(origin)}, origin};
  strip_comment(made.text);
  if (const auto bad = sources_.bad_byte(origin); bad > 0 && bad <= made.text.size()) {
    report_.error({sources_.add_line(origin), bad, 1}, "a byte that is not text",
                  "the file must be UTF-8 without control characters");
  }
  made.text.trim();
  return made;
}

bool Preprocessor::pass_plain(Origin origin) {
  const auto line = sources_.line_text(origin);
  if (line.empty()) return true;
  const auto text = plain_part(line);
  if (!text || sources_.bad_byte(origin) > 0) return false;
  if (text->empty() || !spend(origin)) return true;
  pieces_.clear();
  split_plain(*text, sources_.add_line(origin), static_cast<std::uint32_t>(text->data() - line.data()) + 1, pieces_);
  sink_(pieces_);
  return true;
}

void Preprocessor::read_lines(std::uint32_t file) {
  reading_file_ = file;
  next_line_ = 1;
  while (!exhausted_ && next_line_ <= sources_.line_count(file)) {
    const Origin origin{file, next_line_++};
    if (pass_plain(origin)) continue;
    auto read = fragment(origin);
    Line line{std::move(read.text), read.origin, {}, 0, false};
    read_continuation(line);
    process(std::move(line));
  }
}

void Preprocessor::read_continuation(Line& line) {
  if (!line.text.view().ends_with('\\') || definition_head(after_condition(line.text.view())) == 0) return;
  line.text.truncate(line.text.size() - 1);
  bool more = true;
  while (more && next_line_ <= sources_.line_count(reading_file_)) {
    auto read = fragment({reading_file_, next_line_++});
    more = read.text.view().ends_with('\\');
    if (more) read.text.truncate(read.text.size() - 1);
    read.text.trim();
    line.more.push_back(std::move(read));
  }
}

bool Preprocessor::spend(Origin origin) {
  if (exhausted_) return false;
  if (++steps_ <= settings_.limits.steps) return true;
  exhausted_ = true;
  report_.error({sources_.add_line(origin), 1, 1},
                fmt::format("the configuration grows beyond {} lines", settings_.limits.steps),
                "does a definition or a ~SEQ repeat without end?");
  return false;
}

Position Preprocessor::place(const Line& line, std::size_t begin, std::size_t length) {
  return line.text.span(sources_.add_line(line.origin), begin, length);
}

void Preprocessor::process(Line line) {
  if (!spend(line.origin)) return;
  if (line.depth > settings_.limits.depth) {
    report_.error(place(line, 0, line.text.size()),
                  fmt::format("definitions in definitions, more than {} deep", settings_.limits.depth),
                  "does one contain itself?");
    return;
  }
  bool expanded = false;
  while (true) {
    line.text.trim();
    if (line.text.empty()) return;
    if (define(line) || repeat(line)) return;
    if (!line.decided && line.text[0] == '@') {
      if (!decide(line)) return;
      continue;
    }
    // Once: what stands in a value from the environment is not read again.
    if (expanded || line.text.view().find('$') == std::string_view::npos) break;
    if (!expand(line)) return;
    expanded = true;
  }
  if (include(line)) return;
  if (decide_after_brace(line))
    process(std::move(line));
  else
    emit(line);
}

bool Preprocessor::wanted(std::string_view condition) const {
  const bool negated = condition.starts_with('^');
  if (negated) condition.remove_prefix(1);
  return (condition == settings_.config_id) != negated;
}

bool Preprocessor::decide(Line& line) {
  const auto view = line.text.view();
  const auto end = std::min(view.find_first_of(" \t"), view.size());
  line.decided = true;
  if (!wanted(view.substr(1, end - 1))) return false;
  line.text.erase(0, end);
  return true;
}

// `vrrp_instance VI_1 { @node1 priority 200`: the rest belongs to node1 alone.
bool Preprocessor::decide_after_brace(Line& line) {
  if (line.decided || line.text.view().find('@') == std::string_view::npos) return false;
  const std::string view{line.text.view()};
  QuoteScanner quotes{view};
  for (std::size_t i = 0; i < view.size();) {
    if (view[i] == '{' && !quotes.inside() && (i == 0 || view[i - 1] != '$')) {
      const auto next = view.find_first_not_of(" \t", i + 1);
      if (next != std::string::npos && view[next] == '@') {
        const auto end = std::min(view.find_first_of(" \t", next), view.size());
        line.decided = true;
        if (wanted(std::string_view{view}.substr(next + 1, end - next - 1)))
          line.text.erase(next, end - next);
        else
          line.text.truncate(next);
        return true;
      }
    }
    i += quotes.step(i);
  }
  return false;
}

bool Preprocessor::define(Line& line) {
  const auto head = definition_head(line.text.view());
  if (head == 0) return false;
  const std::string name{line.text.view().substr(1, head - 2)};
  Definition definition;
  auto first = line.text.part(head);
  first.trim();
  if (!first.empty() || line.more.empty()) definition.push_back({std::move(first), line.origin});
  for (auto& more : line.more) definition.push_back(std::move(more));
  definitions_.insert_or_assign(name, std::move(definition));
  return true;
}

void Preprocessor::emit(Line& line) {
  auto pieces = split(line.text, sources_.add_line(line.origin), report_);
  sink_(pieces);
}

}  // namespace ballast::config
