#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/config/load.hpp"

namespace ballast::config {

/// Files by their path, so that a test tells all it reads. A pattern matches by its text before the first '*'.
class StatedFiles : public Files {
 public:
  explicit StatedFiles(std::map<std::filesystem::path, std::string> files) : files_{std::move(files)} {}
  [[nodiscard]] Result<std::string> read(const std::filesystem::path& path) const override {
    const auto found = files_.find(path.lexically_normal());
    if (found == files_.end()) return fail("No such file or directory");
    return found->second;
  }
  [[nodiscard]] std::vector<std::filesystem::path> glob(const std::string& pattern) const override {
    const auto star = pattern.find('*');
    std::vector<std::filesystem::path> matching;
    for (const auto& [path, text] : files_) {
      const auto normal = std::filesystem::path{pattern}.lexically_normal().string();
      if (star == std::string::npos ? path == normal : path.string().starts_with(pattern.substr(0, star))) {
        matching.push_back(path);
      }
    }
    return matching;
  }
  [[nodiscard]] bool is_open_to_others(const std::filesystem::path& path) const override {
    return path.string().find("open") != std::string::npos;
  }

 private:
  std::map<std::filesystem::path, std::string> files_;
};

/// A text called `f`, read on the host `lb1`.
inline Loaded read_text(const std::string& text, LoadOptions options = {}, const Limits& limits = {}) {
  if (options.config_id.empty()) options.config_id = "lb1";
  return load(text, "f", options, StatedFiles{{}}, limits);
}

/// `/etc/b/main`, which may include the others.
inline Loaded read_files(const std::string& text, const std::map<std::filesystem::path, std::string>& files,
                         const Limits& limits = {}) {
  auto all = files;
  all["/etc/b/main"] = text;
  LoadOptions options;
  options.config_id = "lb1";
  return load(text, "/etc/b/main", options, StatedFiles{all}, limits);
}

/// `14:5: error: message (hint)`, one for each fault.
inline std::vector<std::string> faults(const Loaded& loaded) {
  std::vector<std::string> all;
  for (const auto& d : loaded.diagnostics) {
    all.push_back(fmt::format("{}:{}: {}: {}{}", d.line, d.column, d.severity, d.message,
                              d.hint.empty() ? "" : " (" + d.hint + ")"));
  }
  return all;
}

inline std::vector<std::string> errors(const Loaded& loaded) {
  std::vector<std::string> all;
  for (const auto& d : loaded.diagnostics) {
    if (d.severity == Severity::error) all.push_back(fmt::format("{}:{}:{}: {}", d.file, d.line, d.column, d.message));
  }
  return all;
}

/// An instance that is right, with further lines in it.
inline std::string instance(const std::string& lines = {}, const std::string& name = "VI_1", int vrid = 51,
                            const std::string& address = "192.0.2.100/24") {
  return fmt::format(
      "vrrp_instance {} {{\n  interface eth0\n  virtual_router_id {}\n  virtual_ipaddress {{\n    {}\n  }}\n{}}}\n",
      name, vrid, address, lines.empty() ? lines : lines + "\n");
}

/// A service that is right, with further lines in it and in its server.
inline std::string service(const std::string& lines = {}, const std::string& server_lines = {},
                           const std::string& address = "192.0.2.100 80") {
  return fmt::format("virtual_server {} {{\n  protocol TCP\n{}  real_server 192.0.2.21 80 {{\n{}  }}\n}}\n", address,
                     lines.empty() ? lines : lines + "\n", server_lines.empty() ? server_lines : server_lines + "\n");
}

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

}  // namespace ballast::config
