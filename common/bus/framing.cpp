#include "common/bus/framing.hpp"

#include <algorithm>

namespace ballast::bus {
namespace {

constexpr std::size_t keep_capacity = 1U << 20;  // after a large frame the buffer is given back

std::uint32_t read_length(std::string_view header) {
  std::uint32_t value = 0;
  for (const char byte : header) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

bool too_deep(std::string_view text) {
  unsigned depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_nesting) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

FrameBytes encode_frame(const nlohmann::json& message) {
  return frame_of(message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

FrameBytes frame_of(std::string_view text) {
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(frame_header_size + text.size());
  bytes->append(frame_header_size, '\0').append(text);
  const auto length = static_cast<std::uint32_t>(text.size());
  for (std::size_t i = 0; i < frame_header_size; ++i) {
    (*bytes)[i] = static_cast<char>(length >> (8 * (frame_header_size - 1 - i)) & 0xff);
  }
  return bytes;
}

Result<nlohmann::json> parse_frame(std::string_view text) {
  if (too_deep(text)) return fail("nested more than {} deep", max_nesting);
  auto message = nlohmann::json::parse(text, nullptr, false);
  if (message.is_discarded()) return fail("not JSON");
  if (!message.is_object()) return fail("not a JSON object");
  return message;
}

void FrameDecoder::feed(std::string_view bytes) {
  if (taken_ > 0) {
    buffer_.erase(0, taken_);
    taken_ = 0;
    if (buffer_.empty() && buffer_.capacity() > keep_capacity) buffer_ = {};
  }
  buffer_.append(bytes);
}

Result<std::optional<std::string_view>> FrameDecoder::next() {
  const auto rest = std::string_view{buffer_}.substr(taken_);
  if (rest.size() < frame_header_size) return std::optional<std::string_view>{};
  const std::size_t length = read_length(rest.substr(0, frame_header_size));
  if (length > max_size_) return fail("a frame of {} bytes, and {} is the limit", length, max_size_);
  if (rest.size() - frame_header_size < length) return std::optional<std::string_view>{};
  taken_ += frame_header_size + length;
  return std::optional{rest.substr(frame_header_size, length)};
}

}  // namespace ballast::bus
