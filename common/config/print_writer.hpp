#pragma once
#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "common/config/command.hpp"
#include "common/config/model.hpp"
#include "common/config/values.hpp"

namespace ballast::config {

/// A value as one word of the language, quoted where it must be.
std::string word(std::string_view text);

/// Lines and blocks of the language, indented, and what parts of a file have in common.
class Writer {
 public:
  explicit Writer(std::string before = {}) : out_{std::move(before)} {}

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    out_.append(depth_ * 4, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  template <class... Args>
  void open(fmt::format_string<Args...> format, Args&&... args) {
    if (depth_ == 0 && !out_.empty()) out_ += '\n';
    line(format, std::forward<Args>(args)...);
    out_.insert(out_.size() - 1, " {");
    ++depth_;
  }
  void close() {
    --depth_;
    line("}}");
  }
  void flag(bool set, std::string_view keyword) {
    if (set) line("{}", keyword);
  }
  void text(std::string_view keyword, std::string_view value) {
    if (!value.empty()) line("{} {}", keyword, word(value));
  }
  void switch_word(std::string_view keyword, bool on) { line("{} {}", keyword, on ? "on" : "off"); }
  void seconds(std::string_view keyword, Duration value) { line("{} {}", keyword, seconds_text(value)); }

  void timeouts(const LvsTimeouts& value) {
    line("lvs_timeouts tcp {} tcpfin {} udp {}", seconds_text(value.tcp), seconds_text(value.tcp_fin),
         seconds_text(value.udp));
  }

  void user(const std::string& user, const std::string& group) {
    if (user.empty()) return;
    out_.insert(out_.size() - 1, fmt::format(" {}{}", word(user), group.empty() ? "" : " " + word(group)));
  }
  void command(std::string_view keyword, const Command& value) {
    if (value.words.empty()) return;
    line("{} {}", keyword, word(command_text(value.words)));
    user(value.user, value.group);
  }

 protected:
  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace ballast::config
