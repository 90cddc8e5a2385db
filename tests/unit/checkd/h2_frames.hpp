#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// Frames of HTTP/2 as a server sends them, well or not (RFC 9113 section 4.1).
namespace ballast::checkd::test::h2 {

enum Type : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push_promise,
  ping,
  goaway,
  window_update,
  continuation
};
constexpr std::uint8_t end_stream = 1, ack = 1, end_headers = 4;

inline std::string number(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

inline std::string frame(Type type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = {}) {
  std::string made = number(static_cast<std::uint32_t>(payload.size()), 3);
  made += static_cast<char>(type);
  made += static_cast<char>(flags);
  return made + number(stream, 4) + std::string{payload};
}

/// A literal field without indexing, its name in full (RFC 7541 section 6.2.2); both shorter than 127 bytes.
inline std::string field(std::string_view name, std::string_view value) {
  std::string made(1, '\0');
  for (const auto text : {name, value}) {
    made += static_cast<char>(text.size());
    made += text;
  }
  return made;
}

inline std::string status(std::string_view code) { return field(":status", code); }
inline std::string hello() { return frame(settings, 0, 0); }

/// A whole answer of one header and one body.
inline std::string answer(std::string_view code, std::string_view body) {
  return hello() + frame(headers, end_headers, 1, status(code)) + frame(data, end_stream, 1, body);
}

/// An answer of gRPC: header, message, trailers.
inline std::string grpc(std::string_view message, std::string_view trailers) {
  return hello() + frame(headers, end_headers, 1, status("200") + field("content-type", "application/grpc")) +
         frame(data, 0, 1, message) + frame(headers, end_headers | end_stream, 1, trailers);
}

/// A HealthCheckResponse with its prefix.
inline std::string health(char status_value) { return std::string{"\0\0\0\0\2\x08", 6} + status_value; }

}  // namespace ballast::checkd::test::h2
