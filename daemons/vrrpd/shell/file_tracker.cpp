#include "daemons/vrrpd/shell/file_tracker.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <set>
#include <system_error>

#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

namespace asio = boost::asio;
constexpr std::size_t longest_number = 64;
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                                  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::chrono::seconds poll_interval{1};

int open_events() {
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) throw std::system_error{errno, std::generic_category(), "cannot watch files (inotify)"};
  return fd;
}

Error failure(const std::filesystem::path& file) {
  return fail("{}: {}", file.string(), std::generic_category().message(errno));
}

void write_initial(const config::TrackedFile& file) {
  std::error_code ignored;
  if (!file.initial || (!file.overwrite && std::filesystem::exists(file.path, ignored))) return;
  std::ofstream out{file.path};
  out << *file.initial << '\n' << std::flush;
  if (!out) log::warning("vrrp_track_file {}: {} cannot be written", file.name, file.path);
}

}  // namespace

Result<int> read_number(const std::filesystem::path& file) {
  // A pipe without a writer would block.
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failure(file);
  struct stat about {};
  const bool plain = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  std::array<char, longest_number> text{};
  const auto length = plain ? read(fd, text.data(), text.size()) : 0;
  const int error = errno;
  close(fd);
  errno = error;
  if (!plain) return fail("{} is no plain file", file.string());
  if (length < 0) return failure(file);
  const std::string_view all{text.data(), static_cast<std::size_t>(length)};
  const auto begin = std::min(all.find_first_not_of(" \t\n"), all.size());
  const auto word = all.substr(begin, all.find_first_of(" \t\r\n", begin) - begin);
  int value = 0;
  const auto* end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data() + (word.starts_with('+') ? 1 : 0), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return fail("{} holds no number", file.string());
  return value;
}

FileTracker::FileTracker(asio::io_context& io, TrackReport report)
    : report_{std::move(report)}, events_{io, open_events()}, poll_{io} {
  wait();
}

void FileTracker::apply(const std::vector<config::TrackedFile>& files, bool fresh) {
  files_ = files;
  if (fresh) {
    for (const auto& file : files_) write_initial(file);
  }
  std::set<std::filesystem::path> wanted;
  for (const auto& file : files_) wanted.insert(std::filesystem::path{file.path}.parent_path());
  std::erase_if(folders_, [&](const auto& folder) {
    if (wanted.contains(folder.first)) return false;
    if (folder.second >= 0) inotify_rm_watch(events_.native_handle(), folder.second);
    return true;
  });
  for (const auto& folder : wanted) folders_.try_emplace(folder, -1);
  look_again();
}

void FileTracker::look_again() {
  watch_folders();
  for (const auto& file : files_) tell(file);
  poll_.cancel();
  if (std::ranges::none_of(folders_, [](const auto& folder) { return folder.second < 0; })) return;
  poll_.expires_after(poll_interval);
  poll_.async_wait([this](boost::system::error_code error) {
    if (!error) look_again();
  });
}

/// A watch stays with the folder it was set on: one that was replaced is watched anew.
void FileTracker::watch_folders() {
  for (auto& [folder, watch] : folders_) watch = inotify_add_watch(events_.native_handle(), folder.c_str(), changes);
}

void FileTracker::wait() {
  events_.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    drain();
    look_again();
    wait();
  });
}

void FileTracker::drain() {
  constexpr int reads_a_turn = 16;
  alignas(inotify_event) std::array<char, 4096> buffer{};
  for (int i = 0; i < reads_a_turn && read(events_.native_handle(), buffer.data(), buffer.size()) > 0; ++i) {
  }
}

void FileTracker::tell(const config::TrackedFile& file) {
  const auto number = read_number(file.path);
  auto& told = told_[file.name];
  if (!number && told != number.error().message) {
    log::warning("vrrp_track_file {}: {}: it counts as 0", file.name, number.error().message);
  }
  told = number ? std::string{} : number.error().message;
  const int value = number ? *number : 0;
  report_({config::TrackKind::file, file.name}, {value, fmt::format("file {} says {}", file.name, value)});
}

}  // namespace ballast::vrrpd
