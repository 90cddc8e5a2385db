#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "daemons/checkd/http_answer.hpp"

namespace ballast::checkd {

/// A HealthCheckRequest of grpc.health.v1 as gRPC sends it: behind a flag and a length.
std::string encode_health_request(std::string_view service);

/// The `status` of a HealthCheckResponse, as gRPC sends it; 0 (UNKNOWN) where it has none.
Result<std::uint64_t> decode_health_reply(std::string_view bytes);

/// The answer to grpc.health.v1.Health/Check.
class HealthAnswer final : public AnswerSink {
 public:
  static constexpr std::size_t longest_reply = 4U << 10;

  bool on_status(unsigned status) override;
  void on_field(std::string_view name, std::string_view value) override;
  bool on_body(std::span<const char> piece) override;
  /// A whole answer; `what` begins the reason.
  [[nodiscard]] Verdict judge(const std::string& what) const;

 private:
  unsigned status_ = 0;
  std::optional<std::string> grpc_status_;
  std::string grpc_message_;
  std::string body_;
};

}  // namespace ballast::checkd
