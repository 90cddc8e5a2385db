#pragma once
// The kinds of value that keywords take: how each is read, checked and written in the manual.
#include "common/config/binder.hpp"

namespace ballast::config {

Result<unsigned> parse_number(std::string_view text, unsigned least, unsigned most);
Result<int> parse_integer(std::string_view text, int least, int most);
/// A decimal of seconds with up to microseconds.
Result<Duration> parse_seconds(std::string_view text, Duration least, Duration most);
Result<bool> parse_boolean(std::string_view text);
/// What the kernel takes as an interface's name.
Result<std::string> parse_interface(std::string_view text);
/// `10.0.0.1`, `10.0.0.1-20`, `10.0.0.1-10.0.1.9` or `10.0.0.0/29`, with `port`.
Result<AddressRange> parse_range(std::string_view text, std::uint32_t most);
/// The n-th address after one.
net::IpAddress address_plus(const net::IpAddress& address, std::uint32_t offset);
/// The length of the network that an IPv4 netmask such as 255.255.255.0 (24) stands for.
Result<unsigned> parse_netmask(std::string_view text);
/// The netmask of an IPv4 network: 255.255.255.0 for 24.
net::IpAddress netmask(unsigned length);
/// 4.5, never 4.500000.
std::string seconds_text(Duration value);

/// Reads one word with a parser; a fault is reported at the word.
template <class T, class Parser>
std::optional<T> read(Binder& binder, const Word& word, Parser&& parse) {
  Result<T> value = parse(word.text);
  if (value) return std::move(*value);
  binder.report().error(word.at, value.error().message);
  return std::nullopt;
}

template <class Target, class T>
void assign(Target& target, T value, Position) {
  target = std::move(value);
}
template <class Target, class T>
void assign(std::optional<At<Target>>& target, T value, Position at) {
  target = At<Target>{std::move(value), at};
}

template <class Access>
Value number(unsigned least, unsigned most, Access access) {
  return {fmt::format("NUMBER ({} to {})", least, most), 1, 1, [=](Binder& binder, const Statement& statement) {
            const auto& word = statement.words[1];
            const auto parse = [&](std::string_view text) { return parse_number(text, least, most); };
            if (const auto value = read<unsigned>(binder, word, parse)) assign(access(binder), *value, word.at);
          }};
}

template <class Access>
Value seconds(Duration least, Duration most, Access access) {
  return {fmt::format("SECONDS ({} to {})", seconds_text(least), seconds_text(most)), 1, 1,
          [=](Binder& binder, const Statement& statement) {
            const auto& word = statement.words[1];
            const auto parse = [&](std::string_view text) { return parse_seconds(text, least, most); };
            if (const auto value = read<Duration>(binder, word, parse)) assign(access(binder), *value, word.at);
          }};
}

/// No word is `on`.
template <class Access>
Value boolean(Access access) {
  return {"[on|off]", 0, 1, [=](Binder& binder, const Statement& statement) {
            const bool bare = statement.words.size() == 1;
            const auto value = bare ? true : read<bool>(binder, statement.words[1], parse_boolean);
            if (value) assign(access(binder), *value, statement.at());
          }};
}

template <class Access>
Value text(std::string_view syntax, Access access) {
  return {std::string{syntax}, 1, 1, [=](Binder& binder, const Statement& statement) {
            assign(access(binder), statement.words[1].text, statement.words[1].at);
          }};
}

template <class Access>
Value interface_name(Access access) {
  return {"INTERFACE", 1, 1, [=](Binder& binder, const Statement& statement) {
            const auto& word = statement.words[1];
            if (auto value = read<std::string>(binder, word, parse_interface)) assign(access(binder), *value, word.at);
          }};
}

template <class Access>
Value address(Access access) {
  return {"ADDRESS", 1, 1, [=](Binder& binder, const Statement& statement) {
            const auto& word = statement.words[1];
            if (const auto value = read<net::IpAddress>(binder, word, net::IpAddress::parse)) {
              assign(access(binder), *value, word.at);
            }
          }};
}

/// `a|b|c` from an enum's table of names.
template <NamedEnum T>
std::string choices() {
  std::string out;
  for (const auto& [value, name] : enum_names(static_cast<T*>(nullptr))) {
    if (!out.empty()) out += '|';
    out += name;
  }
  return out;
}

template <NamedEnum T>
Result<T> parse_choice(std::string_view text) {
  if (const auto value = from_name<T>(text)) return *value;
  return fail("'{}' is none of {}", shorten(text), choices<T>());
}

template <NamedEnum T, class Access>
Value choice(Access access) {
  return {choices<T>(), 1, 1, [=](Binder& binder, const Statement& statement) {
            const auto& word = statement.words[1];
            if (const auto value = read<T>(binder, word, parse_choice<T>)) assign(access(binder), *value, word.at);
          }};
}

/// A keyword whose words need code of their own.
inline Value custom(std::string_view syntax, std::size_t least, std::size_t most, Setter set) {
  return {std::string{syntax}, least, most, std::move(set)};
}

/// A keyword without words.
inline Value flag(Setter set) { return custom("", 0, 0, std::move(set)); }

}  // namespace ballast::config
