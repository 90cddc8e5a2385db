#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/files.hpp"
#include "common/config/loader.hpp"

namespace ballast::config {

/// A virtual_server of a text: its lines, and what tells them from others.
struct ServiceBlock {
  std::size_t begin = 0;  ///< bytes, from the start of a line
  std::size_t end = 0;    ///< behind the line of its last brace
  std::uint64_t digest = 0;
};

/// Where the virtual_servers of a text stand. None: the text has definitions, conditions, repetitions, includes, quotes
/// over lines or braces that do not fit, so that a block does not mean the same wherever it stands. `known`: blocks of
/// a text before, which are recognised by their digests where they come in their order.
std::optional<std::vector<ServiceBlock>> find_service_blocks(std::string_view text,
                                                             std::span<const ServiceBlock> known = {});

/// Reads a file again and again. What it reads is what load_file() reads; but where nothing has changed outside of some
/// virtual_servers, only these are read, and the model shares the others with the last one. Warnings of what is not
/// read again are not repeated.
class Reader {
 public:
  explicit Reader(const Files& files) : files_{files} {}
  Loaded read(const std::filesystem::path& file, const LoadOptions& options);
  /// Whether the last read() was of what has changed alone.
  [[nodiscard]] bool was_partial() const { return was_partial_; }

 private:
  struct Known {
    std::vector<ServiceBlock> blocks;
    std::uint64_t rest = 0;  ///< digest of all else
    Model model;
    std::vector<InterfaceUse> interfaces;
  };
  std::optional<Loaded> read_changes(const std::string& text, const std::vector<ServiceBlock>& blocks,
                                     std::uint64_t rest, const std::string& name, const LoadOptions& options) const;

  const Files& files_;
  std::optional<Known> known_;
  bool was_partial_ = false;
};

}  // namespace ballast::config
