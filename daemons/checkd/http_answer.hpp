#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/config/model_checks.hpp"
#include "common/config/regex.hpp"
#include "daemons/checkd/digest.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// Takes an answer as it comes in, over whichever version of HTTP. False: that is all that is looked at.
class AnswerSink {
 public:
  AnswerSink() = default;
  virtual ~AnswerSink() = default;
  AnswerSink(const AnswerSink&) = delete;
  AnswerSink& operator=(const AnswerSink&) = delete;
  /// Of the final answer, not of those before it (1xx).
  virtual bool on_status(unsigned status) = 0;
  /// A header or trailer field of HTTP/2, its name in small letters.
  virtual void on_field(std::string_view name, std::string_view value) = 0;
  virtual bool on_body(std::span<const char> piece) = 0;
};

/// The answer to a GET: no more of it is kept than its url asks for, and never more than 1 MiB.
class HttpAnswer final : public AnswerSink {
 public:
  static constexpr std::size_t longest_body = 1U << 20;

  explicit HttpAnswer(const config::HttpUrl& url);
  bool on_status(unsigned status) override;
  void on_field(std::string_view, std::string_view) override {}
  bool on_body(std::span<const char> piece) override;

  /// A whole answer, or as much of it as was looked at. `regex` is the url's, compiled; `what` begins the reason.
  Verdict judge(const std::string& what, const config::Regex* regex);

 private:
  std::optional<Verdict> judge_digest(const std::string& what);
  Verdict judge_body(const std::string& what, const config::Regex& regex) const;

  const config::HttpUrl& url_;
  unsigned status_ = 0;
  std::optional<Md5> md5_;
  std::string text_;  // for a regex alone
  std::size_t length_ = 0;
};

/// May an answer have this status? Without ranges any 2xx may, and with a digest alone any.
bool is_wanted(const config::HttpUrl& url, unsigned status);

/// `200`, `200-299, 301`
std::string wanted_status(const config::HttpUrl& url);

}  // namespace ballast::checkd
