#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace ballast::test {

/// Runs a program and gives its exit status; its words go where the test's go.
inline int run(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (auto& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A test that runs in a network namespace of its own and leaves it at its end. Skipped in words when not root.
class InNetworkNamespace : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: it makes a network namespace";
    before_ = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(before_, 0);
    if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "no network namespaces here";
    ip({"link", "set", "lo", "up"});
  }
  void TearDown() override {
    if (before_ < 0) return;
    EXPECT_EQ(setns(before_, CLONE_NEWNET), 0);
    close(before_);
  }
  /// `ip WORDS…` in the namespace.
  static void ip(std::vector<std::string> words) {
    words.insert(words.begin(), "ip");
    ASSERT_EQ(run(words), 0) << ::testing::PrintToString(words);
  }

 private:
  int before_ = -1;
};

}  // namespace ballast::test
