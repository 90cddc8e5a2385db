#include "common/runtime/json_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace ballast::runtime {
namespace {

constexpr std::uintmax_t max_file = 64U << 20;

std::string reason() { return std::generic_category().message(errno); }

/// Writes all of it and closes; the descriptor is gone afterwards.
bool write_and_close(int fd, std::string_view text, Durability durability) {
  bool good = true;
  while (good && !text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    good = written > 0;
    if (good) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (durability == Durability::power_loss) good = good && fsync(fd) == 0;
  return close(fd) == 0 && good;
}

}  // namespace

Result<nlohmann::json> read_json(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return fail("{}: {}", file.string(), error.message());
  if (size > max_file) return fail("{}: larger than {} bytes", file.string(), max_file);
  std::ifstream stream{file};
  auto value = nlohmann::json::parse(stream, nullptr, false);
  if (value.is_discarded()) return fail("{}: not JSON", file.string());
  return value;
}

Result<> write_json(const std::filesystem::path& file, const nlohmann::json& value, Durability durability) {
  const auto beside = file.string() + ".new";
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return fail("cannot write {}: {}", beside, reason());
  if (!write_and_close(fd, value.dump(2) + "\n", durability)) return fail("cannot write {}: {}", beside, reason());
  if (rename(beside.c_str(), file.c_str()) != 0) return fail("cannot write {}: {}", file.string(), reason());
  return {};
}

}  // namespace ballast::runtime
