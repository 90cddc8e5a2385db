#include "daemons/checkd/http_answer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::checkd {
namespace {

/// Details of Cause::content.
enum Part : int { not_found, found, given_up };

}  // namespace

bool is_wanted(const config::HttpUrl& url, unsigned status) {
  if (url.status.empty()) return !url.digest.empty() || (status >= 200 && status <= 299);
  return std::ranges::any_of(url.status,
                             [&](const auto& range) { return status >= range.first && status <= range.last; });
}

std::string wanted_status(const config::HttpUrl& url) {
  if (url.status.empty()) return "200-299";
  std::string text;
  for (const auto& range : url.status) {
    if (!text.empty()) text += ", ";
    text += range.first == range.last ? fmt::format("{}", range.first) : fmt::format("{}-{}", range.first, range.last);
  }
  return text;
}

HttpAnswer::HttpAnswer(const config::HttpUrl& url) : url_{url} {
  if (!url.digest.empty()) md5_.emplace();
}

bool HttpAnswer::on_status(unsigned status) {
  status_ = status;
  return is_wanted(url_, status);
}

bool HttpAnswer::on_body(std::span<const char> piece) {
  if (md5_) md5_->add(piece);
  if (url_.regex) text_.append(piece.data(), std::min(piece.size(), longest_body - text_.size()));
  length_ += piece.size();
  return length_ <= longest_body;
}

Verdict HttpAnswer::judge(const std::string& what, const config::Regex* regex) {
  if (!is_wanted(url_, status_)) {
    return {Cause::status,
            static_cast<int>(status_),
            fmt::format("{}: status {}, wanted {}", what, status_, wanted_status(url_)),
            {}};
  }
  if (auto failed = judge_digest(what)) return *failed;
  if (regex != nullptr) return judge_body(what, *regex);
  return {Cause::passed,
          static_cast<int>(status_),
          fmt::format("{}: status {}{}", what, status_, md5_ ? ", body's MD5 as wanted" : ""),
          {}};
}

std::optional<Verdict> HttpAnswer::judge_digest(const std::string& what) {
  if (!md5_) return {};
  if (length_ > longest_body) {
    return Verdict{Cause::digest,
                   1,
                   fmt::format("{}: body longer than {} MiB, too long to compare its MD5", what, longest_body >> 20),
                   {}};
  }
  const auto digest = md5_->finish();
  if (digest.empty()) return Verdict{Cause::cannot_probe, 0, "cannot probe: OpenSSL offers no MD5 here", {}};
  if (digest == url_.digest) return {};
  return Verdict{Cause::digest, 0, fmt::format("{}: body's MD5 is {}, wanted {}", what, digest, url_.digest), {}};
}

Verdict HttpAnswer::judge_body(const std::string& what, const config::Regex& regex) const {
  using enum config::Regex::Found;
  const bool unwanted = url_.regex->must_not_match;
  switch (regex.search(text_)) {
    case match:
      if (unwanted) return {Cause::content, Part::found, what + ": the regex matches the body", {}};
      return {
          Cause::passed, static_cast<int>(status_), fmt::format("{}: status {}, the regex matches", what, status_), {}};
    case nothing:
      if (!unwanted) return {Cause::content, Part::not_found, what + ": the regex does not match the body", {}};
      return {Cause::passed,
              static_cast<int>(status_),
              fmt::format("{}: status {}, the regex does not match", what, status_),
              {}};
    default:
      return {Cause::content,
              Part::given_up,
              what + ": the search for the regex was given up: it would take too much time or memory",
              {}};
  }
}

}  // namespace ballast::checkd
