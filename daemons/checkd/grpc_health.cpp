#include "daemons/checkd/grpc_health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "daemons/checkd/printable.hpp"

namespace ballast::checkd {
namespace {

// https://protobuf.dev/programming-guides/encoding: a tag is the field's number and one of these.
enum Wire : unsigned { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
constexpr std::uint64_t service_tag = 1U << 3 | Wire::bytes;
constexpr std::uint64_t status_tag = 1U << 3 | Wire::varint;
constexpr std::size_t longest_varint = 10;
constexpr std::size_t prefix_size = 5;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& in) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < in.size() && i < longest_varint; ++i) {
    const auto byte = static_cast<std::uint8_t>(in[i]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return value;
    }
  }
  return {};
}

/// Passes over a field's value; false where it does not end.
bool skip(std::string_view& in, std::uint64_t tag) {
  std::uint64_t length = 0;
  switch (tag & 7) {
    case Wire::varint:
      return take_varint(in).has_value();
    case Wire::fixed64:
      length = 8;
      break;
    case Wire::fixed32:
      length = 4;
      break;
    case Wire::bytes:
      if (const auto told = take_varint(in))
        length = *told;
      else
        return false;
      break;
    default:
      return false;
  }
  if (length > in.size()) return false;
  in.remove_prefix(length);
  return true;
}

Result<std::uint64_t> decode_message(std::string_view in) {
  std::uint64_t status = 0;
  while (!in.empty()) {
    const auto tag = take_varint(in);
    if (!tag || *tag >> 3 == 0) return fail("a field without a number");
    if (*tag == status_tag) {
      const auto value = take_varint(in);
      if (!value) return fail("a status without an end");
      status = *value;
    } else if (!skip(in, *tag)) {
      return fail("a field without an end");
    }
  }
  return status;
}

/// The codes of grpc-status by number.
constexpr std::array<std::string_view, 17> code_names{
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

constexpr std::array<std::string_view, 4> status_names{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
constexpr std::uint64_t serving = 1;

Verdict malformed(const std::string& what, std::string_view why) {
  return {Cause::malformed, 2, fmt::format("{}: not an answer of gRPC ({})", what, why), {}};
}

}  // namespace

std::string encode_health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    put_varint(message, service_tag);
    put_varint(message, service.size());
    message += service;
  }
  std::string framed(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>(message.size() >> shift & 0xff);
  return framed + message;
}

Result<std::uint64_t> decode_health_reply(std::string_view bytes) {
  if (bytes.size() < prefix_size) return fail("no message");
  if (bytes[0] != 0) return fail("a compressed message, which was not asked for");
  std::size_t length = 0;
  for (std::size_t i = 1; i < prefix_size; ++i) length = length << 8 | static_cast<std::uint8_t>(bytes[i]);
  bytes.remove_prefix(prefix_size);
  if (length != bytes.size()) return fail("a message of {} bytes, of which {} came", length, bytes.size());
  return decode_message(bytes);
}

bool HealthAnswer::on_status(unsigned status) {
  status_ = status;
  return status == 200;
}

void HealthAnswer::on_field(std::string_view name, std::string_view value) {
  if (name == "grpc-status") grpc_status_ = value;
  if (name == "grpc-message") grpc_message_ = value;
}

bool HealthAnswer::on_body(std::span<const char> piece) {
  if (body_.size() <= longest_reply) body_.append(piece.data(), std::min(piece.size(), longest_reply + 1));
  return body_.size() <= longest_reply;
}

Verdict HealthAnswer::judge(const std::string& what) const {
  if (status_ != 200)
    return {Cause::status, static_cast<int>(status_), fmt::format("{}: HTTP status {}, wanted 200", what, status_), {}};
  if (body_.size() > longest_reply) return malformed(what, fmt::format("longer than {} KiB", longest_reply >> 10));
  if (!grpc_status_) return malformed(what, "no grpc-status");
  unsigned code = 0;
  const auto* end = grpc_status_->data() + grpc_status_->size();
  if (const auto read = std::from_chars(grpc_status_->data(), end, code); read.ec != std::errc{} || read.ptr != end)
    return malformed(what, "grpc-status is no number");
  if (code != 0) {
    const auto name = code < code_names.size() ? std::string{code_names[code]} : fmt::format("code {}", code);
    const auto said = grpc_message_.empty() ? "" : fmt::format(" ({})", printable(grpc_message_));
    return {Cause::status, static_cast<int>(std::min(code, 99U)), fmt::format("{}: {}{}", what, name, said), {}};
  }
  const auto reply = decode_health_reply(body_);
  if (!reply) return malformed(what, reply.error().message);
  const auto name = *reply < status_names.size() ? std::string{status_names[*reply]} : fmt::format("status {}", *reply);
  if (*reply == serving) return {Cause::passed, 0, fmt::format("{}: {}", what, name), {}};
  return {Cause::said_down,
          static_cast<int>(std::min<std::uint64_t>(*reply, 99)),
          fmt::format("{}: {}, wanted SERVING", what, name),
          {}};
}

}  // namespace ballast::checkd
