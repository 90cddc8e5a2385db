#include "common/runtime/journal.hpp"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION  // where in the source it was written helps nobody
#include <systemd/sd-journal.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

namespace ballast::log {
namespace {

/// Standard error is the stream that systemd has connected to the journal (systemd.exec(5), JOURNAL_STREAM).
bool is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  struct stat about {};
  return stream != nullptr && fstat(STDERR_FILENO, &about) == 0 &&
         fmt::format("{}:{}", about.st_dev, about.st_ino) == stream;
}

}  // namespace

void write(Level level, std::string_view line, std::initializer_list<Field> fields) {
  if (!is_journal()) return write(level, line);
  std::vector<std::string> texts{fmt::format("MESSAGE={}", line), fmt::format("PRIORITY={}", static_cast<int>(level)),
                                 fmt::format("SYSLOG_IDENTIFIER={}", program_invocation_short_name)};
  for (const auto& field : fields) texts.push_back(fmt::format("{}={}", field.name, field.value));
  std::vector<iovec> parts;
  for (auto& text : texts) parts.push_back({text.data(), text.size()});
  if (sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0) write(level, line);
}

}  // namespace ballast::log
