#include "tools/webhook/job.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace ballast::webhook {
namespace {

using nlohmann::json;

constexpr std::size_t most_headers = 100;
constexpr unsigned most_tries = 100;
constexpr std::chrono::duration<double> longest_timeout{3'600};
constexpr std::array<std::string_view, 3> ours{"content-length", "transfer-encoding", "connection"};

/// A token of RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

/// No character that ends a line, or is none (section 5.5).
bool is_value(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c == '\t' || (c >= ' ' && c != 0x7f); });
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return result;
}

}  // namespace

Result<std::vector<Header>> parse_headers(std::string_view text) {
  std::vector<Header> headers;
  for (unsigned number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return fail("line {} of the headers is not `Name: value`", number);
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (!is_value(value)) return fail("line {} of the headers has a character that no header has", number);
    if (std::ranges::find(ours, lower(name)) != ours.end())
      return fail("line {} of the headers: {} is ours", number, name);
    if (headers.size() == most_headers) return fail("more than {} headers", most_headers);
    headers.emplace_back(name, value);
  }
  return headers;
}

Result<Job> parse_job(std::string_view text) try {
  const auto given = json::parse(text);
  Job job;
  auto url = parse_url(given.at("url").get<std::string>());
  if (!url) return url.error();
  job.url = std::move(*url);
  auto headers = parse_headers(given.value("headers", ""));
  if (!headers) return headers.error();
  job.headers = std::move(*headers);
  job.ca_file = given.value("ca_file", "");
  job.verify = given.value("verify", true);
  const std::chrono::duration<double> timeout{given.value("timeout", 5.0)};
  if (!(timeout.count() > 0) || timeout > longest_timeout) return fail("timeout is not above 0 and at most 3600");
  job.timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout);
  job.tries = given.value("tries", 5U);
  if (job.tries < 1 || job.tries > most_tries) return fail("tries is not 1 to {}", most_tries);
  const auto& body = given.at("body");
  job.body = body.is_string() ? body.get<std::string>() : body.dump(-1, ' ', false, json::error_handler_t::replace);
  return job;
} catch (const json::parse_error&) {
  return fail("the input is no JSON");
} catch (const json::exception&) {
  return fail("the input is not an object with url and body, or a value of it is of another kind");
}

}  // namespace ballast::webhook
