#include "daemons/checkd/h2_exchange.hpp"

#include "daemons/checkd/connect.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t chunk_size = 8U << 10;

std::optional<Verdict> judge(const H2End& end, const std::string& what) {
  using enum H2End::Kind;
  const auto code = static_cast<int>(end.code & 0xffff);
  switch (end.kind) {
    case answered:
      return {};
    case reset:
      return Verdict{Cause::closed, code, fmt::format("{}: stream reset ({})", what, end.why), {}};
    case away:
      return Verdict{Cause::closed, code, fmt::format("{}: sent away (GOAWAY, {})", what, end.why), {}};
    case closed:
      return Verdict{Cause::closed, code, fmt::format("{}: {}", what, end.why), {}};
    case flooded:
      return Verdict{Cause::malformed, 5, fmt::format("{}: {}", what, end.why), {}};
    case open:
    case malformed:
      break;
  }
  return Verdict{Cause::malformed, 6, fmt::format("{}: not an answer of HTTP/2 ({})", what, end.why), {}};
}

/// The network's error, if one ended it.
asio::awaitable<error_code> run(Channel& channel, H2Session& session) {
  std::array<char, chunk_size> chunk{};
  bool writable = true;
  while (!session.over()) {
    const auto output = session.take_output();
    if (writable && !output.empty()) {
      const auto error = co_await channel.write(asio::buffer(output));
      if (error == boost::beast::error::timeout) co_return error;
      writable = !error;  // what it said before is still to be read
    }
    const auto read = co_await channel.read_some(asio::buffer(chunk));
    if (read.error == asio::error::eof) {
      session.on_closed();
    } else if (read.error) {
      co_return read.error;
    } else {
      session.receive({chunk.data(), read.size});
    }
  }
  co_return error_code{};
}

}  // namespace

asio::awaitable<std::optional<Verdict>> h2_exchange(Channel& channel, H2Request request, AnswerSink& sink,
                                                    const std::string& what, const config::Check& check) {
  H2Session session{std::move(request), sink};
  if (const auto error = co_await run(channel, session)) co_return network_failure(what, error, check, Stage::answer);
  co_return judge(session.end(), what);
}

}  // namespace ballast::checkd
