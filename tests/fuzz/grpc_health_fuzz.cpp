// Any bytes as the answer of a gRPC health service: it ends in one verdict, and only the two bytes that say SERVING
// pass.
#include <cstdint>

#include "daemons/checkd/grpc_health.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast::checkd;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto cut = size == 0 ? 0 : data[0] % size;
  HealthAnswer answer;
  answer.on_status(200);
  const bool more = answer.on_body(bytes.substr(0, cut)) && answer.on_body(bytes.substr(cut));
  require(more == (size <= HealthAnswer::longest_reply), "a reply is bounded");
  answer.on_field("grpc-status", "0");
  const auto verdict = answer.judge("gRPC health");
  require(!verdict.reason.empty(), "a verdict has a reason");
  const auto reply = decode_health_reply(bytes);
  require(verdict.passed() == (more && reply && *reply == 1), "SERVING alone passes");
  HealthAnswer said;
  said.on_status(200);
  said.on_field("grpc-status", bytes.substr(0, cut));
  said.on_field("grpc-message", bytes.substr(cut));
  require(!said.judge("gRPC health").passed(), "no reply, no pass");
  const auto request = encode_health_request(bytes);
  require(request.size() >= 5 && decode_health_reply(request).has_value(), "what is sent is a message");
  return 0;
}
