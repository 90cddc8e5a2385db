#include "daemons/checkd/http1.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

namespace ballast::checkd {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr int most_interim = 4;  // 1xx answers before the final one (RFC 9110 section 15.2)
constexpr std::size_t chunk_size = 8U << 10;

/// Hands status and body to the sink and keeps nothing: a header field is not even stored.
class AnswerParser final : public http::basic_parser<false> {
 public:
  explicit AnswerParser(AnswerSink& sink) : sink_{sink} {
    header_limit(longest_http1_header);
    body_limit(boost::none);
    eager(true);
  }
  /// The sink has had enough.
  [[nodiscard]] bool enough() const { return enough_; }
  [[nodiscard]] unsigned status() const { return status_; }
  [[nodiscard]] bool is_interim() const { return status_ < 200; }

 private:
  using Text = boost::beast::string_view;
  void on_request_impl(http::verb, Text, Text, int, error_code&) override {}
  void on_response_impl(int status, Text, int, error_code&) override { status_ = static_cast<unsigned>(status); }
  void on_field_impl(http::field, Text, Text, error_code&) override {}
  void on_header_impl(error_code& error) override {
    if (!is_interim() && !sink_.on_status(status_)) stop(error);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text body, error_code& error) override {
    if (!sink_.on_body({body.data(), body.size()})) stop(error);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, error_code& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(error_code&) override {}
  void stop(error_code& error) {
    enough_ = true;
    error = asio::error::operation_aborted;
  }

  AnswerSink& sink_;
  unsigned status_ = 0;
  bool enough_ = false;
};

/// Feeds what is buffered to the parser. True: no more bytes are wanted, and the error tells whether that is well.
bool parse(std::optional<AnswerParser>& parser, AnswerSink& sink, boost::beast::flat_buffer& buffer, int& interim,
           error_code& error) {
  while (true) {
    error = {};
    buffer.consume(parser->put(buffer.data(), error));
    if (error == http::error::need_more) {
      error = {};
      return false;
    }
    if (parser->enough()) error = {};
    if (error || parser->enough()) return true;
    if (!parser->is_done()) return false;
    if (!parser->is_interim()) return true;
    if (++interim > most_interim) {
      sink.on_status(parser->status());  // there is no end to them: so be it
      return true;
    }
    parser.emplace(sink);
    if (buffer.size() == 0) return false;
  }
}

}  // namespace

asio::awaitable<error_code> http1_exchange(Channel& channel, const std::string& request, AnswerSink& sink) {
  const auto refused = co_await channel.write(asio::buffer(request));
  // Who answers without reading the request may have reset our side, and its answer is still to be read.
  if (refused == boost::beast::error::timeout) co_return refused;
  boost::beast::flat_buffer buffer{longest_http1_header + chunk_size};
  std::optional<AnswerParser> parser{std::in_place, sink};
  int interim = 0;
  error_code error;
  while (true) {
    const auto room = std::min(chunk_size, buffer.max_size() - buffer.size());
    if (room == 0) co_return http::error::header_limit;
    const auto read = co_await channel.read_some(buffer.prepare(room));
    if (read.error == asio::error::eof) {
      if (!parser->got_some()) co_return http::error::end_of_stream;
      parser->put_eof(error);
      co_return error;
    }
    if (read.error) co_return read.error;
    buffer.commit(read.size);
    if (parse(parser, sink, buffer, interim, error)) co_return error;
  }
}

}  // namespace ballast::checkd
