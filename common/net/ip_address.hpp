#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace ballast::net {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };

/// An IPv4 or IPv6 address. Stored as 16 bytes in network order, IPv4 mapped (::ffff:a.b.c.d), as the data path's keys
/// are.
class IpAddress {
 public:
  IpAddress() = default;  ///< 0.0.0.0
  /// Dotted or colon text. A mapped address in text (::ffff:1.2.3.4) is the IPv4 address.
  static Result<IpAddress> parse(std::string_view text);
  static IpAddress v4(std::span<const std::uint8_t, 4> bytes);
  static IpAddress v6(std::span<const std::uint8_t, 16> bytes);
  /// Bytes as on the wire or in netlink: 4 or 16 of them.
  static Result<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);

  [[nodiscard]] Family family() const;
  [[nodiscard]] bool is_v4() const { return family() == Family::ipv4; }
  [[nodiscard]] bool is_v6() const { return !is_v4(); }
  [[nodiscard]] int af() const;  ///< AF_INET or AF_INET6
  [[nodiscard]] const std::array<std::uint8_t, 16>& mapped() const { return bytes_; }
  /// 4 or 16 bytes in network order.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const;
  [[nodiscard]] unsigned bit_length() const { return is_v4() ? 32 : 128; }
  [[nodiscard]] bool is_multicast() const;
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_link_local() const;
  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
};

/// An address and a TCP or UDP port (host order). Written 10.0.0.1:80 or [2001:db8::1]:80.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

/// An address with the length of its network, as an interface has it: 10.0.0.1/24. Without a length: that of the host.
struct Prefix {
  IpAddress address;
  std::uint8_t length = 32;
  static Result<Prefix> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool contains(const IpAddress& other) const;
  auto operator<=>(const Prefix&) const = default;
};

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};
  static Result<MacAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_zero() const { return bytes == std::array<std::uint8_t, 6>{}; }
  auto operator<=>(const MacAddress&) const = default;
};

// JSON is the text form; malformed text throws nlohmann's type_error with the reason.
void to_json(nlohmann::json& json, const IpAddress& value);
void from_json(const nlohmann::json& json, IpAddress& value);
void to_json(nlohmann::json& json, const Endpoint& value);
void from_json(const nlohmann::json& json, Endpoint& value);
void to_json(nlohmann::json& json, const Prefix& value);
void from_json(const nlohmann::json& json, Prefix& value);
void to_json(nlohmann::json& json, const MacAddress& value);
void from_json(const nlohmann::json& json, MacAddress& value);

template <class T>
concept Printable = requires(const T& value) {
  { value.to_string() } -> std::same_as<std::string>;
};

}  // namespace ballast::net

template <ballast::net::Printable T>
struct fmt::formatter<T> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    return fmt::formatter<std::string>::format(value.to_string(), context);
  }
};

template <>
struct std::hash<ballast::net::IpAddress> {
  std::size_t operator()(const ballast::net::IpAddress& address) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(address.mapped().data()), 16});
  }
};
