// Any bytes as what a checker hears: an agent's line, an echo, a reply by UDP, a file.
#include "daemons/checkd/agent_line.hpp"
#include "daemons/checkd/echo.hpp"
#include "daemons/checkd/file_number.hpp"
#include "daemons/checkd/reply_pattern.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast;
  using namespace ballast::checkd;
  const std::vector<std::uint8_t> bytes(data, data + size);
  const std::string text{bytes.begin(), bytes.end()};

  AgentState state;
  const auto answer = parse_agent_line(text);
  require(answer.description.size() <= 120 && answer.unknown.size() <= 120, "what is shown is bounded");
  require(!answer.percent || (*answer.percent >= 0 && *answer.percent <= most_percent), "a percentage is one");
  state.hear(answer);
  const auto verdict = state.verdict("agent");
  for (const unsigned char c : verdict.reason) require(c >= ' ' && c < 0x7f, "a reason is printable");
  require(verdict.passed() || verdict.cause == Cause::said_down, "an agent says up or down");
  require(unescape(text).size() <= text.size(), "an escape is no shorter than its byte");

  for (const auto family : {net::Family::ipv4, net::Family::ipv6}) {
    for (const bool with_header : {false, true}) {
      const auto echo = parse_echo_reply(family, bytes, with_header);
      require(!echo || echo->data.size() + 8 <= size, "an echo has its bytes");
    }
  }

  config::UdpCheck check;
  check.require_reply = true;
  check.max_reply = 65'507;
  require(fault_of_reply(check, size, bytes).empty(), "without a pattern anything will do");
  std::string hex;
  for (const auto byte : bytes) hex += fmt::format("{:02x}", byte);
  require(bytes_of_hex(hex) == bytes, "hexadecimal is read back");
  check.reply = hex;
  require(fault_of_reply(check, size, bytes).empty(), "a reply is as it is");

  config::FileCheck file;
  file.weight = -3;
  file.dynamic = true;
  require(!judge_file(file, {text, {}}).reason.empty(), "a file is judged in words");
  return 0;
}
