#include "common/config/values.hpp"

#include <charconv>

namespace ballast::config {
namespace {

template <class T>
Result<T> parse_whole(std::string_view text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return fail("'{}' is not a whole number (expected {} to {})", shorten(text), least, most);
  }
  if (error != std::errc{} || value < least || value > most) {
    return fail("{} is out of range: {} to {}", shorten(text), least, most);
  }
  return value;
}

bool all_digits(std::string_view text) { return text.find_first_not_of("0123456789") == std::string_view::npos; }

}  // namespace

Result<unsigned> parse_number(std::string_view text, unsigned least, unsigned most) {
  if (text.starts_with('-') && text.size() > 1 && all_digits(text.substr(1))) {
    return fail("{} is out of range: {} to {}", shorten(text), least, most);
  }
  return parse_whole<unsigned>(text, least, most);
}

Result<int> parse_integer(std::string_view text, int least, int most) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return parse_whole<int>(text, least, most);
}

Result<Duration> parse_seconds(std::string_view text, Duration least, Duration most) {
  const auto point = std::min(text.find('.'), text.size());
  const auto whole = text.substr(0, point);
  const auto fraction = text.substr(std::min(point + 1, text.size()));
  const bool sane = all_digits(whole) && all_digits(fraction) && whole.size() + fraction.size() > 0;
  if (!sane) return fail("'{}' is not a time in seconds", shorten(text));
  std::int64_t micros = 0;
  if (whole.size() > 12)
    return fail("{} s is out of range: {} to {} s", shorten(text), seconds_text(least), seconds_text(most));
  for (const char c : whole) micros = micros * 10 + (c - '0');
  for (std::size_t i = 0; i < 6; ++i) micros = micros * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  const Duration value{micros};
  if (value < least || value > most) {
    return fail("{} s is out of range: {} to {} s", shorten(text), seconds_text(least), seconds_text(most));
  }
  return value;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "on" || text == "true" || text == "yes") return true;
  if (text == "off" || text == "false" || text == "no") return false;
  return fail("'{}' is none of on|off|true|false|yes|no", shorten(text));
}

Result<std::string> parse_interface(std::string_view text) {
  constexpr std::size_t longest = 15;  // IFNAMSIZ without the terminating byte
  if (text.empty() || text.size() > longest || text == "." || text == ".." ||
      text.find_first_of("/: \t") != std::string_view::npos) {
    return fail("'{}' is not an interface's name (up to {} characters, no '/', ':' or blank)", shorten(text), longest);
  }
  return std::string{text};
}

net::IpAddress address_plus(const net::IpAddress& address, std::uint32_t offset) {
  auto bytes = address.mapped();
  std::uint64_t carry = offset;
  for (std::size_t i = bytes.size(); i-- > 0 && carry > 0;) {
    carry += bytes[i];
    bytes[i] = static_cast<std::uint8_t>(carry & 0xff);
    carry >>= 8;
  }
  return net::IpAddress::v6(bytes);
}

namespace {

/// How many addresses from the first to the last; none if it is the other way round or beyond `most`.
Result<std::uint32_t> distance(const net::IpAddress& first, const net::IpAddress& last, std::uint32_t most) {
  if (first.family() != last.family()) return fail("{} and {} are of different families", first, last);
  if (last < first) return fail("the range ends at {}, before it begins", last);
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto byte = static_cast<std::int64_t>(last.mapped()[i]) - static_cast<std::int64_t>(first.mapped()[i]);
    difference = difference * 256 + static_cast<std::uint64_t>(byte);
    if (i < 12 && difference > most) return fail("more than {} addresses", most);
  }
  if (difference >= most) return fail("more than {} addresses", most);
  return static_cast<std::uint32_t>(difference + 1);
}

/// The last address of `10.0.0.1-20` and the like: its last part is the end's.
Result<net::IpAddress> range_end(const net::IpAddress& first, std::string_view end) {
  if (end.find_first_of(".:") != std::string_view::npos) return net::IpAddress::parse(end);
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(end.data(), end.data() + end.size(), value, first.is_v4() ? 10 : 16);
  const unsigned most = first.is_v4() ? 0xff : 0xffff;
  if (end.empty() || error != std::errc{} || stop != end.data() + end.size() || value > most) {
    return fail("'{}' is not the end of a range that begins at {}", shorten(end), first);
  }
  auto bytes = first.mapped();
  bytes[15] = static_cast<std::uint8_t>(value & 0xff);
  if (first.is_v6()) bytes[14] = static_cast<std::uint8_t>(value >> 8);
  return net::IpAddress::v6(bytes);
}

}  // namespace

Result<AddressRange> parse_range(std::string_view text, std::uint32_t most) {
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    const auto first = net::IpAddress::parse(text.substr(0, dash));
    if (!first) return first.error();
    const auto last = range_end(*first, text.substr(dash + 1));
    if (!last) return last.error();
    const auto count = distance(*first, *last, most);
    if (!count) return count.error();
    return AddressRange{*first, *count, {}};
  }
  const auto prefix = net::Prefix::parse(text);
  if (!prefix) return prefix.error();
  const unsigned bits = prefix->address.bit_length() - prefix->length;
  if (bits >= 32 || (1U << bits) > most) return fail("{} is more than {} addresses", *prefix, most);
  auto bytes = prefix->address.mapped();
  const std::uint32_t mask = (std::uint32_t{1} << bits) - 1;
  for (std::size_t i = 0; i < 4; ++i) bytes[15 - i] = static_cast<std::uint8_t>(bytes[15 - i] & ~(mask >> (8 * i)));
  return AddressRange{net::IpAddress::v6(bytes), mask + 1, {}};
}

net::IpAddress netmask(unsigned length) {
  const auto mask = static_cast<std::uint32_t>(~(std::uint64_t{0xffffffff} >> length));
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(mask >> (24 - 8 * i));
  return net::IpAddress::v4(bytes);
}

Result<unsigned> parse_netmask(std::string_view text) {
  const auto address = net::IpAddress::parse(text);
  for (unsigned length = 0; address && length <= 32; ++length) {
    if (netmask(length) == *address) return length;
  }
  return fail("'{}' is not a netmask such as 255.255.255.0", shorten(text));
}

std::string seconds_text(Duration value) {
  const auto micros = value.count();
  auto out = fmt::format("{}", micros / 1'000'000);
  if (const auto rest = micros % 1'000'000; rest != 0) {
    out += fmt::format(".{:06}", rest);
    while (out.ends_with('0')) out.pop_back();
  }
  return out;
}

}  // namespace ballast::config
