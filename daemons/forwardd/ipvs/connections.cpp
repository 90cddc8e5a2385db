#include "daemons/forwardd/ipvs/connections.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <vector>

namespace ballast::forwardd::ipvs {
namespace {

constexpr std::size_t fields =
    9;  ///< Pro FromIP FPrt ToIP TPrt DestIP DPrt State Expires; more: of persistence engines

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> words;
  while (words.size() < fields) {
    const auto begin = line.find_first_not_of(" \n");
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \n"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

template <class Number>
std::optional<Number> read_number(std::string_view word, int base) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

/// Eight hexadecimal digits for IPv4, groups of four with colons for IPv6.
std::optional<net::Endpoint> read_endpoint(std::string_view address, std::string_view port) {
  net::Endpoint made;
  if (address.size() == 8 && address.find(':') == std::string_view::npos) {
    const auto bits = read_number<std::uint32_t>(address, 16);
    if (!bits) return std::nullopt;
    const std::array<std::uint8_t, 4> bytes{static_cast<std::uint8_t>(*bits >> 24),
                                            static_cast<std::uint8_t>(*bits >> 16),
                                            static_cast<std::uint8_t>(*bits >> 8), static_cast<std::uint8_t>(*bits)};
    made.address = net::IpAddress::v4(bytes);
  } else {
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    const auto parsed = net::IpAddress::parse(address);
    if (!parsed) return std::nullopt;
    made.address = *parsed;
  }
  const auto number = port.size() == 4 ? read_number<std::uint16_t>(port, 16) : std::nullopt;
  if (!number) return std::nullopt;
  made.port = *number;
  return made;
}

}  // namespace

std::optional<ConnectionLine> read_connection(std::string_view line) {
  const auto words = split(line);
  if (words.size() < fields) return std::nullopt;
  const auto client = read_endpoint(words[1], words[2]);
  const auto place = read_endpoint(words[3], words[4]);
  const auto server = read_endpoint(words[5], words[6]);
  const auto expires = read_number<unsigned>(words[8], 10);
  if (!client || !place || !server || !expires) return std::nullopt;
  ConnectionLine made{std::string{words[0]}, *client, *place, *server, std::string{words[7]}, *expires};
  std::ranges::transform(made.protocol, made.protocol.begin(), [](unsigned char each) { return std::tolower(each); });
  return made;
}

}  // namespace ballast::forwardd::ipvs
