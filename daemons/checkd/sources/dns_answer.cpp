#include "daemons/checkd/sources/dns_answer.hpp"

#include <algorithm>

namespace ballast::checkd {
namespace {

constexpr int longest_chain = 16;            // of CNAMEs
constexpr std::size_t most_nameservers = 3;  // MAXNS of resolv.conf(5)
constexpr std::uint16_t dns_port = 53;

const net::DnsRecord* find(const std::vector<net::DnsRecord>& records, std::string_view name, std::uint16_t type) {
  const auto found = std::ranges::find_if(
      records, [&](const auto& record) { return record.type == type && net::same_dns_name(record.name, name); });
  return found == records.end() ? nullptr : &*found;
}

/// Where the CNAMEs lead from that name; `ttl` is lowered to theirs.
std::string canonical(const std::vector<net::DnsRecord>& records, std::string_view name, std::uint32_t& ttl) {
  std::string at{name};
  for (int i = 0; i < longest_chain; ++i) {
    const auto* link = find(records, at, net::dns_type::cname);
    if (link == nullptr) break;
    const auto* next = std::get_if<net::DnsCname>(&link->data);
    if (next == nullptr) break;
    ttl = std::min(ttl, link->ttl);
    at = next->target;
  }
  return at;
}

/// The data of the records of a name and type; `ttl` is lowered to theirs.
template <class T>
std::vector<T> collect(const std::vector<net::DnsRecord>& records, std::string_view name, std::uint16_t type,
                       std::uint32_t& ttl) {
  std::vector<T> result;
  for (const auto& record : records) {
    const auto* data = std::get_if<T>(&record.data);
    if (data == nullptr || record.type != type || !net::same_dns_name(record.name, name)) continue;
    ttl = std::min(ttl, record.ttl);
    result.push_back(*data);
  }
  return result;
}

}  // namespace

std::string rcode_name(std::uint8_t rcode) {
  const auto words = net::dns_rcode_in_words(rcode);
  return words.substr(0, words.find(" ("));
}

Result<Addresses> addresses_in(const net::DnsReply& reply, std::string_view name, std::uint16_t type) {
  if (reply.rcode != net::dns_rcode::no_error) return fail("{}", rcode_name(reply.rcode));
  Addresses result{{}, UINT32_MAX};
  const auto at = canonical(reply.answers, name, result.ttl);
  result.list = collect<net::IpAddress>(reply.answers, at, type, result.ttl);
  if (result.list.empty()) result.ttl = 0;
  return result;
}

Result<Targets> targets_in(const net::DnsReply& reply, std::string_view name) {
  if (reply.rcode != net::dns_rcode::no_error) return fail("{}", rcode_name(reply.rcode));
  Targets result{{}, UINT32_MAX};
  const auto at = canonical(reply.answers, name, result.ttl);
  result.list = collect<net::DnsSrv>(reply.answers, at, net::dns_type::srv, result.ttl);
  std::erase_if(result.list, [](const auto& target) { return target.target == "." || target.port == 0; });
  if (result.list.empty()) return Targets{};
  const auto lowest = std::ranges::min(result.list, {}, &net::DnsSrv::priority).priority;
  std::erase_if(result.list, [&](const auto& target) { return target.priority != lowest; });
  return result;
}

Addresses additional_addresses(const net::DnsReply& reply, std::string_view name, std::uint16_t type) {
  Addresses result{{}, UINT32_MAX};
  result.list = collect<net::IpAddress>(reply.additional, name, type, result.ttl);
  if (result.list.empty()) result.ttl = 0;
  return result;
}

std::vector<net::Endpoint> parse_resolv_conf(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  std::vector<net::Endpoint> result;
  while (!text.empty() && result.size() < most_nameservers) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    constexpr std::string_view keyword = "nameserver";
    if (!line.starts_with(keyword)) continue;
    line.remove_prefix(keyword.size());
    const auto begin = line.find_first_not_of(blanks);
    if (begin == 0 || begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    if (const auto address = net::IpAddress::parse(line.substr(0, line.find_first_of(blanks))))
      result.push_back({*address, dns_port});
  }
  if (result.empty()) result.push_back({net::IpAddress::parse("127.0.0.1").value(), dns_port});
  return result;
}

}  // namespace ballast::checkd
