// What the journal is given: a socket where it listens, in a mount namespace of its own, and its own protocol.
#include "common/runtime/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace ballast::log {
namespace {

using testing::HasSubstr;

constexpr auto journal = "/run/systemd/journal/socket";

/// A /run of this process's own with a journal in it; -1: not allowed here.
int open_journal() {
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0)
    return -1;
  std::filesystem::create_directories("/run/systemd/journal");
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, journal, sizeof address.sun_path - 1);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

void say() {
  write(Level::warning, "VI_1: MASTER -> FAULT (eth0 has no carrier)",
        {{"BALLAST_INSTANCE", "VI_1"}, {"BALLAST_STATE", "FAULT"}, {"BALLAST_REASON", "two\nlines"}});
}

/// Runs it in a process whose standard error is a pipe; what the journal got and what the pipe got.
std::pair<std::string, std::string> told(bool as_journal) {
  std::array<int, 2> error{}, answer{};
  if (pipe(error.data()) != 0 || pipe(answer.data()) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open_journal();
    if (fd < 0) _exit(77);
    dup2(error[1], STDERR_FILENO);
    struct stat about {};
    fstat(STDERR_FILENO, &about);
    const auto stream = fmt::format("{}:{}", about.st_dev, about.st_ino + (as_journal ? 0 : 1));
    setenv("JOURNAL_STREAM", stream.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    say();
    std::array<char, 4096> text{};
    const auto length = recv(fd, text.data(), text.size(), MSG_DONTWAIT);
    if (length > 0 && ::write(answer[1], text.data(), static_cast<std::size_t>(length)) != length) _exit(1);
    _exit(0);
  }
  close(error[1]);
  close(answer[1]);
  const auto read_all = [](int fd) {
    std::string all;
    std::array<char, 4096> some{};
    for (ssize_t length = 0; (length = read(fd, some.data(), some.size())) > 0;)
      all.append(some.data(), static_cast<std::size_t>(length));
    close(fd);
    return all;
  };
  auto entry = read_all(answer[0]);
  auto line = read_all(error[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return {"not allowed", ""};
  return {std::move(entry), std::move(line)};
}

TEST(Journal, ALineHasItsFieldsBesideIt) {
  const auto [entry, line] = told(true);
  if (entry == "not allowed") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_THAT(entry, HasSubstr("MESSAGE=VI_1: MASTER -> FAULT (eth0 has no carrier)\n"));
  EXPECT_THAT(entry, HasSubstr("PRIORITY=4\n"));
  EXPECT_THAT(entry, HasSubstr("BALLAST_INSTANCE=VI_1\n"));
  EXPECT_THAT(entry, HasSubstr("BALLAST_STATE=FAULT\n"));
  EXPECT_THAT(entry, HasSubstr(std::string{"BALLAST_REASON\n\x09\0\0\0\0\0\0\0two\nlines\n", 33}));
  EXPECT_EQ(line, "");
}

TEST(Journal, WhereStandardErrorIsSomethingElseTheLineIsWrittenThere) {
  const auto [entry, line] = told(false);
  if (entry == "not allowed") GTEST_SKIP() << "needs a mount namespace of its own";
  EXPECT_EQ(entry, "");
  EXPECT_THAT(line, HasSubstr("VI_1: MASTER -> FAULT (eth0 has no carrier)\n"));
}

}  // namespace
}  // namespace ballast::log
