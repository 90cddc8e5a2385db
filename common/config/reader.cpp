#include "common/config/reader.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "common/config/lexer.hpp"
#include "common/config/load.hpp"
#include "common/config/text_digest.hpp"

namespace ballast::config {
namespace {

constexpr std::string_view keyword = "virtual_server";

std::uint64_t digest_of(std::string_view text) {
  TextDigest digest;
  digest.add(text);
  return digest.value();
}

/// Walks over a text line by line and follows the braces.
class BlockFinder {
 public:
  BlockFinder(std::string_view text, std::span<const ServiceBlock> known) : text_{text}, known_{known} {}

  std::optional<std::vector<ServiceBlock>> run() {
    if (text_.find('$') != std::string_view::npos) return std::nullopt;
    std::size_t begin = 0;
    while (begin < text_.size()) {
      if (const auto end = skip_known(begin)) {
        begin = *end;
        continue;
      }
      auto newline = next_special(begin);
      const bool braces = newline < text_.size() && text_[newline] != '\n';
      if (braces) newline = std::min(text_.find('\n', newline), text_.size());
      const auto next = std::min(newline + 1, text_.size());
      if (!line(begin, newline, next, braces)) return std::nullopt;
      begin = next;
    }
    if (depth_ != 0 || open_) return std::nullopt;
    return std::move(blocks_);
  }

 private:
  /// The end of the block that begins here, if it is the known one whose turn it is, or the one after that (which
  /// another has taken the place of).
  std::optional<std::size_t> skip_known(std::size_t begin) {
    if (depth_ != 0 || open_ || !text_.substr(begin).starts_with(keyword)) return std::nullopt;
    for (auto next = turn_; next < std::min(turn_ + 2, known_.size()); ++next) {
      const auto& block = known_[next];
      const auto text = text_.substr(begin, block.end - block.begin);
      // One without a newline at its end was the text's last: more may stand on that line now.
      if (text.size() != block.end - block.begin || !text.ends_with('\n') || digest_of(text) != block.digest) continue;
      turn_ = next + 1;
      blocks_.push_back({begin, begin + text.size(), block.digest});
      return begin + text.size();
    }
    return std::nullopt;
  }

  /// Where the next newline or brace is; there may be millions of lines, most without a brace.
  std::size_t next_special(std::size_t from) const {
    static constexpr auto special = [] {
      std::array<bool, 256> table{};
      table['\n'] = table['{'] = table['}'] = true;
      return table;
    }();
    while (from < text_.size() && !special[static_cast<unsigned char>(text_[from])]) ++from;
    return from;
  }

  bool line(std::size_t begin, std::size_t end, std::size_t next, bool braces) {
    auto text = text_.substr(begin, end - begin);
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    if (text.empty()) return true;
    if (text.starts_with("include") || text.front() == '@' || text.front() == '~') return false;
    if (depth_ == 0 && !open_ && starts_service(text)) open_ = begin;
    if (braces && !follow_braces(text)) return false;
    if (open_ && begun_ && depth_ == 0) {
      blocks_.push_back({*open_, next, digest_of(text_.substr(*open_, next - *open_))});
      open_.reset();
      begun_ = false;
    }
    return true;
  }

  static bool starts_service(std::string_view text) {
    return text.starts_with(keyword) && text.size() > keyword.size() && is_blank(text[keyword.size()]);
  }

  // Of a block that is open, nothing else may end or begin on its lines.
  bool follow_braces(std::string_view text) {
    QuoteScanner quotes{text};
    for (std::size_t i = 0; i < text.size(); i += quotes.step(i)) {
      if (quotes.inside()) continue;
      if (text[i] == '#' || text[i] == '!') {
        if (i > 0 && text[i - 1] == '\\') continue;
        break;
      }
      if (text[i] == '{') {
        if (open_ && begun_ && depth_ == 0) return false;
        const auto next = text.find_first_not_of(" \t", i + 1);
        if (next != std::string_view::npos && text[next] == '@') return false;
        ++depth_;
        begun_ = begun_ || open_;
      } else if (text[i] == '}' && --depth_ < 0) {
        return false;
      }
    }
    return !quotes.inside();
  }

  std::string_view text_;
  std::span<const ServiceBlock> known_;
  std::size_t turn_ = 0;
  std::vector<ServiceBlock> blocks_;
  std::optional<std::size_t> open_;  ///< where the virtual_server begins that is being read
  bool begun_ = false;               ///< its first brace was seen
  int depth_ = 0;
};

std::uint64_t digest_of_rest(std::string_view text, const std::vector<ServiceBlock>& blocks) {
  TextDigest digest;
  std::size_t begin = 0;
  for (const auto& block : blocks) {
    if (block.begin > begin) digest.add(text.substr(begin, block.begin - begin));
    begin = block.end;
  }
  digest.add(text.substr(begin));
  return digest.value();
}

/// What is left without some blocks. `keep_lines`: their lines are made empty, so that it stands where it stood.
std::string without(const std::string& text, const std::vector<ServiceBlock>& blocks, const std::vector<bool>& left_out,
                    bool keep_lines) {
  std::string made;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!left_out[i]) continue;
    made.append(text, begin, blocks[i].begin - begin);
    begin = blocks[i].end;
    if (!keep_lines) continue;
    const auto lines = std::count(text.begin() + static_cast<std::ptrdiff_t>(blocks[i].begin),
                                  text.begin() + static_cast<std::ptrdiff_t>(blocks[i].end), '\n');
    made.append(static_cast<std::size_t>(lines), '\n');
  }
  return made.append(text, begin);
}

/// Whether services have addresses of their own, each for itself.
bool apart(const SharedList<VirtualServer>& services) {
  std::unordered_map<net::IpAddress, std::vector<std::pair<std::uint16_t, Protocol>>> taken;
  std::unordered_set<std::string_view> names;
  for (const auto& service : services) {
    if (!names.insert(service.name).second) return false;
    for (const auto& endpoint : service.endpoints) {
      auto& here = taken[endpoint.address];
      const std::pair place{endpoint.port, service.protocol};
      if (std::ranges::find(here, place) != here.end()) return false;
      here.push_back(place);
    }
  }
  return true;
}

}  // namespace

std::optional<std::vector<ServiceBlock>> find_service_blocks(std::string_view text,
                                                             std::span<const ServiceBlock> known) {
  return BlockFinder{text, known}.run();
}

Loaded Reader::read(const std::filesystem::path& file, const LoadOptions& options) {
  was_partial_ = false;
  auto text = files_.read(file);
  const auto known = known_ ? std::span<const ServiceBlock>{known_->blocks} : std::span<const ServiceBlock>{};
  auto blocks = text ? find_service_blocks(*text, known) : std::nullopt;
  if (!blocks) {
    known_.reset();
    return load_file(file, options);
  }
  const auto rest = digest_of_rest(*text, *blocks);
  auto changes = read_changes(*text, *blocks, rest, file.string(), options);
  was_partial_ = changes.has_value();
  auto loaded = changes ? std::move(*changes) : load_text(*text, file.string(), options);
  known_.reset();
  // What is left out of the model (a service without servers) would put its neighbours in the wrong place.
  if (!loaded.ok() || loaded.model.virtual_servers.size() != blocks->size()) return loaded;
  known_ = Known{std::move(*blocks), rest, loaded.model, loaded.interfaces};
  return loaded;
}

std::optional<Loaded> Reader::read_changes(const std::string& text, const std::vector<ServiceBlock>& blocks,
                                           std::uint64_t rest, const std::string& name,
                                           const LoadOptions& options) const {
  if (!known_ || known_->rest != rest) return std::nullopt;
  // Local addresses are checked against all services.
  const auto has_locals = [](const VirtualServer& service) { return !service.local_addresses.empty(); };
  if (std::ranges::any_of(known_->model.virtual_servers, has_locals)) return std::nullopt;
  std::unordered_map<std::uint64_t, std::size_t> places;
  for (std::size_t i = 0; i < known_->blocks.size(); ++i) places.emplace(known_->blocks[i].digest, i);
  std::vector<bool> unchanged(blocks.size());
  std::size_t changed = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    unchanged[i] = places.contains(blocks[i].digest);
    changed += unchanged[i] ? 0 : 1;
  }
  if (changed * 2 > blocks.size()) return std::nullopt;
  auto loaded = load_text(without(text, blocks, unchanged, false), name, options);
  // Only who is to be told of a line has to know which it is.
  if (!loaded.diagnostics.empty()) loaded = load_text(without(text, blocks, unchanged, true), name, options);
  // An error may be that of a name which stands in a block that was left out.
  if (!loaded.ok() || loaded.model.virtual_servers.size() != changed) return std::nullopt;
  if (std::ranges::any_of(loaded.model.virtual_servers, has_locals)) return std::nullopt;
  SharedList<VirtualServer> all;
  all.reserve(blocks.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (unchanged[i])
      all.push_back(known_->model.virtual_servers.shared(places.at(blocks[i].digest)));
    else
      all.push_back(loaded.model.virtual_servers.shared(next++));
  }
  if (!apart(all)) return std::nullopt;
  loaded.model.virtual_servers = std::move(all);
  loaded.interfaces = known_->interfaces;
  return loaded;
}

}  // namespace ballast::config
