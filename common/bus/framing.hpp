#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace ballast::bus {

constexpr std::size_t frame_header_size = 4;  ///< the length of the JSON text, big endian
constexpr unsigned max_nesting = 32;          ///< of objects and arrays in one frame

/// A frame as it is written; shared by all who get it.
using FrameBytes = std::shared_ptr<const std::string>;

/// Header and text. Bytes that are not UTF-8 are replaced, so that a peer's oddity never stops a message.
FrameBytes encode_frame(const nlohmann::json& message);

/// The same of a text that is JSON already.
FrameBytes frame_of(std::string_view text);

/// The text of one frame as a JSON object. Errors: not JSON, not an object, nested too deeply.
Result<nlohmann::json> parse_frame(std::string_view text);

/// Cuts a stream of bytes into the texts of frames.
class FrameDecoder {
 public:
  explicit FrameDecoder(std::size_t max_size) : max_size_{max_size} {}
  void feed(std::string_view bytes);
  /// The next whole text, nothing when more bytes are needed, an error when the length is beyond the limit (then for
  /// good). The text is valid until the next call to feed().
  Result<std::optional<std::string_view>> next();
  /// From the next frame on.
  void set_limit(std::size_t max_size) { max_size_ = max_size; }
  [[nodiscard]] std::size_t buffered() const { return buffer_.size() - taken_; }

 private:
  std::size_t max_size_;
  std::string buffer_;
  std::size_t taken_ = 0;
};

}  // namespace ballast::bus
