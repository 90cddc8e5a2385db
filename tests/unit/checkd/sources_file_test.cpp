#include <filesystem>
#include <fstream>

#include "tests/unit/checkd/looking.hpp"

namespace ballast::checkd::test {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;

struct FileSourceTest : testing::Test {
  FileSourceTest() {
    std::filesystem::create_directories(folder);
    query.kind = config::SourceKind::file;
    query.name = file;
    query.port = 80;
    query.interval = 1h;  // what is found is found by inotify
  }
  ~FileSourceTest() override { std::filesystem::remove_all(folder); }
  void write(std::string_view text) const { std::ofstream{file} << text; }
  std::vector<std::string> next() { return in_words(look(io, *looker)); }

  std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      fmt::format("ballast-{}-{}", testing::UnitTest::GetInstance()->current_test_info()->name(), getpid());
  std::filesystem::path file = folder / "servers";
  config::SourceQuery query;
  asio::io_context io;
  std::unique_ptr<Looker> looker;
};

TEST_F(FileSourceTest, AChangedFileIsReadAtOnce) {
  write("10.0.0.1\n10.0.0.2:81 weight 4\n");
  looker = make_looker(io.get_executor(), query, {}, quick());
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:80", "10.0.0.2:81 weight 4"));
  write("10.0.0.3\n");
  EXPECT_THAT(next(), ElementsAre("10.0.0.3:80"));
  std::ofstream{folder / "beside"} << "10.0.0.4\n" << std::flush;
  std::filesystem::rename(folder / "beside", file);
  EXPECT_THAT(next(), ElementsAre("10.0.0.4:80"));
  std::filesystem::remove(file);
  EXPECT_THAT(next(), ElementsAre(fmt::format("{}: No such file or directory", file.string())));
  write("10.0.0.5\n");
  EXPECT_THAT(next(), ElementsAre("10.0.0.5:80"));
}

TEST_F(FileSourceTest, AFaultyLineIsNamed) {
  write("10.0.0.1\n10.0.0\n");
  looker = make_looker(io.get_executor(), query, {}, quick());
  EXPECT_THAT(next(), ElementsAre(fmt::format("{}:2: '10.0.0' is not an IPv4 or IPv6 address", file.string())));
}

TEST_F(FileSourceTest, AnEmptyFileHasNone) {
  write("# nobody\n");
  looker = make_looker(io.get_executor(), query, {}, quick());
  EXPECT_THAT(next(), ElementsAre());
}

TEST_F(FileSourceTest, TooLongAFileAFolderAndAPipeAreRefused) {
  write(std::string((1U << 20) + 1, '#'));
  looker = make_looker(io.get_executor(), query, {}, quick());
  EXPECT_THAT(next(), ElementsAre(fmt::format("{}: longer than 1024 KiB", file.string())));
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_THAT(next(), ElementsAre(fmt::format("{}: no plain file", file.string())));
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  EXPECT_THAT(next(), ElementsAre(fmt::format("{}: no plain file", file.string())));
}

TEST_F(FileSourceTest, AFolderThatComesLaterIsFoundByLooking) {
  std::filesystem::remove_all(folder);
  query.interval = 20ms;
  looker = make_looker(io.get_executor(), query, {}, quick());
  EXPECT_THAT(next(), ElementsAre(fmt::format("{}: No such file or directory", file.string())));
  std::filesystem::create_directories(folder);
  write("10.0.0.1\n");
  EXPECT_THAT(next(), ElementsAre("10.0.0.1:80"));
}

}  // namespace
}  // namespace ballast::checkd::test
