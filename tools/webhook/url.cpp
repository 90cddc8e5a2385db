#include "tools/webhook/url.hpp"

#include <algorithm>
#include <charconv>

namespace ballast::webhook {
namespace {

constexpr std::string_view tls_scheme = "https://";
constexpr std::string_view plain_scheme = "http://";
constexpr std::string_view tls_port = "443";
constexpr std::string_view plain_port = "80";

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65'535;
}

Result<> set_host(Url& url, std::string_view text) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return fail("the '[' of the URL's address is not closed");
    url.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    url.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (url.host.empty()) return fail("the URL names no host");
  if (rest.empty()) return {};
  if (!rest.starts_with(':') || !is_port(rest.substr(1))) return fail("the URL's port is none");
  url.port = rest.substr(1);
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (!is_visible(text)) return fail("the URL has a character that no URL has");
  Url url;
  url.tls = text.starts_with(tls_scheme);
  if (!url.tls && !text.starts_with(plain_scheme)) return fail("the URL begins with neither https:// nor http://");
  text.remove_prefix(url.tls ? tls_scheme.size() : plain_scheme.size());
  text = text.substr(0, text.find('#'));
  const auto end = std::min(text.find_first_of("/?"), text.size());
  const auto host = text.substr(0, end);
  if (host.find('@') != std::string_view::npos)
    return fail("the URL has a user name: write an Authorization header into header_file");
  url.port = url.tls ? tls_port : plain_port;
  if (const auto done = set_host(url, host); !done) return done.error();
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

std::string authority(const Url& url) {
  auto text = url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  if (url.port != (url.tls ? tls_port : plain_port)) text += ":" + url.port;
  return text;
}

}  // namespace ballast::webhook
