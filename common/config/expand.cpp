// The Preprocessor's replacement of $NAME and its repetition of ~SEQ and ~LST.
#include <algorithm>
#include <charconv>
#include <optional>

#include "common/config/preprocess.hpp"

namespace ballast::config {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Decimal, or hexadecimal after 0x.
std::optional<long> whole_number(std::string_view text) {
  text = trimmed(text);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return negative ? -static_cast<long>(value) : static_cast<long>(value);
}

/// Cuts at the commas that stand in no braces.
std::vector<std::string> cut_list(std::string_view text) {
  std::vector<std::string> parts{""};
  int depth = 0;
  for (const char c : text) {
    if (c == '{') ++depth;
    if (c == '}') --depth;
    if (c == ',' && depth <= 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  for (auto& part : parts) part = std::string{trimmed(part)};
  return parts;
}

/// `{a, b}` as its parts, anything else as itself.
std::vector<std::string> cut_group(std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}') || text.size() < 2) return {std::string{text}};
  return cut_list(text.substr(1, text.size() - 2));
}

}  // namespace

std::optional<Preprocessor::Reference> Preprocessor::find_reference(std::string_view text, std::size_t from) const {
  for (auto at = text.find('$', from); at != std::string_view::npos; at = text.find('$', at + 1)) {
    auto rest = text.substr(at + 1);
    if (rest.starts_with('{')) {
      const auto end = rest.find('}');
      if (end == std::string_view::npos) continue;
      const auto inner = rest.substr(1, end - 1);
      const auto blank = std::min(inner.find(' '), inner.size());
      if (!is_identifier(inner.substr(0, blank))) continue;
      return Reference{at, end + 2, std::string{inner.substr(0, blank)}, std::string{trimmed(inner.substr(blank))}};
    }
    const auto end = std::min(rest.find_first_of(" \t,)"), rest.size());
    if (is_identifier(rest.substr(0, end))) return Reference{at, end + 1, std::string{rest.substr(0, end)}, {}};
  }
  return std::nullopt;
}

std::optional<std::string> Preprocessor::built_in(const Reference& reference) {
  if (reference.name == "_PWD") return folder_.empty() ? std::string{"."} : folder_.string();
  if (reference.name == "_INSTANCE") return settings_.config_id;
  if (reference.name == "_HASH") return "#";
  if (reference.name == "_BANG") return "!";
  if (reference.name == "_ENV") {
    const auto found = settings_.environment.find(reference.arguments);
    if (found != settings_.environment.end()) return found->second;
  }
  if (reference.name == "_RANDOM") {
    const std::string_view arguments = reference.arguments;
    const auto blank = std::min(arguments.find(' '), arguments.size());
    const auto low = whole_number(arguments.substr(0, blank)).value_or(0);
    const auto high = whole_number(arguments.substr(blank)).value_or(32'767);
    if (high >= low) return std::to_string(std::uniform_int_distribution<long>{low, high}(random_));
  }
  return std::nullopt;
}

bool Preprocessor::expand(Line& line) {
  std::size_t from = 0;
  std::size_t count = 0;
  while (const auto reference = find_reference(line.text.view(), from)) {
    if (++count > settings_.limits.replacements || line.text.size() > settings_.limits.line_length) {
      report_.error(place(line, reference->begin, reference->length),
                    fmt::format("'${}' never stops being replaced", reference->name),
                    "does the definition contain itself?");
      return false;
    }
    const auto defined = definitions_.find(reference->name);
    if (defined != definitions_.end() && reference->arguments.empty()) {
      if (defined->second.size() != 1) return expand_lines(line, *reference, defined->second);
      const std::string value{defined->second.front().text.view()};
      line.text.replace(reference->begin, reference->length, value);
      from = reference->begin;
    } else if (const auto value = built_in(*reference)) {
      line.text.replace(reference->begin, reference->length, *value);
      from = reference->begin + value->size();
    } else {
      from = reference->begin + 1;
    }
  }
  warn_of_no_reference(line);
  return true;
}

// `192.0.2.$N/24` stays as it is, though N is defined: in nearly every case a slip.
void Preprocessor::warn_of_no_reference(const Line& line) {
  const auto view = line.text.view();
  for (auto at = view.find('$'); at != std::string_view::npos; at = view.find('$', at + 1)) {
    auto end = at + 1;
    while (end < view.size() && is_identifier(view.substr(at + 1, end - at))) ++end;
    const auto name = view.substr(at + 1, end - at - 1);
    if (end == view.size() || definitions_.find(name) == definitions_.end()) continue;
    report_.warning(place(line, at, end - at),
                    fmt::format("'${}' is not replaced here, only before a blank, ',' or ')'", name),
                    fmt::format("write ${{{}}}", name));
  }
}

// A definition of several lines: they take the reference's place, what stands around it joins the first and the last.
bool Preprocessor::expand_lines(const Line& line, const Reference& reference, const Definition& definition) {
  const auto before = line.text.part(0, reference.begin);
  const auto after = line.text.part(reference.begin + reference.length);
  const Definition copy = definition;  // a line of it may define the same name anew
  for (std::size_t i = 0; i < copy.size(); ++i) {
    Line next{{}, copy[i].origin, {}, line.depth + 1, line.decided};
    const bool joins = (i == 0 && !before.empty()) || (i + 1 == copy.size() && !after.empty());
    if (joins) {
      next.origin = line.origin;
      if (i == 0) next.text.append(before);
      Text middle = line.text.part(reference.begin, reference.length);
      middle.replace(0, middle.size(), copy[i].text.view());
      next.text.append(middle);
      if (i + 1 == copy.size()) next.text.append(after);
    } else {
      next.text = copy[i].text;
      next.decided = false;
    }
    process(std::move(next));
  }
  return false;
}

bool Preprocessor::repeat(const Line& line) {
  const auto view = line.text.view();
  const bool hex = view.starts_with("~SEQx(");
  const bool sequence = hex || view.starts_with("~SEQ(");
  if (!sequence && !view.starts_with("~LST(")) return false;
  const auto open = view.find('(');
  const auto close = view.find(')');
  if (close == std::string_view::npos) {
    report_.error(place(line, 0, open + 1), "this has no ')'");
    return true;
  }
  Line arguments{line.text.part(open + 1, close - open - 1), line.origin, {}, line.depth, true};
  if (!expand(arguments)) return true;
  auto rest = line.text.part(close + 1);
  if (sequence)
    repeat_sequence(line, cut_list(arguments.text.view()), rest, hex);
  else
    repeat_list(line, cut_list(arguments.text.view()), rest);
  return true;
}

void Preprocessor::repeat_sequence(const Line& line, const std::vector<std::string>& arguments, const Text& rest,
                                   bool hex) {
  std::vector<long> numbers;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (const auto number = whole_number(arguments[i])) numbers.push_back(*number);
  }
  if (arguments.size() < 2 || arguments.size() > 4 || numbers.size() + 1 != arguments.size() ||
      !is_identifier(arguments[0])) {
    report_.error(place(line, 0, line.text.size() - rest.size()),
                  "expected ~SEQ(NAME, START, STEP, END) with whole numbers");
    return;
  }
  const long end = numbers.back();
  const long start = numbers.size() > 1 ? numbers.front() : (end > 0 ? 1 : -1);
  const long step = numbers.size() > 2 ? numbers[1] : (end >= start ? 1 : -1);
  if (step == 0) {
    report_.error(place(line, 0, line.text.size() - rest.size()), "a step of 0 never ends");
    return;
  }
  for (long value = start; step > 0 ? value <= end : value >= end; value += step) {
    if (exhausted_) return;
    repeat_once(line, {{arguments[0], hex ? fmt::format("{:x}", value) : std::to_string(value)}}, rest);
  }
}

void Preprocessor::repeat_list(const Line& line, const std::vector<std::string>& arguments, const Text& rest) {
  const auto names = cut_group(arguments[0]);
  const auto where = [&] { return place(line, 0, line.text.size() - rest.size()); };
  if (arguments.size() < 2 ||
      !std::ranges::all_of(names, [](const std::string& name) { return is_identifier(name); })) {
    report_.error(where(), "expected ~LST(NAME, VALUE, …) or ~LST({NAME, NAME}, {VALUE, VALUE}, …)");
    return;
  }
  for (std::size_t i = 1; i < arguments.size() && !exhausted_; ++i) {
    const auto values = names.size() == 1 ? std::vector{arguments[i]} : cut_group(arguments[i]);
    if (values.size() != names.size()) {
      report_.error(where(), fmt::format("'{}' has {} values for {} names", arguments[i], values.size(), names.size()));
      return;
    }
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::size_t n = 0; n < names.size(); ++n) pairs.emplace_back(names[n], values[n]);
    repeat_once(line, pairs, rest);
  }
}

void Preprocessor::repeat_once(const Line& line, const std::vector<std::pair<std::string, std::string>>& values,
                               const Text& rest) {
  for (const auto& [name, value] : values) {
    definitions_.insert_or_assign(name, Definition{{Text{value}, line.origin}});
  }
  process({rest, line.origin, {}, line.depth + 1, line.decided});
}

}  // namespace ballast::config
