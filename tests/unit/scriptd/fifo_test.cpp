// A named pipe whose reader is slow.
#include "daemons/scriptd/shell/fifo.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace ballast::scriptd {
namespace {

namespace asio = boost::asio;

class SlowReader : public testing::Test {
 protected:
  SlowReader() {
    char name[] = "/tmp/fifo-test-XXXXXX";
    folder = mkdtemp(name);
    mkfifo((folder / "fifo").c_str(), 0600);
    wanted.path = folder / "fifo";
  }
  ~SlowReader() override { std::filesystem::remove_all(folder); }

  /// All lines, while the other side writes.
  std::vector<std::string> read_all(asio::io_context& io) {
    const int fd = open(wanted.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    std::string text;
    std::array<char, 65'536> buffer{};
    for (int quiet = 0; quiet < 100;) {
      io.restart();
      io.poll();
      const auto size = read(fd, buffer.data(), buffer.size());
      quiet = size > 0 ? 0 : quiet + 1;
      if (size > 0) text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    close(fd);
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = text.find('\n', begin);
      lines.push_back(text.substr(begin, end - begin));
      begin = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
  }
  std::filesystem::path folder;
  config::NotifyFifo wanted;
};

TEST_F(SlowReader, LosesTheOldestLinesBeyondTheBoundAndNoneIsCutInTwo) {
  asio::io_context io;
  const auto fifo = Fifo::open(io, wanted, {});
  ASSERT_TRUE(fifo) << fifo.error().message;
  constexpr int count = 120'000;
  for (int i = 0; i < count; ++i) {
    (*fifo)->write(fmt::format("line {:06}\n", i));
    if (i % 1'000 == 0) io.poll();
  }
  const auto lines = read_all(io);
  ASSERT_GE(lines.size(), Fifo::most_waiting);
  EXPECT_LT(lines.size(), static_cast<std::size_t>(count));
  EXPECT_EQ(lines.front(), "line 000000");
  EXPECT_EQ(lines.back(), "line 119999");
  for (const auto& line : lines) ASSERT_EQ(line.size(), 11U) << line;
  EXPECT_TRUE(std::ranges::is_sorted(lines));
}

}  // namespace
}  // namespace ballast::scriptd
