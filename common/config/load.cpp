#include "common/config/load.hpp"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/config/resolve.hpp"

namespace ballast::config {
namespace {

std::string short_host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string_view whole = name.data();
  return std::string{whole.substr(0, whole.find('.'))};
}

LoadOptions completed(LoadOptions options) {
  if (options.config_id.empty()) options.config_id = short_host_name();
  return options;
}

/// What may stand in a text of services alone.
constexpr std::array<std::string_view, 3> of_services{"virtual_server", "virtual_server_group", "local_address_group"};

/// A text that comes by itself includes nothing.
class NoFiles : public Files {
 public:
  [[nodiscard]] Result<std::string> read(const std::filesystem::path&) const override {
    return fail("nothing can be included here");
  }
  [[nodiscard]] std::vector<std::filesystem::path> glob(const std::string& pattern) const override { return {pattern}; }
  [[nodiscard]] bool is_open_to_others(const std::filesystem::path&) const override { return false; }
};

/// The machine's, one of which has another text.
class FilesWith : public Files {
 public:
  FilesWith(const std::filesystem::path& file, const std::string& text)
      : file_{std::filesystem::absolute(file).lexically_normal()}, text_{text} {}
  [[nodiscard]] Result<std::string> read(const std::filesystem::path& path) const override {
    return std::filesystem::absolute(path).lexically_normal() == file_ ? text_ : files_.read(path);
  }
  [[nodiscard]] std::vector<std::filesystem::path> glob(const std::string& pattern) const override {
    const auto normal = std::filesystem::absolute(pattern).lexically_normal();
    auto found = files_.glob(pattern);
    if (::fnmatch(normal.c_str(), file_.c_str(), FNM_PATHNAME | FNM_PERIOD) != 0) return found;
    wanted_ = true;
    const auto is_it = [&](const auto& path) { return std::filesystem::absolute(path).lexically_normal() == file_; };
    if (std::ranges::none_of(found, is_it)) found.push_back(file_);  // it is to be made
    return found;
  }
  [[nodiscard]] bool is_open_to_others(const std::filesystem::path& path) const override {
    return files_.is_open_to_others(path);
  }
  [[nodiscard]] bool wanted() const { return wanted_; }

 private:
  MachineFiles files_;
  std::filesystem::path file_;
  const std::string& text_;
  mutable bool wanted_ = false;  ///< it is included somewhere
};

}  // namespace

Loaded load(std::string text, const std::string& name, const LoadOptions& options, const Files& files,
            const Limits& limits) {
  Sources sources;
  Report report{sources};
  TreeBuilder builder{report};
  Preprocessor preprocessor{
      sources, report, files, {options.config_id, options.environment, limits}, [&](std::vector<Piece>& pieces) {
        builder.add(pieces);
      }};
  preprocessor.run(name, std::move(text), name);
  Binder binder{report, options.strict, limits, files};
  binder.bind(builder.finish());
  Loaded loaded;
  loaded.model = resolve(binder);
  loaded.interfaces = interface_uses(binder);
  loaded.diagnostics = report.take();
  return loaded;
}

Loaded load_file(const std::filesystem::path& file, const LoadOptions& options) {
  const MachineFiles files;
  auto text = files.read(file);
  if (text) return load(std::move(*text), file.string(), completed(options), files, {});
  Diagnostic missing;
  missing.file = file.string();
  missing.column = 0;
  missing.message = fmt::format("cannot be read: {}", text.error().message);
  Loaded loaded;
  loaded.diagnostics.push_back(std::move(missing));
  return loaded;
}

LoadedWith load_file_with(const std::filesystem::path& file, const std::filesystem::path& included,
                          const std::string& text, const LoadOptions& options) {
  const FilesWith files{included, text};
  auto whole = files.read(file);
  if (!whole) return {load_file(file, options), false};
  auto loaded = load(std::move(*whole), file.string(), completed(options), files, {});
  return {std::move(loaded), files.wanted()};
}

Loaded load_services(std::string text, const std::string& name, const Global& global) {
  Sources sources;
  Report report{sources};
  TreeBuilder builder{report};
  const NoFiles files;
  Preprocessor preprocessor{sources, report, files, {completed({}).config_id, {}, {}}, [&](std::vector<Piece>& pieces) {
                              builder.add(pieces);
                            }};
  preprocessor.run(name, std::move(text), name);
  auto root = builder.finish();
  std::erase_if(root.children, [&](const Statement& statement) {
    if (statement.words.empty()) return false;
    const auto& first = statement.words.front();
    if (std::ranges::find(of_services, first.text) != of_services.end()) return false;
    report.error(first.at, fmt::format("'{}' has no place among services that are added", shorten(first.text)),
                 "expected virtual_server, virtual_server_group or local_address_group");
    return true;
  });
  Binder binder{report, false, {}, files};
  binder.draft().global = global;
  binder.bind(root);
  Loaded loaded;
  loaded.model = resolve(binder);
  loaded.diagnostics = report.take();
  return loaded;
}

Loaded load_text(std::string_view text, const std::string& name, const LoadOptions& options) {
  return load(std::string{text}, name, completed(options), MachineFiles{}, {});
}

}  // namespace ballast::config
