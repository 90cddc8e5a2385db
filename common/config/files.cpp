#include "common/config/files.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace ballast::config {
namespace {

constexpr std::size_t max_file_size = 256U << 20;
constexpr std::size_t max_brace_groups = 4;  ///< `{a,b}` in a pattern multiply; more than that is no file name

std::string reason(int error) { return std::generic_category().message(error); }

struct Descriptor {
  int number;
  explicit Descriptor(int fd) : number{fd} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

Result<std::string> MachineFiles::read(const std::filesystem::path& path) const {
  // Not blocking: a FIFO in a configuration folder must not hang the daemon.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) return fail("{}", reason(errno));
  struct stat info {};
  if (::fstat(file.number, &info) != 0) return fail("{}", reason(errno));
  if (!S_ISREG(info.st_mode)) return fail("not a regular file");
  std::string content;
  if (static_cast<std::size_t>(info.st_size) <= max_file_size) content.reserve(static_cast<std::size_t>(info.st_size));
  std::string chunk(1U << 16, '\0');
  while (content.size() <= max_file_size) {
    const auto got = ::read(file.number, chunk.data(), chunk.size());
    if (got < 0) return fail("{}", reason(errno));
    if (got == 0) return content;
    content.append(chunk, 0, static_cast<std::size_t>(got));
  }
  return fail("larger than {} MiB", max_file_size >> 20);
}

std::vector<std::filesystem::path> MachineFiles::glob(const std::string& pattern) const {
  if (static_cast<std::size_t>(std::ranges::count(pattern, '{')) > max_brace_groups) return {};
  std::vector<std::filesystem::path> found;
  glob_t matches{};
  if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &matches) == 0) {
    for (std::size_t i = 0; i < matches.gl_pathc; ++i) found.emplace_back(matches.gl_pathv[i]);
  }
  ::globfree(&matches);
  return found;
}

bool MachineFiles::is_open_to_others(const std::filesystem::path& path) const {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRGRP | S_IROTH)) != 0;
}

}  // namespace ballast::config
