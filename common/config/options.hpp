#pragma once
#include "common/config/binder.hpp"

namespace ballast::config {

/// The words of a record from the second on, taken one by one or with a value.
class Options {
 public:
  /// `first`: the word to begin with.
  Options(Binder& binder, const Statement& record, std::size_t first = 1)
      : binder_{binder}, record_{record}, next_{first} {}
  /// The next word; null at the record's end.
  [[nodiscard]] const Word* next() { return next_ < record_.words.size() ? &record_.words[next_++] : nullptr; }
  /// The value of an option; null and an error if the line ends before it.
  [[nodiscard]] const Word* value_of(const Word& option) {
    const auto* value = next();
    if (value == nullptr) binder_.report().error(option.at, fmt::format("'{}' has no value", option.text));
    return value;
  }
  /// Takes the next word if it is this one.
  bool take(std::string_view text) {
    const auto* word = next_ < record_.words.size() ? &record_.words[next_] : nullptr;
    if (word == nullptr || word->text != text) return false;
    ++next_;
    return true;
  }
  void unknown(const Word& option, std::string_view known) {
    binder_.report().error(option.at, fmt::format("unknown option '{}'", shorten(option.text)),
                           fmt::format("expected {}", known));
  }
  void not_yet(const Word& option) {
    binder_.not_yet(option.at, fmt::format("option '{}' of keepalived is not done yet and is ignored", option.text));
  }

 private:
  Binder& binder_;
  const Statement& record_;
  std::size_t next_;
};

}  // namespace ballast::config
