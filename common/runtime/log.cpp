#include "common/runtime/log.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

namespace ballast::log {
namespace {

struct Settings {
  std::string program = "ballast";
  Level threshold = Level::info;
  bool journal = std::getenv("JOURNAL_STREAM") != nullptr;  // NOLINT(concurrency-mt-unsafe): read once, at start
};

Settings& settings() {
  static Settings value;
  return value;
}

std::string time_stamp() {
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec, millis);
}

std::string_view word(Level level) {
  switch (level) {
    case Level::error:
      return "error: ";
    case Level::warning:
      return "warning: ";
    default:
      return "";
  }
}

}  // namespace

void configure(std::string_view program, Level threshold) {
  settings().program = program;
  settings().threshold = threshold;
}

void write(Level level, std::string_view line) {
  if (level > settings().threshold) return;
  const std::string text = settings().journal
                               ? fmt::format("<{}>{}\n", static_cast<int>(level), line)
                               : fmt::format("{} {}: {}{}\n", time_stamp(), settings().program, word(level), line);
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nowhere left to complain
}

}  // namespace ballast::log
