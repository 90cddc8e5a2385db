#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ballast::config {

/// Tells texts, and lists of them, from one another: FNV-1a's steps over words of eight bytes, the length last, for
/// there may be hundreds of megabytes. No cryptography: who writes the texts is trusted.
class TextDigest {
 public:
  void add(std::uint64_t number) {
    hash_ = (hash_ ^ number) * 1099511628211ULL;
    hash_ ^= hash_ >> 32;
  }
  void add(std::string_view text) {
    const auto length = text.size();
    for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), sizeof word);
      add(word);
    }
    for (const char c : text) add(std::uint64_t{static_cast<std::uint8_t>(c)});
    add(std::uint64_t{length});
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 14695981039346656037ULL;
};

}  // namespace ballast::config
