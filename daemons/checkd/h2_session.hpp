#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemons/checkd/http_answer.hpp"

struct nghttp2_session;

namespace ballast::checkd {

struct H2Request {
  std::string method = "GET";
  std::string scheme = "http";
  std::string authority;
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> fields{};  ///< names in small letters
  std::string body{};
};

/// How an exchange ended.
struct H2End {
  enum class Kind : std::uint8_t {
    open,       ///< it has not
    answered,   ///< or as much of the answer as was wanted is there
    reset,      ///< RST_STREAM
    away,       ///< GOAWAY
    closed,     ///< the connection
    malformed,  ///< this is not HTTP/2
    flooded,    ///< more frames or bytes than any answer needs
  };
  Kind kind = Kind::open;
  std::uint32_t code = 0;  ///< of `reset` and `away`: RFC 9113 section 7
  std::string why;         ///< in words
};

/// A client's side of an HTTP/2 connection for one request (RFC 9113), bytes in and bytes out. What it keeps, answers
/// and reads is bounded: a header of 16 KiB, 10,000 frames, 2 MiB in all.
class H2Session {
 public:
  H2Session(H2Request request, AnswerSink& sink);
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  /// What is to be sent now; empty: nothing.
  std::string take_output();
  void receive(std::span<const char> bytes);
  /// The peer has closed the connection.
  void on_closed();
  [[nodiscard]] bool over() const { return end_.kind != H2End::Kind::open; }
  [[nodiscard]] const H2End& end() const { return end_; }

 private:
  struct Callbacks;
  struct Free {
    void operator()(nghttp2_session* session) const;
  };
  void finish(H2End::Kind kind, std::string why, std::uint32_t code = 0);
  void submit();
  void drain();
  bool on_field(std::string_view name, std::string_view value);
  void on_stream_closed(std::uint32_t code);

  H2Request request_;
  AnswerSink& sink_;
  std::unique_ptr<nghttp2_session, Free> session_;
  H2End end_;
  std::string output_;
  std::size_t sent_ = 0;    // of the request's body
  std::size_t fields_ = 0;  // bytes of header fields
  std::size_t bytes_ = 0;
  unsigned frames_ = 0;
  bool has_status_ = false;
  bool went_away_ = false;
  std::uint32_t away_code_ = 0;
  std::string fault_;  // what nghttp2 says is wrong with what came
};

}  // namespace ballast::checkd
