// Any bytes as a mail server's answers: the parser keeps its bounds, the dialogue ends, and it says one command at a
// time.
#include <algorithm>
#include <cstdint>

#include "tests/fuzz/require.hpp"
#include "tools/mail/dialogue.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast::mail;
  if (size == 0) return 0;
  Letter letter;
  letter.from.address = "lb@example.com";
  letter.to = {{"", "a@example.com"}, {"A name", "b@example.com"}};
  const std::string_view bytes{reinterpret_cast<const char*>(data + 1), size - 1};
  letter.subject = bytes;
  letter.text = bytes;
  const auto composed = compose(letter);
  require(composed.ends_with("\r\n.\r\n"), "a mail ends");
  require(composed.find("\r\n.\r\n") == composed.size() - 5, "and only at its end");
  Dialogue dialogue{letter, "lb1", (data[0] & 1) != 0};
  ballast::net::SmtpReplyParser parser;
  const auto cut = std::min<std::size_t>(data[0], bytes.size());
  for (const auto part : {bytes.substr(0, cut), bytes.substr(cut)}) {
    if (!parser.feed(part)) return 0;
  }
  while (const auto reply = parser.next()) {
    require(!reply->lines.empty() && reply->code >= 200 && reply->code < 600, "a reply has a code and a line");
    auto step = dialogue.on_reply(*reply);
    if (step.kind == Step::Kind::start_tls) step = dialogue.on_tls();
    if (step.kind != Step::Kind::send) {
      require(dialogue.over(), "an outcome is the end");
      return 0;
    }
    const bool command = std::ranges::count(step.text, '\n') == 1 && step.text.ends_with("\r\n");
    require(command || step.text == composed, "one command, or the mail");
  }
  return 0;
}
