// The machine's files: the only part of the loader that touches it.
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

class Folder : public testing::Test {
 protected:
  Folder() {
    std::string pattern = testing::TempDir() + "config_test_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~Folder() override { std::filesystem::remove_all(root_); }
  [[nodiscard]] std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream{root_ / name} << text;
    return root_ / name;
  }
  std::filesystem::path root_;
};

TEST_F(Folder, AFileIsReadWithAllThatItIncludes) {
  static_cast<void>(write("conf.d/b.conf", "include ../b/?.x\n"));
  static_cast<void>(write("conf.d/a.conf", "global_defs {\nrouter_id first\n}\n"));
  static_cast<void>(write("b/1.x", "global_defs {\nrouter_id second\n}\n"));
  const auto main = write("main.conf", "include \"conf.d/*.conf\"\n");
  const auto loaded = load_file(main, {});
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.global.router_id, "second") << "files come in the order of their names";
}

TEST_F(Folder, AFileThatIsNotThereIsAnError) {
  const auto loaded = load_file(root_ / "none", {});
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_EQ(render(loaded.diagnostics[0]),
            (root_ / "none").string() + ": error: cannot be read: No such file or directory");
  EXPECT_FALSE(loaded.ok());
}

TEST_F(Folder, OnlyRegularFilesAreRead) {
  ASSERT_EQ(::mkfifo((root_ / "fifo").c_str(), 0600), 0);
  for (const auto& path : {root_, root_ / "fifo", std::filesystem::path{"/dev/zero"}}) {
    EXPECT_THAT(errors(load_file(path, {})), ElementsAre(HasSubstr("cannot be read: not a regular file"))) << path;
  }
  const auto main = write("main.conf", "includer fifo\n");
  EXPECT_THAT(errors(load_file(main, {})), ElementsAre(HasSubstr("not a regular file")));
}

TEST_F(Folder, PatternsMayHoldAlternativesButNotEndlessly) {
  static_cast<void>(write("a.conf", "global_defs {\nrouter_id a\n}\n"));
  static_cast<void>(write("b.conf", ""));
  EXPECT_EQ(load_file(write("main", "include {a,b}.conf\n"), {}).model.global.router_id, "a");
  std::string many;
  for (int i = 0; i < 40; ++i) many += "{a,b}";
  EXPECT_TRUE(load_file(write("main", "include " + many + "\n"), {}).ok());
}

TEST_F(Folder, AFileThatIncludesItselfByAnotherNameIsNamed) {
  const auto main = write("main.conf", "include sub/../main.conf\n");
  std::filesystem::create_directories(root_ / "sub");
  EXPECT_THAT(errors(load_file(main, {})), ElementsAre(HasSubstr("includes itself")));
}

TEST(Text, IsReadUnderTheHostsShortName) {
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  const std::string host = name.data();
  const auto text = "global_defs {\n@" + host.substr(0, host.find('.')) + " router_id here\n}\n";
  EXPECT_EQ(load_text(text, "f", {}).model.global.router_id, "here");
  LoadOptions elsewhere;
  elsewhere.config_id = "elsewhere";
  EXPECT_EQ(load_text(text, "f", elsewhere).model.global.router_id, "");
}

}  // namespace
}  // namespace ballast::config
