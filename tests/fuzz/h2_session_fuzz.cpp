// Any bytes as what an HTTP/2 server sends: the session keeps its bounds, ends once, and says why.
#include <algorithm>
#include <cstdint>

#include "daemons/checkd/h2_session.hpp"
#include "tests/fuzz/require.hpp"

namespace {

struct Sink final : ballast::checkd::AnswerSink {
  bool on_status(unsigned status) override {
    require(status >= 200 && status <= 999, "a status is a final one");
    return true;
  }
  void on_field(std::string_view name, std::string_view) override { require(!name.empty(), "a field has a name"); }
  bool on_body(std::span<const char> piece) override {
    length += piece.size();
    return length <= 1'000;
  }
  std::size_t length = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast::checkd;
  if (size == 0) return 0;
  Sink sink;
  H2Session session{{.method = "POST", .authority = "a", .body = "hello"}, sink};
  const std::string_view bytes{reinterpret_cast<const char*>(data + 1), size - 1};
  const std::size_t step = std::size_t{data[0]} + 1;
  for (std::size_t at = 0; at < bytes.size() && !session.over(); at += step) {
    require(session.take_output().size() < (64U << 10), "what is to be sent stays small");
    session.receive(bytes.substr(at, step));
  }
  session.on_closed();
  const auto end = session.end();
  require(session.over(), "a closed connection is the end");
  require(end.kind == H2End::Kind::answered || !end.why.empty(), "what is no answer has a reason");
  session.receive(bytes);
  require(session.end().kind == end.kind && session.end().why == end.why, "the first end stays");
  return 0;
}
