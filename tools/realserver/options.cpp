#include "tools/realserver/options.hpp"

#include <algorithm>
#include <limits>

#include "tools/realserver/layout.hpp"
#include "tools/realserver/record.hpp"

namespace ballast::realserver {
namespace {

std::vector<std::string> split(const std::vector<std::string>& words) {
  std::vector<std::string> parts;
  for (const auto& word : words) {
    std::size_t begin = 0;
    while (begin <= word.size()) {
      const auto end = std::min(word.find(',', begin), word.size());
      parts.push_back(word.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return parts;
}

/// What can be a VIP: a unicast address that others can reach.
Result<net::IpAddress> parse_vip(const std::string& text) {
  const auto vip = net::IpAddress::parse(text);
  if (!vip) return fail("--vip: {}", vip.error().message);
  const auto bytes = vip->bytes();
  const bool is_loopback =
      vip->is_v4() ? bytes[0] == 127 : std::ranges::all_of(bytes.first(15), [](auto b) { return b == 0; });
  if (vip->is_multicast() || vip->is_unspecified() || vip->is_link_local() || is_loopback ||
      (vip->is_v4() && (bytes[0] == 0 || bytes[0] >= 224))) {
    return fail("--vip {}: not an address that clients can reach from elsewhere", text);
  }
  return *vip;
}

template <class T, class Parse>
Result<> parse_all(const std::vector<std::string>& words, std::vector<T>& values, Parse parse_one) {
  for (const auto& word : split(words)) {
    auto value = parse_one(word);
    if (!value) return value.error();
    if (std::ranges::find(values, *value) == values.end()) values.push_back(std::move(*value));
  }
  return {};
}

Result<net::Prefix> parse_trust(const std::string& text) {
  auto prefix = net::Prefix::parse(text);
  if (!prefix) return fail("--trust: {}", prefix.error().message);
  return prefix;
}

Result<std::string> parse_interface(const std::string& text) {
  if (text.empty() || text.find('/') != std::string::npos || text == "lo" || text == "all" || text == ".." ||
      text == ".") {
    return fail("--interface '{}': name an interface by which packets arrive", text);
  }
  return text;
}

Result<> check_belongings(const Words& words, const Wanted& wanted) {
  const auto refuse = [&](bool given, const char* option, const char* mode) -> Result<> {
    if (given) return fail("{} belongs to --mode {}, not to {}", option, mode, name_of(wanted.mode));
    return {};
  };
  if (wanted.mode != Mode::tun) {
    if (auto done = refuse(words.gue_port.has_value(), "--gue-port", "tun"); !done) return done;
  }
  if (wanted.mode != Mode::fnat) {
    if (auto done = refuse(!words.cgroup.empty(), "--cgroup", "fnat"); !done) return done;
    return refuse(wanted.mode == Mode::dr && !wanted.trust.empty(), "--trust", "tun or fnat");
  }
  return refuse(!wanted.interfaces.empty(), "--interface", "dr or tun");
}

Result<> check_completeness(const Wanted& wanted) {
  if (wanted.mode == Mode::fnat && wanted.trust.empty()) {
    return fail("--mode fnat needs --trust: the load balancers' local addresses, which alone may tell a client's");
  }
  if (wanted.mode != Mode::fnat && wanted.vips.empty()) {
    return fail("--mode {} needs --vip: the addresses that clients connect to", name_of(wanted.mode));
  }
  if (wanted.vips.size() > layout::MOST_VIPS) return fail("--vip: at most {} addresses", int{layout::MOST_VIPS});
  if (wanted.trust.size() > layout::MOST_PREFIXES)
    return fail("--trust: at most {} prefixes", int{layout::MOST_PREFIXES});
  return {};
}

}  // namespace

Result<Wanted> parse(const Words& words) {
  Wanted wanted;
  const auto mode = mode_named(words.mode);
  if (!mode) return fail("--mode: {}", mode.error().message);
  wanted.mode = *mode;
  if (auto done = parse_all(words.vips, wanted.vips, parse_vip); !done) return done.error();
  if (auto done = parse_all(words.interfaces, wanted.interfaces, parse_interface); !done) return done.error();
  if (auto done = parse_all(words.trust, wanted.trust, parse_trust); !done) return done.error();
  const auto port = words.gue_port.value_or(default_gue_port);
  if (port > std::numeric_limits<std::uint16_t>::max()) return fail("--gue-port {}: 0 (none) to 65535", port);
  wanted.gue_port = static_cast<std::uint16_t>(port);
  wanted.cgroup = words.cgroup;
  if (auto done = check_belongings(words, wanted); !done) return done.error();
  if (auto done = check_completeness(wanted); !done) return done.error();
  return wanted;
}

}  // namespace ballast::realserver
