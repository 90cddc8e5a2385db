#include "daemons/checkd/sources/etcd_view.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "daemons/checkd/sources/server_line.hpp"

namespace ballast::checkd {
namespace {

using nlohmann::json;

constexpr std::size_t most_keys = 8'192;
constexpr std::size_t longest_value = 1'024;
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The first key behind all that begin with the prefix.
std::string end_of(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');  // to the last of all
  prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

Error broken(std::string_view what) { return fail("an answer that is not etcd's: {}", what); }

/// A member of a JSON object, or null.
const json& member(const json& object, const char* name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

/// The gateway writes 64-bit numbers as text.
std::int64_t integer(const json& value) {
  if (value.is_number_unsigned() || value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return 0;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc{} && end == text.data() + text.size() ? result : 0;
}

Result<std::string> bytes(const json& value) {
  if (value.is_null()) return std::string{};  // left out when empty
  if (!value.is_string()) return broken("no text where a key or value is due");
  return from_base64(value.get_ref<const std::string&>());
}

bool is_true(const json& value) { return value.is_boolean() && value.get<bool>(); }

std::string message_of(const json& error) {
  const auto& text = error.is_object() ? member(error, "message") : error;
  return text.is_string() ? shown(text.get_ref<const std::string&>()) : "an error without words";
}

Result<config::FoundServer> parse_object(std::string_view value, std::uint16_t port) {
  const auto object = json::parse(value, nullptr, false);
  const auto& address = member(object, "address");
  if (!address.is_string()) return fail("'{}' has no \"address\"", shown(value));
  const auto parsed = net::IpAddress::parse(address.get_ref<const std::string&>());
  if (!parsed) return fail("'{}' is not an IPv4 or IPv6 address", shown(address.get_ref<const std::string&>()));
  const auto number = [&](const char* name, std::int64_t least) -> Result<std::optional<std::uint16_t>> {
    const auto& given = member(object, name);
    if (given.is_null()) return std::optional<std::uint16_t>{};
    const bool whole = given.is_number_unsigned() && given.get<std::uint64_t>() <= 65'535;
    if (!whole || given.get<std::int64_t>() < least) return fail("\"{}\" is not a number of {} to 65535", name, least);
    return std::optional{given.get<std::uint16_t>()};
  };
  const auto own_port = number("port", 1);
  if (!own_port) return own_port.error();
  const auto weight = number("weight", 0);
  if (!weight) return weight.error();
  config::FoundServer server{{*parsed, own_port->value_or(port)}, std::nullopt};
  if (*weight) server.weight = **weight;
  return server;
}

Result<config::FoundServer> parse_value(std::string_view value, std::uint16_t port) {
  if (value.size() > longest_value) return fail("a value of {} bytes", value.size());
  const auto begin = value.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && value[begin] == '{') return parse_object(value, port);
  while (value.ends_with('\n')) value.remove_suffix(1);
  return parse_server(value, port);
}

}  // namespace

Result<EtcdUrl> EtcdUrl::parse(std::string_view text) {
  EtcdUrl url;
  url.tls = text.starts_with("https://");
  const bool http = url.tls || text.starts_with("http://");
  auto rest = http ? text.substr(text.find("://") + 3) : std::string_view{};
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto colon = rest.rfind(':');
  if (rest.empty() || rest.find('/') != std::string_view::npos ||
      (colon != std::string_view::npos && colon + 1 == rest.size()))
    return fail("'{}' is no endpoint: http://HOST:PORT or https://HOST:PORT", shown(text));
  const bool bracket = rest.starts_with('[');
  const bool has_port = colon != std::string_view::npos && (!bracket || rest[colon - 1] == ']');
  auto host = has_port ? rest.substr(0, colon) : rest;
  url.port = has_port ? std::string{rest.substr(colon + 1)} : "2379";
  if (bracket && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return fail("'{}' names no host", shown(text));
  url.host = host;
  return url;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const auto count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? alphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Result<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return broken("base64 of an odd length");
  std::string out;
  const auto padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  if (padding > 2) return broken("base64 with too many =");
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = i < text.size() - padding ? alphabet.find(text[i]) : 0;
    if (value == std::string_view::npos) return broken("base64 with another character");
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(group >> shift & 0xff);
    group = 0;
  }
  out.resize(out.size() - padding);
  return out;
}

std::string EtcdView::range_request() const {
  return json::object({{"key", to_base64(prefix_)},
                       {"range_end", to_base64(end_of(prefix_))},
                       {"limit", std::to_string(most_keys)}})
      .dump();
}

std::string EtcdView::watch_request() const {
  const auto create = json::object({{"key", to_base64(prefix_)},
                                    {"range_end", to_base64(end_of(prefix_))},
                                    {"start_revision", std::to_string(revision_ + 1)}});
  return json::object({{"create_request", create}}).dump();
}

Result<> EtcdView::on_range(std::string_view answer) {
  const auto body = json::parse(answer, nullptr, false);
  const auto revision = integer(member(member(body, "header"), "revision"));
  if (revision <= 0) return broken("no header with a revision");
  const auto& list = member(body, "kvs");
  if (!list.is_null() && !list.is_array()) return broken("its kvs are no list");
  std::map<std::string, std::string> values;
  for (const auto& each : list) {
    auto key = bytes(member(each, "key"));
    if (!key) return key.error();
    auto value = bytes(member(each, "value"));
    if (!value) return value.error();
    if (values.size() >= most_keys) return fail("more than {} keys", most_keys);
    values.insert_or_assign(std::move(*key), std::move(*value));
  }
  values_ = std::move(values);
  revision_ = revision;
  more_ = is_true(member(body, "more"));
  return {};
}

Result<EtcdView::News> EtcdView::on_watch(std::string_view message) {
  const auto body = json::parse(message, nullptr, false);
  if (const auto& error = member(body, "error"); !error.is_null()) return fail("{}", message_of(error));
  const auto& result = member(body, "result");
  if (!result.is_object()) return broken("a message of a watch without a result");
  if (integer(member(result, "compact_revision")) > 0) return News::compacted;
  if (is_true(member(result, "canceled"))) {
    const auto& why = member(result, "cancel_reason");
    return fail("the watch was cancelled: {}", why.is_string() ? message_of(why) : "no reason given");
  }
  const auto& events = member(result, "events");
  if (!events.is_null() && !events.is_array()) return broken("its events are no list");
  bool changed = false;
  for (const auto& event : events) {
    const auto& pair = member(event, "kv");
    auto key = bytes(member(pair, "key"));
    if (!key) return key.error();
    if (!key->starts_with(prefix_)) return broken("an event of a key that nobody watches");
    if (const auto& type = member(event, "type"); type.is_string() && type.get_ref<const std::string&>() == "DELETE") {
      changed = values_.erase(*key) > 0 || changed;
      continue;
    }
    auto value = bytes(member(pair, "value"));
    if (!value) return value.error();
    if (values_.size() >= most_keys && !values_.contains(*key)) return fail("more than {} keys", most_keys);
    auto& kept = values_[*key];
    changed = changed || kept != *value;
    kept = std::move(*value);
  }
  revision_ = std::max(revision_, integer(member(member(result, "header"), "revision")));
  return changed ? News::changed : News::none;
}

Found EtcdView::found() const {
  Found result;
  std::size_t faulty = 0;
  for (const auto& [key, value] : values_) {
    const auto server = parse_value(value, port_);
    if (server)
      result.servers.push_back(*server);
    else if (faulty++ == 0)
      result.note = fmt::format("{}: {}: left out", shown(key), server.error().message);
  }
  if (faulty > 1) result.note += fmt::format("; {} more such", faulty - 1);
  if (more_) result.note += fmt::format("{}only {} keys are read", result.note.empty() ? "" : "; ", most_keys);
  return result;
}

}  // namespace ballast::checkd
