#include "daemons/checkd/file_check.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/checkd/local_server.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;

struct FileCheckTest : testing::Test {
  asio::io_context io;
  std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("ballast-file-check-{}", getpid());
  ~FileCheckTest() override { std::filesystem::remove(path); }

  void write(const std::string& text) { std::ofstream{path} << text; }
  [[nodiscard]] config::Check check() const {
    config::Check made;
    made.kind = config::CheckKind::file;
    auto& file = made.file.get();
    file.name = "load";
    file.path = path;
    file.dynamic = true;
    return made;
  }
};

TEST_F(FileCheckTest, ANumberIsReadAnewByEachProbe) {
  write("5\n");
  EXPECT_EQ(probe(io, check()).weight, (WeightWord{WeightWord::Kind::added, 5}));
  write("-7\n");
  EXPECT_EQ(probe(io, check()).reason, fmt::format("track_file load ({}): -7, weight -7", path.string()));
}

TEST_F(FileCheckTest, AFileThatIsNotThereIsANumberOfNothing) {
  const auto verdict = probe(io, check());
  EXPECT_TRUE(verdict.passed());
  EXPECT_THAT(verdict.reason, HasSubstr("0, for No such file or directory"));
}

TEST_F(FileCheckTest, APipeWithoutAWriterHoldsNothingUp) {
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(probe(io, check()).reason, HasSubstr("0, for it is no plain file"));
}

TEST_F(FileCheckTest, OnlyTheBeginningOfALargeFileIsRead) {
  write("12 " + std::string(10'000'000, 'x'));
  EXPECT_EQ(probe(io, check()).weight.value, 12);
}

}  // namespace
}  // namespace ballast::checkd::test
