#include "common/net/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace ballast::net {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <class T>
Result<T> parse_number(std::string_view text, unsigned max, std::string_view what) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > max) {
    return fail("'{}' is not a {} (0 to {})", text, what, max);
  }
  return static_cast<T>(value);
}

template <class T>
void parse_from_json(const nlohmann::json& json, T& value) {
  auto parsed = T::parse(json.get<std::string>());
  if (!parsed) throw nlohmann::json::type_error::create(302, parsed.error().message, &json);
  value = *parsed;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated{text};
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
    return v4(std::span<const std::uint8_t, 4>{bytes.data(), 4});
  }
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return v6(bytes);
  return fail("'{}' is not an IPv4 or IPv6 address", text);
}

IpAddress IpAddress::v4(std::span<const std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + 12);
  return address;
}

IpAddress IpAddress::v6(std::span<const std::uint8_t, 16> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

Result<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 4) return v4(bytes.first<4>());
  if (bytes.size() == 16) return v6(bytes.first<16>());
  return fail("an address of {} bytes, expected 4 or 16", bytes.size());
}

Family IpAddress::family() const {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin()) ? Family::ipv4 : Family::ipv6;
}

int IpAddress::af() const { return is_v4() ? AF_INET : AF_INET6; }

std::span<const std::uint8_t> IpAddress::bytes() const {
  const std::span<const std::uint8_t> all{bytes_};
  return is_v4() ? all.subspan(12) : all;
}

bool IpAddress::is_multicast() const { return is_v4() ? (bytes_[12] & 0xf0) == 0xe0 : bytes_[0] == 0xff; }

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[12] == 169 && bytes_[13] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(af(), bytes().data(), text.data(), text.size());
  return text.data();
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail("'{}' has no port, expected ADDRESS:PORT", text);
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail("'{}': write an IPv6 address with a port as [ADDRESS]:PORT", text);
  }
  const auto address = IpAddress::parse(host);
  if (!address) return address.error();
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1), 65535, "port");
  if (!port) return port.error();
  return Endpoint{*address, *port};
}

std::string Endpoint::to_string() const {
  return address.is_v4() ? fmt::format("{}:{}", address.to_string(), port)
                         : fmt::format("[{}]:{}", address.to_string(), port);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return address.error();
  if (slash == std::string_view::npos) return Prefix{*address, static_cast<std::uint8_t>(address->bit_length())};
  const auto length = parse_number<std::uint8_t>(text.substr(slash + 1), address->bit_length(), "prefix length");
  if (!length) return length.error();
  return Prefix{*address, *length};
}

std::string Prefix::to_string() const { return fmt::format("{}/{}", address.to_string(), length); }

bool Prefix::contains(const IpAddress& other) const {
  if (other.family() != address.family()) return false;
  const auto mine = address.bytes();
  const auto theirs = other.bytes();
  const std::size_t whole = length / 8;
  if (!std::equal(mine.begin(), mine.begin() + whole, theirs.begin())) return false;
  const unsigned rest = length % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (mine[whole] & mask) == (theirs[whole] & mask);
}

Result<MacAddress> MacAddress::parse(std::string_view text) {
  MacAddress mac;
  if (text.size() != 17) return fail("'{}' is not a MAC address", text);
  for (std::size_t i = 0; i < 6; ++i) {
    const auto* begin = text.data() + i * 3;
    const auto [end, error] = std::from_chars(begin, begin + 2, mac.bytes[i], 16);
    if (error != std::errc{} || end != begin + 2 || (i < 5 && *end != ':')) {
      return fail("'{}' is not a MAC address", text);
    }
  }
  return mac;
}

std::string MacAddress::to_string() const { return fmt::format("{:02x}", fmt::join(bytes, ":")); }

void to_json(nlohmann::json& json, const IpAddress& value) { json = value.to_string(); }
void from_json(const nlohmann::json& json, IpAddress& value) { parse_from_json(json, value); }
void to_json(nlohmann::json& json, const Endpoint& value) { json = value.to_string(); }
void from_json(const nlohmann::json& json, Endpoint& value) { parse_from_json(json, value); }
void to_json(nlohmann::json& json, const Prefix& value) { json = value.to_string(); }
void from_json(const nlohmann::json& json, Prefix& value) { parse_from_json(json, value); }
void to_json(nlohmann::json& json, const MacAddress& value) { json = value.to_string(); }
void from_json(const nlohmann::json& json, MacAddress& value) { parse_from_json(json, value); }

}  // namespace ballast::net
