#include "common/config/load.hpp"

#include <unistd.h>

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

}  // namespace

Loaded load(std::string text, const std::string& name, const LoadOptions& options, const Files& files,
            const Limits& limits) {
  Sources sources;
  Report report{sources};
  TreeBuilder builder{report};
  Preprocessor preprocessor{
      sources, report, files, {options.config_id, options.environment, limits}, [&](std::vector<Piece> pieces) {
        builder.add(std::move(pieces));
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

Loaded load_text(std::string_view text, const std::string& name, const LoadOptions& options) {
  return load(std::string{text}, name, completed(options), MachineFiles{}, {});
}

}  // namespace ballast::config
