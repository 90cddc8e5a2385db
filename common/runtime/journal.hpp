#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/runtime/log.hpp"

namespace ballast::log {

/// A field of a journal entry: a name of capitals (systemd.journal-fields(7)) and its value.
struct Field {
  std::string_view name;
  std::string value;
};

/// A line with fields beside it, by which journalctl finds it. Where standard error is not the journal, the line alone.
void write(Level level, std::string_view line, std::initializer_list<Field> fields);

}  // namespace ballast::log
