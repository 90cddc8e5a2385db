#pragma once
#include <functional>
#include <map>
#include <random>

#include "common/config/files.hpp"
#include "common/config/lexer.hpp"

namespace ballast::config {

/// Bounds on what a small text may grow into.
struct Limits {
  std::size_t steps = 8'000'000;       ///< lines handled in all, those of definitions and repetitions included
  std::size_t line_length = 1U << 20;  ///< bytes of a line after replacement
  std::size_t replacements = 1'000;    ///< in one line
  std::size_t depth = 64;              ///< files in files, definitions in definitions
  std::size_t addresses =
      65'536;  ///< that the ranges of virtual_server_groups may hold together; also of local_address_groups
};

/// Reads text line by line; follows includes, keeps or drops `@id` lines, stores `$NAME=value`, replaces `$NAME`,
/// repeats `~SEQ` and `~LST`; hands on what remains.
class Preprocessor {
 public:
  struct Settings {
    std::string config_id;
    std::map<std::string, std::string> environment;
    Limits limits;
  };
  /// Takes what is in the pieces.
  using Sink = std::function<void(std::vector<Piece>& pieces)>;

  Preprocessor(Sources& sources, Report& report, const Files& files, Settings settings, Sink sink);
  /// A text with a name; its includes are relative to `folder`.
  void run(std::string name, std::string text, const std::filesystem::path& path);

 private:
  struct Fragment {
    Text text;
    Origin origin;
  };
  struct Line {
    Text text;
    Origin origin;
    std::vector<Fragment> more;  ///< a definition's further lines
    std::size_t depth = 0;
    bool decided = false;  ///< an `@id` of this line was looked at
  };
  using Definition = std::vector<Fragment>;

  struct Reference {
    std::size_t begin = 0;
    std::size_t length = 0;
    std::string name;
    std::string arguments;  ///< of ${_RANDOM 1 9}
  };

  void read_lines(std::uint32_t file);
  /// Hands on a line that asks for nothing; false: it does, and has not been handed on.
  bool pass_plain(Origin origin);
  void read_continuation(Line& line);
  [[nodiscard]] Fragment fragment(Origin origin);
  void process(Line line);
  bool spend(Origin origin);
  bool decide(Line& line);
  bool decide_after_brace(Line& line);
  [[nodiscard]] bool wanted(std::string_view condition) const;
  bool define(Line& line);
  bool repeat(const Line& line);
  void repeat_sequence(const Line& line, const std::vector<std::string>& arguments, const Text& rest, bool hex);
  void repeat_list(const Line& line, const std::vector<std::string>& arguments, const Text& rest);
  void repeat_once(const Line& line, const std::vector<std::pair<std::string, std::string>>& values, const Text& rest);
  /// Replaces what is known; false: the line was dealt with in another way.
  bool expand(Line& line);
  bool expand_lines(const Line& line, const Reference& reference, const Definition& definition);
  void warn_of_no_reference(const Line& line);
  [[nodiscard]] std::optional<Reference> find_reference(std::string_view text, std::size_t from) const;
  [[nodiscard]] std::optional<std::string> built_in(const Reference& reference);
  bool include(const Line& line);
  void include_file(const std::filesystem::path& path, const Line& line, Position at, bool required);
  void emit(Line& line);
  [[nodiscard]] Position place(const Line& line, std::size_t begin, std::size_t length);

  Sources& sources_;
  Report& report_;
  const Files& files_;
  Settings settings_;
  Sink sink_;
  std::map<std::string, Definition, std::less<>> definitions_;
  std::minstd_rand random_;
  std::size_t steps_ = 0;
  bool exhausted_ = false;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> open_files_;
  std::uint32_t reading_file_ = 0;
  std::uint32_t next_line_ = 1;
  std::vector<Piece> pieces_;  ///< kept for their room
};

}  // namespace ballast::config
