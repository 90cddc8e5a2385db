#include "tools/ballastctl/saved_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <system_error>

namespace ballast::ctl {
namespace {

std::string reason() { return std::generic_category().message(errno); }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_{number} {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > STDERR_FILENO) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

Result<> write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto count = ::write(file, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("{}", reason());
    done += static_cast<std::size_t>(count);
  }
  if (::fsync(file) != 0) return fail("{}", reason());
  return {};
}

Result<> write_like(int file, const std::string& text, const std::filesystem::path& like) {
  struct stat model {};
  if (::stat(like.c_str(), &model) != 0) return fail("{}: {}", like.string(), reason());
  // Who may not give files away leaves it as it is.
  if (::fchown(file, model.st_uid, model.st_gid) != 0 && errno != EPERM) return fail("{}", reason());
  if (::fchmod(file, model.st_mode & 07777U) != 0) return fail("{}", reason());
  return write_all(file, text);
}

}  // namespace

Result<> replace_file(const std::filesystem::path& file, const std::string& text, const std::filesystem::path& like) {
  auto name = file.string() + ".XXXXXX";
  const Descriptor made{::mkstemp(name.data())};
  if (made.get() < 0) return fail("{}: {}", file.string(), reason());
  auto written = write_like(made.get(), text, like);
  if (written && ::rename(name.c_str(), file.c_str()) != 0) written = fail("{}", reason());
  if (!written) {
    ::unlink(name.c_str());
    return fail("{}: {}", file.string(), written.error().message);
  }
  const auto parent = file.parent_path();
  const Descriptor folder{::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.get() >= 0) ::fsync(folder.get());
  return {};
}

Result<std::string> read_text(const std::string& name, std::size_t most) {
  const Descriptor file{name == "-" ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0) return fail("{}: {}", name, reason());
  std::string text;
  std::string chunk(1U << 16, '\0');
  for (;;) {
    const auto count = ::read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("{}: {}", name, reason());
    if (count == 0) return text;
    text.append(chunk, 0, static_cast<std::size_t>(count));
    if (text.size() > most) return fail("{}: larger than {} KiB", name, most >> 10);
  }
}

}  // namespace ballast::ctl
