#pragma once
// Numbers of the kernel that people write as names, as iproute2 reads them.
#include <cstdint>
#include <string_view>

#include "common/result.hpp"

namespace ballast::config {

/// `main`, `local`, `default`, a number from 1, or a name of /etc/iproute2/rt_tables.
Result<std::uint32_t> parse_table(std::string_view text);
/// `kernel`, `boot`, `static`, `keepalived`, a number to 255, or a name of /etc/iproute2/rt_protos.
Result<std::uint8_t> parse_route_protocol(std::string_view text);
/// `global`, `site`, `link`, `host`, `nowhere` or a number to 255.
Result<std::uint8_t> parse_scope(std::string_view text);
/// TO or FROM/TO, each a number or a name of /etc/iproute2/rt_realms: FROM in the upper half.
Result<std::uint32_t> parse_realms(std::string_view text);
/// 0x10 or 16: the former TOS, of which the kernel takes some bits.
Result<std::uint8_t> parse_tos(std::string_view text);
/// 7, 0x1f: decimal, or hexadecimal with 0x.
Result<std::uint32_t> parse_any_number(std::string_view text, std::uint32_t most = 0xffff'ffff);
/// A link group: a number or a name of /etc/iproute2/group.
Result<std::uint32_t> parse_link_group(std::string_view text);

}  // namespace ballast::config
