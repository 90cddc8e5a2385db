#include "common/runtime/privileges.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace ballast::runtime {
namespace {

/// Does it in a child, which rights can be taken from; the first of its steps that fails, 0: none.
int in_child(const std::function<int()>& steps) {
  const auto pid = fork();
  if (pid == 0) _exit(steps());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct Privileges : testing::Test {
  void SetUp() override {
    if (geteuid() != 0 || !has_capability(CAP_SETUID)) GTEST_SKIP() << "only root has rights to give up";
  }
};

TEST_F(Privileges, AUserHasNoneOfRootsRights) {
  EXPECT_EQ(in_child([] {
              if (!become_user("nobody")) return 1;
              if (geteuid() == 0 || getegid() == 0) return 2;
              if (has_capability(CAP_NET_RAW) || has_capability(CAP_SETUID)) return 3;
              return setuid(0) == 0 ? 4 : 0;
            }),
            0);
}

TEST_F(Privileges, AUserKeepsWhatItIsToKeepUntilItGivesThatUp) {
  if (!has_capability(CAP_NET_RAW)) GTEST_SKIP() << "it is not here";
  EXPECT_EQ(in_child([] {
              if (!become_user("nobody", {CAP_NET_RAW})) return 1;
              if (geteuid() == 0) return 2;
              if (!has_capability(CAP_NET_RAW)) return 3;
              if (has_capability(CAP_NET_ADMIN) || has_capability(CAP_SETUID)) return 4;
              if (!keep_capabilities({})) return 5;
              if (has_capability(CAP_NET_RAW)) return 6;
              return keep_capabilities({CAP_NET_RAW}) ? 7 : 0;
            }),
            0);
}

TEST_F(Privileges, WhoIsNoLongerRootGivesUpTheRest) {
  EXPECT_EQ(in_child([] {
              if (!become_user("nobody", {CAP_NET_RAW, CAP_NET_ADMIN})) return 1;
              if (!become_user("ballast", {CAP_NET_RAW})) return 2;
              return has_capability(CAP_NET_ADMIN) ? 3 : 0;
            }),
            0);
}

}  // namespace
}  // namespace ballast::runtime
