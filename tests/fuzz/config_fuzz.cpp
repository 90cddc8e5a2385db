// Any text is read to its end and gives a model or words; a model is printed so that it reads as the same model.
#include "common/config/load.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ballast;
using namespace ballast::config;

/// The text itself, for loops of includes, and one other file.
class TwoFiles : public Files {
 public:
  explicit TwoFiles(std::string self) : self_{std::move(self)} {}
  [[nodiscard]] Result<std::string> read(const std::filesystem::path& path) const override {
    if (path == "self") return self_;
    if (path == "other") return std::string{"$A=1\nglobal_defs {\n router_id ${A}\n}\n"};
    return fail("No such file or directory");
  }
  [[nodiscard]] std::vector<std::filesystem::path> glob(const std::string& pattern) const override {
    if (pattern == "*") return {"other", "self"};
    return {pattern};
  }
  [[nodiscard]] bool is_open_to_others(const std::filesystem::path& path) const override { return path == "other"; }

 private:
  std::string self_;
};

Loaded read(const std::string& text) {
  LoadOptions options;
  options.config_id = "lb1";
  options.environment = {{"HOME", "/root ${_ENV HOME} $A"}};
  Limits limits;
  limits.steps = 5'000;
  limits.line_length = 4'096;
  limits.replacements = 100;
  limits.depth = 16;
  limits.addresses = 1'024;
  return load(text, "self", options, TwoFiles{text}, limits);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = read({reinterpret_cast<const char*>(data), size});
  for (const auto& diagnostic : loaded.diagnostics) {
    require(!render(diagnostic).empty() && !diagnostic.message.empty(), "a fault has words");
    static_cast<void>(nlohmann::json(diagnostic).dump());  // throws unless it is UTF-8
  }
  if (!loaded.ok()) return 0;
  const auto json = nlohmann::json(loaded.model);
  require(json.get<Model>() == loaded.model, "JSON gives the model back");
  const auto text = print(loaded.model);
  const auto again = read(text);
  for (const auto& diagnostic : again.diagnostics) {
    require(diagnostic.severity == Severity::warning, "what is printed has no errors: " + render(diagnostic));
  }
  require(nlohmann::json(again.model) == json, "what is printed reads as the same model:\n" + text);
  return 0;
}
