#include "daemons/checkd/agent_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace ballast::checkd {
namespace {

using Health = AgentAnswer::Health;
using Use = AgentAnswer::Use;

constexpr std::size_t longest_shown = 120;
constexpr std::string_view separators = " \t,";

constexpr std::array<std::pair<std::string_view, Health>, 4> health_words{
    {{"up", Health::up}, {"down", Health::down}, {"failed", Health::failed}, {"stopped", Health::stopped}}};
constexpr std::array<std::pair<std::string_view, Use>, 3> use_words{
    {{"ready", Use::ready}, {"drain", Use::drain}, {"maint", Use::maint}}};

template <class Words>
auto find(const Words& words, std::string_view word) {
  const auto* const found = std::ranges::find(words, word, [](const auto& each) { return each.first; });
  return found == words.end() ? std::nullopt : std::optional{found->second};
}

template <class Words, class Value>
std::string_view word_of(const Words& words, Value value) {
  return std::ranges::find(words, value, [](const auto& each) { return each.second; })->first;
}

std::string lower(std::string_view text) {
  std::string made{text};
  std::ranges::transform(made, made.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return made;
}

std::string shown(std::string_view text) {
  std::string made{text.substr(0, longest_shown)};
  std::ranges::replace_if(
      made, [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  return made;
}

std::optional<int> percent_of(std::string_view word) {
  if (word.size() < 2 || word.back() != '%') return std::nullopt;
  int value = 0;
  const auto* end = word.data() + word.size() - 1;
  const auto parsed = std::from_chars(word.data(), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || value < 0 || value > most_percent) return std::nullopt;
  return value;
}

void take(AgentAnswer& answer, std::string_view given) {
  const auto word = lower(given);
  if (const auto health = find(health_words, word)) {
    answer.health = *health;
  } else if (const auto use = find(use_words, word)) {
    answer.use = *use;
  } else if (const auto percent = percent_of(word)) {
    answer.percent = *percent;
  } else if (!word.starts_with("maxconn:") && answer.unknown.empty()) {
    answer.unknown = shown(given);
  }
}

std::optional<std::uint8_t> hex_byte(std::string_view digits) {
  std::uint8_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 2 || parsed.ec != std::errc{} || parsed.ptr != digits.data() + 2) return std::nullopt;
  return value;
}

}  // namespace

AgentAnswer parse_agent_line(std::string_view text) {
  text = text.substr(0, text.find_first_of(std::string_view{"\r\n\0", 3}));
  AgentAnswer answer;
  if (const auto mark = text.find('#'); mark != std::string_view::npos) {
    const auto words = text.substr(mark + 1);
    const auto begin = std::min(words.find_first_not_of(separators), words.size());
    answer.description = shown(words.substr(begin));
    text = text.substr(0, mark);
  }
  while (true) {
    const auto begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return answer;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(separators), text.size());
    take(answer, text.substr(0, end));
    text.remove_prefix(end);
  }
}

void AgentState::hear(const AgentAnswer& answer) {
  if (answer.health) {
    health = *answer.health;
    description = answer.description;
  }
  if (answer.use) use = *answer.use;
  if (answer.percent) percent = answer.percent;
}

Verdict AgentState::verdict(const std::string& what) const {
  if (use == Use::maint) return {Cause::said_down, static_cast<int>(use), what + ": says maint", {}};
  if (health != Health::up) {
    auto reason = fmt::format("{}: says {}", what, word_of(health_words, health));
    if (!description.empty()) reason += " (" + description + ")";
    return {Cause::said_down, 0x10 + static_cast<int>(health), std::move(reason), {}};
  }
  Verdict verdict{Cause::passed, 0, fmt::format("{}: says up", what), {}};
  if (use == Use::drain) {
    verdict.weight = {WeightWord::Kind::percent, 0};
    verdict.reason += ", drain";
  } else if (percent) {
    verdict.weight = {WeightWord::Kind::percent, *percent};
    verdict.reason += fmt::format(", {}%", *percent);
  }
  return verdict;
}

std::string unescape(std::string_view text) {
  static constexpr std::array<std::pair<char, char>, 4> known{{{'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'\\', '\\'}}};
  std::string made;
  while (!text.empty()) {
    if (text.front() == '\\' && text.size() > 1) {
      const auto* const found = std::ranges::find(known, text[1], &std::pair<char, char>::first);
      if (found != known.end()) {
        made += found->second;
        text.remove_prefix(2);
        continue;
      }
      const auto byte = text[1] == 'x' ? hex_byte(text.substr(2, 2)) : std::nullopt;
      if (byte) {
        made += static_cast<char>(*byte);
        text.remove_prefix(4);
        continue;
      }
    }
    made += text.front();
    text.remove_prefix(1);
  }
  return made;
}

}  // namespace ballast::checkd
