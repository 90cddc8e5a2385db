#include "daemons/checkd/sources/server_line.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ballast::checkd {
namespace {

constexpr std::size_t longest_shown = 60;
constexpr std::size_t longest_line = 256;
constexpr unsigned most_weight = 65'535;
constexpr std::string_view blanks = " \t\r";

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || parsed != end || value > most) return std::nullopt;
  return value;
}

/// The first word; `text` goes on behind it.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const auto word = text.substr(0, text.find_first_of(blanks));
  text.remove_prefix(word.size());
  return word;
}

Result<net::Endpoint> parse_endpoint(std::string_view word, std::uint16_t port) {
  auto host = word;
  std::optional<std::string_view> given;
  if (word.starts_with('[')) {
    const auto end = word.find(']');
    if (end == std::string_view::npos) return fail("'{}' has no ]", shown(word));
    host = word.substr(1, end - 1);
    if (const auto rest = word.substr(end + 1); rest.starts_with(':'))
      given = rest.substr(1);
    else if (!rest.empty())
      return fail("'{}': expected [ADDRESS]:PORT", shown(word));
  } else if (std::ranges::count(word, ':') == 1) {
    host = word.substr(0, word.find(':'));
    given = word.substr(word.find(':') + 1);
  }
  const auto address = net::IpAddress::parse(host);
  if (!address) return fail("'{}' is not an IPv4 or IPv6 address", shown(host));
  if (!given) return net::Endpoint{*address, port};
  const auto value = number(*given, 65'535);
  if (!value || *value == 0) return fail("'{}' is not a port (1 to 65535)", shown(*given));
  return net::Endpoint{*address, static_cast<std::uint16_t>(*value)};
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out{text.substr(0, longest_shown)};
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > longest_shown ? out + "…" : out;
}

Result<config::FoundServer> parse_server(std::string_view text, std::uint16_t port) {
  const auto address = next_word(text);
  if (address.empty()) return fail("no address, expected ADDRESS[:PORT] [weight N]");
  const auto endpoint = parse_endpoint(address, port);
  if (!endpoint) return endpoint.error();
  config::FoundServer server{*endpoint, std::nullopt};
  if (const auto word = next_word(text); word == "weight") {
    const auto value = next_word(text);
    const auto weight = number(value, most_weight);
    if (!weight) return fail("'{}' is not a weight (0 to {})", shown(value), most_weight);
    server.weight = static_cast<int>(*weight);
  } else if (!word.empty()) {
    return fail("'{}' is unexpected: ADDRESS[:PORT] [weight N]", shown(word));
  }
  if (const auto word = next_word(text); !word.empty()) return fail("'{}' is unexpected at the end", shown(word));
  return server;
}

Result<std::vector<config::FoundServer>> parse_server_list(std::string_view text, std::string_view file,
                                                           std::uint16_t port) {
  std::vector<config::FoundServer> servers;
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(blanks) == std::string_view::npos) continue;
    if (line.size() > longest_line) return fail("{}:{}: a line of {} bytes", file, number, line.size());
    const auto server = parse_server(line, port);
    if (!server) return fail("{}:{}: {}", file, number, server.error().message);
    servers.push_back(*server);
  }
  return servers;
}

}  // namespace ballast::checkd
