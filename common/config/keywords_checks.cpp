// Health checkers: when they probe, where, and what each kind wants.
#include <algorithm>

#include "common/config/command.hpp"
#include "common/config/regex.hpp"
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr Duration longest_interval = 86'400s;
constexpr unsigned most_results = 1'000;
constexpr unsigned any_port = 65'535;
constexpr unsigned most_offset = 1U << 20;  // of a body, as much of it as is read
constexpr std::size_t most_words = 1'000;
constexpr std::size_t most_udp = 1'400;  // bytes of a payload
constexpr int most_file_weight = 1'000'000;

std::vector<Context> servers() { return {Context::real_server, Context::real_servers_from}; }

Setter open_check(CheckKind kind) {
  return [kind](Binder& binder, const Statement& statement) {
    auto& check = binder.server().checks.emplace_back();
    check.kind = kind;
    check.at = statement.at();
  };
}

template <class Part>
auto detail_of(Part CheckDetailDraft::*part, auto member) {
  return [=](Binder & binder) -> auto& { return binder.check_detail().*part.*member; };
}
auto detail(auto member) {
  return [=](Binder & binder) -> auto& { return binder.check_detail().*member; };
}

Result<std::string> parse_path(std::string_view text) {
  if (!text.starts_with('/')) return fail("'{}' is no absolute path", shorten(text));
  return std::string{text};
}

template <class Access>
Value path(Access access) {
  return custom("PATH", 1, 1, [=](Binder& binder, const Statement& statement) {
    if (auto value = read<std::string>(binder, statement.words[1], parse_path)) access(binder) = std::move(*value);
  });
}

// ---- HTTP

void add_status_codes(Binder& binder, const Statement& statement) {
  for (std::size_t i = 1; i < statement.words.size(); ++i) {
    const auto& word = statement.words[i];
    const std::string_view text = word.text;
    const auto dash = std::min(text.find('-'), text.size());
    const auto code = [](std::string_view part) { return parse_number(part, 100, 999); };
    const auto first = code(text.substr(0, dash));
    const auto last = dash < text.size() ? code(text.substr(dash + 1)) : first;
    if (!first || !last || *first > *last) {
      binder.report().error(
          word.at, fmt::format("'{}' is not a status code or a range of them (200 or 200-299)", shorten(text)));
      continue;
    }
    binder.url().status.push_back({static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)});
  }
}

void set_digest(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  std::string digest = word.text;
  std::ranges::transform(digest, digest.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  constexpr std::size_t md5_digits = 32;
  if (digest.size() != md5_digits || digest.find_first_not_of("0123456789abcdef") != std::string::npos) {
    binder.report().error(
        word.at, fmt::format("'{}' is not an MD5 digest ({} hexadecimal digits)", shorten(word.text), md5_digits));
    return;
  }
  binder.url().digest = std::move(digest);
}

void set_url_path(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  if (!word.text.starts_with('/') || word.text.find_first_of(" \t") != std::string::npos) {
    binder.report().error(word.at,
                          fmt::format("'{}' is not a path: it begins with '/' and has no blanks", shorten(word.text)));
    return;
  }
  binder.url().path = word.text;
}

void open_url(Binder& binder, const Statement&) { binder.check().urls.emplace_back(); }

BodyRegex& regex(Binder& binder) {
  auto& made = binder.url().regex;
  if (!made) made.emplace();
  return *made;
}

auto own_regex(auto member) {
  return [member](Binder & binder) -> auto& { return regex(binder).*member; };
}

void set_regex(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  regex(binder).pattern = word.text;
  binder.check_detail().regexes.push_back({binder.check().urls.size() - 1, word.at});
}

void add_regex_options(Binder& binder, const Statement& statement) {
  const auto names = regex_option_names();
  for (std::size_t i = 1; i < statement.words.size(); ++i) {
    const auto& word = statement.words[i];
    if (std::ranges::find(names, word.text) == names.end()) {
      binder.report().error(word.at, fmt::format("'{}' is no option of a regex", shorten(word.text)));
      continue;
    }
    regex(binder).options.push_back(word.text);
  }
}

void check_stack(Binder& binder, const Statement& statement) {
  const auto parse = [](std::string_view text) { return parse_number(text, 0, 1U << 30); };
  for (std::size_t i = 1; i < 3; ++i) read<unsigned>(binder, statement.words[i], parse);
}

void add_http_keywords(Table& table) {
  using enum Context;
  const std::vector both{http_get, ssl_get};
  table
      .block("HTTP_GET", real_server, http_get, custom("", 0, 0, open_check(CheckKind::http)),
             "Each url answers as it should.")
      .contexts = servers();
  table.block("SSL_GET", real_server, ssl_get, custom("", 0, 0, open_check(CheckKind::ssl)), "The same over TLS.")
      .contexts = servers();
  table.block("url", http_get, url, custom("", 0, 0, open_url), "What is asked for, and the answer that is wanted.")
      .contexts = both;
  table.value("http_protocol", both, choice<HttpVersion>(detail(&CheckDetailDraft::version)),
              "Default 1.1; 1.0C is 1.0 with `Connection: close`; 2 by ALPN, without TLS with prior knowledge.");
  table.value("fast_recovery", both, boolean(detail(&CheckDetailDraft::fast_recovery)),
              "The urls are probed one after the other without delay_loop; Ballast always does so.");
  table.value("path", {url}, custom("PATH", 1, 1, set_url_path), "Default /.");
  table
      .value("status_code", {url}, custom("CODE|FIRST-LAST…", 1, 1'000, add_status_codes),
             "Answers that are wanted; default 200-299.")
      .repeats = true;
  table.value("digest", {url}, custom("MD5", 1, 1, set_digest), "MD5 of the body that is wanted.");
  table.value("virtualhost", {url}, text("NAME", member_of(&Binder::url)(&HttpUrl::virtualhost)), "The Host header.");
  table.value("regex", {url}, custom("PATTERN", 1, 1, set_regex), "A match in the body is wanted (PCRE2).");
  table.value("regex_no_match", {url}, boolean(own_regex(&BodyRegex::must_not_match)), "A match is a failure instead.");
  table.value("regex_options", {url}, custom("OPTION…", 1, 64, add_regex_options),
              "As in pcre2api(3): caseless, dotall, ….");
  table.value("regex_stack", {url}, custom("START MAX", 2, 2, check_stack),
              "Taken and not needed: time and memory are bounded.");
  table.value("regex_min_offset", {url}, number(0, most_offset, own_regex(&BodyRegex::min_offset)),
              "The search begins here.");
  table.value("regex_max_offset", {url}, number(1, most_offset, own_regex(&BodyRegex::max_offset)),
              "A match begins before this.");
}

// ---- TLS

void add_days(Binder& binder, const Statement& statement) {
  const auto parse = [](std::string_view text) { return parse_number(text, 0, 3'650); };
  if (const auto days = read<unsigned>(binder, statement.words[1], parse))
    binder.check_detail().tls.expiry_warning = std::chrono::hours{24 * *days};
}

void add_tls_keywords(Table& table) {
  using enum Context;
  const std::vector speakers{ssl_get, smtp_check, agent_check, grpc_check};
  const auto own = [](auto member) { return detail_of(&CheckDetailDraft::tls, member); };
  table.value("tls", {smtp_check, agent_check, grpc_check}, boolean(detail(&CheckDetailDraft::use_tls)),
              "Speak TLS; SMTP_CHECK by STARTTLS.");
  table.value("enable_sni", speakers, boolean(own(&TlsClient::sni)), "Send the server's name in the handshake.");
  table.value("tls_server_name", speakers, text("NAME", own(&TlsClient::server_name)),
              "That name, which a verified certificate must have; default: the virtualhost.");
  table.value("tls_verify", speakers, boolean(own(&TlsClient::verify)),
              "The certificate must be signed by a known authority, valid and of that name; default off.");
  table.value("tls_ca_file", speakers, path(own(&TlsClient::ca_file)),
              "Authorities (PEM); default: SSL's, the system's.");
  table.value("tls_certificate", speakers, path(own(&TlsClient::certificate)), "Our certificate (PEM).");
  table.value("tls_key", speakers, path(own(&TlsClient::key)), "Its key (PEM, not encrypted).");
  table.value("tls_expiry_warning", speakers, custom("DAYS (0 to 3650)", 1, 1, add_days),
              "A certificate that ends within so many days is told of; 0: never; default 14.");
  const auto global = [](auto member) {
    return [=](Binder & binder) -> auto& { return binder.draft().ssl.*member; };
  };
  table.block("SSL", top, ssl, custom("", 0, 0, [](Binder&, const Statement&) {}),
              "What TLS checkers use that say nothing.");
  table.value("ca", {ssl}, path(global(&SslDraft::ca_file)), "Authorities (PEM).");
  table.value("certificate", {ssl}, path(global(&SslDraft::certificate)), "Our certificate (PEM).");
  table.value("key", {ssl}, path(global(&SslDraft::key)), "Its key (PEM, not encrypted).");
}

// ---- the others

void open_host(Binder& binder, const Statement&) { binder.check().hosts.emplace_back(); }

/// keepalived's free form: one or two digits a byte, blanks between them; `x` stands for any digit where it is allowed.
Result<std::string> parse_hex(std::string_view text, bool wildcards) {
  const std::string_view digits = wildcards ? "0123456789abcdefx" : "0123456789abcdef";
  std::string bytes;
  while (!text.empty()) {
    if (text.front() == ' ' || text.front() == '\t') {
      text.remove_prefix(1);
      continue;
    }
    const auto length = text.size() > 1 && text[1] != ' ' && text[1] != '\t' ? std::size_t{2} : std::size_t{1};
    std::string byte{text.substr(0, length)};
    std::ranges::transform(byte, byte.begin(),
                           [](char c) { return c >= 'A' && c <= 'X' ? static_cast<char>(c + 32) : c; });
    if (byte.find_first_not_of(digits) != std::string::npos) return fail("'{}' is not hexadecimal", shorten(text));
    bytes += byte.size() == 1 ? "0" + byte : byte;
    text.remove_prefix(length);
  }
  if (bytes.size() > 2 * most_udp) return fail("that are {} bytes, and {} is the limit", bytes.size() / 2, most_udp);
  return bytes;
}

std::string joined_words(const Statement& statement) {
  std::string text;
  for (std::size_t i = 1; i < statement.words.size(); ++i) text += (i == 1 ? "" : " ") + statement.words[i].text;
  return text;
}

void set_hex(Binder& binder, const Statement& statement, std::string& target, bool wildcards) {
  auto bytes = parse_hex(joined_words(statement), wildcards);
  if (bytes)
    target = std::move(*bytes);
  else
    binder.report().error(statement.words[1].at, bytes.error().message);
}

void set_payload(Binder& binder, const Statement& statement) {
  set_hex(binder, statement, binder.check_detail().udp.payload, false);
}

void set_reply(Binder& binder, const Statement& statement) {
  binder.check_detail().udp.require_reply = true;
  if (statement.words.size() > 1) set_hex(binder, statement, binder.check_detail().udp.reply, true);
}

// misc_path "program arguments", or the words as they are
void set_misc_path(Binder& binder, const Statement& statement) {
  auto& words = binder.check_detail().misc.command.words;
  if (statement.words.size() == 2) {
    if (auto cut = read<std::vector<std::string>>(binder, statement.words[1], split_command)) words = std::move(*cut);
    return;
  }
  words.clear();
  for (std::size_t i = 1; i < statement.words.size(); ++i) words.push_back(statement.words[i].text);
}

void set_misc_user(Binder& binder, const Statement& statement) {
  auto& command = binder.check_detail().misc.command;
  command.user = statement.words[1].text;
  command.group = statement.words.size() > 2 ? statement.words[2].text : "";
}

// weight NUMBER [reverse]
void set_file_weight(Binder& binder, const Statement& statement) {
  auto& made = binder.check_detail();
  const auto parse = [](std::string_view text) { return parse_integer(text, -most_file_weight, most_file_weight); };
  if (const auto weight = read<int>(binder, statement.words[1], parse)) made.file_weight = *weight;
  made.file_reverse = statement.words.size() > 2 && statement.words[2].text == "reverse";
  if (statement.words.size() > 2 && !made.file_reverse)
    binder.report().error(statement.words[2].at, fmt::format("'{}' is not reverse", shorten(statement.words[2].text)));
}

void add_other_keywords(Table& table) {
  using enum Context;
  const auto block = [&](std::string_view name, Context inner, CheckKind kind, std::string_view doc) {
    table.block(name, real_server, inner, custom("", 0, 0, open_check(kind)), doc).contexts = servers();
  };
  block("TCP_CHECK", tcp_check, CheckKind::tcp, "A connection is accepted.");
  block("SMTP_CHECK", smtp_check, CheckKind::smtp, "A mail server greets and takes HELO.");
  table.value("helo_name", {smtp_check}, text("NAME", detail_of(&CheckDetailDraft::smtp, &SmtpCheck::helo_name)),
              "Our name; default localhost.");
  table.block("host", smtp_check, smtp_host, custom("", 0, 0, open_host),
              "Probe this place; each of several must pass.");
  block("DNS_CHECK", dns_check, CheckKind::dns, "A query by UDP is answered without an error.");
  table.value("type", {dns_check}, choice<DnsType>(detail_of(&CheckDetailDraft::dns, &DnsCheck::type)), "Default SOA.");
  table.value("name", {dns_check}, text("NAME", detail_of(&CheckDetailDraft::dns, &DnsCheck::name)),
              "Default: the root.");
  block("UDP_CHECK", udp_check, CheckKind::udp, "A packet is not refused, or answered as it should be.");
  table.value("payload", {udp_check}, custom("HEX", 1, most_words, set_payload),
              "What is sent; default: random bytes.");
  table.value("require_reply", {udp_check}, custom("[HEX]", 0, most_words, set_reply),
              "An answer is wanted, which begins so; x stands for any digit.");
  table.value("min_reply_length", {udp_check},
              number(0, 65'507, detail_of(&CheckDetailDraft::udp, &UdpCheck::min_reply)), "Bytes; default 0.");
  table.value("max_reply_length", {udp_check},
              number(0, 65'507, detail_of(&CheckDetailDraft::udp, &UdpCheck::max_reply)), "Bytes; default 255.");
  block("PING_CHECK", ping_check, CheckKind::ping, "An ICMP echo is answered.");
  block("MISC_CHECK", misc_check, CheckKind::misc, "A program ends with status 0.");
  table.value("misc_path", {misc_check}, custom("\"PROGRAM ARGUMENTS\"", 1, most_words, set_misc_path),
              "What runs, without a shell.");
  table.value("misc_timeout", {misc_check},
              seconds(1ms, longest_interval, detail_of(&CheckDetailDraft::misc, &MiscCheck::timeout)),
              "Then it is killed and has failed; default delay_loop.");
  table.value("misc_dynamic", {misc_check}, boolean(detail_of(&CheckDetailDraft::misc, &MiscCheck::dynamic)),
              "Status 2 to 255 passes, and is the server's weight and 2 more.");
  table.value("user", {misc_check}, custom("USER [GROUP]", 1, 2, set_misc_user), "Who runs it; default script_user.");
  block("FILE_CHECK", file_check, CheckKind::file, "The number in a file says.");
  table.value("track_file", {file_check}, text("NAME", detail(&CheckDetailDraft::track_file)), "A track_file.");
  table.value("weight", {file_check},
              custom(fmt::format("NUMBER (-{0} to {0}) [reverse]", most_file_weight), 1, 2, set_file_weight),
              "Multiplied with the file's number; 0: any number but 0 is a failure; default: the track_file's.");
  table.value("dynamic", {file_check}, boolean(detail(&CheckDetailDraft::file_dynamic)),
              "The product is added to the server's weight.");
  block("AGENT_CHECK", agent_check, CheckKind::agent, "An agent's line says: up, down, drain, maint, 75%.");
  table.value("agent_send", {agent_check}, text("TEXT", detail_of(&CheckDetailDraft::agent, &AgentCheck::send)),
              "Sent to it first; \\n is the end of a line.");
  block("GRPC_CHECK", grpc_check, CheckKind::grpc, "grpc.health.v1 says SERVING.");
  table.value("grpc_service", {grpc_check}, text("NAME", detail_of(&CheckDetailDraft::grpc, &GrpcCheck::service)),
              "Of which service; default: the server as a whole.");
  table.value("grpc_authority", {grpc_check}, text("NAME", detail_of(&CheckDetailDraft::grpc, &GrpcCheck::authority)),
              "The :authority; default: the address.");
}

// ---- what all have

const std::vector<Context>& probing() {
  using enum Context;
  static const std::vector all{tcp_check,  http_get,   ssl_get,     smtp_check, dns_check, udp_check,
                               ping_check, misc_check, agent_check, grpc_check, file_check};
  return all;
}

std::vector<Context> with(std::vector<Context> contexts, std::initializer_list<Context> more) {
  contexts.insert(contexts.end(), more);
  return contexts;
}

std::vector<Context> connecting() {
  using enum Context;
  return {tcp_check, http_get,  ssl_get,    smtp_check,  smtp_host,
          dns_check, udp_check, ping_check, agent_check, grpc_check};
}

void add_timing_keywords(Table& table) {
  using enum Context;
  const auto all = with(probing(), {virtual_server, real_server, real_servers_from});
  const auto own = member_of(&Binder::timing);
  table.value("delay_loop", all, seconds(1ms, longest_interval, own(&TimingDraft::delay_loop)),
              "Between two probes; default 60.");
  table.value("connect_timeout", all, seconds(1ms, longest_interval, own(&TimingDraft::connect_timeout)),
              "A probe that takes longer has failed; default 5.");
  table
      .value("retry", all, number(0, most_results, own(&TimingDraft::retry)),
             "Further tries before a failure counts; default 1, DNS_CHECK 3, MISC_CHECK and AGENT_CHECK 0.")
      .aliases = {"nb_get_retry"};  // what keepalived called it long ago
  table.value("fall", all, number(1, most_results, own(&TimingDraft::fall)),
              "Failures in a row until it is down: retry and one more.");
  table.value("rise", all, number(1, most_results, own(&TimingDraft::rise)),
              "Successes in a row until it is up; default 1.");
  table.value("delay_before_retry", all, seconds(0s, longest_interval, own(&TimingDraft::delay_before_retry)),
              "Between those tries; default 1, for HTTP_GET and SSL_GET 3, for DNS_CHECK delay_loop.");
  table.value("warmup", all, seconds(0s, longest_interval, own(&TimingDraft::warmup)),
              "The first probe comes at a random time within; default delay_loop.");
  table.value("alpha", all, boolean(own(&TimingDraft::alpha)), "Down until the first probe succeeded.");
  table.value("log_all_failures", all, boolean(own(&TimingDraft::log_all)),
              "Failures before the last try are in the log, too; default checker_log_all_failures.");
  table.value("checker_log_all_failures", {global_defs}, boolean(member_of(&Binder::draft)(&Draft::log_all_failures)),
              "The same for all checkers.");
  const std::vector servers{virtual_server, real_server, real_servers_from};
  table.value("inhibit_on_failure", servers, boolean(own(&TimingDraft::inhibit_on_failure)),
              "A failed server gets weight 0 instead of being removed: its connections stay.");
  table.value("virtualhost", with(servers, {http_get, ssl_get}), text("NAME", own(&TimingDraft::virtualhost)),
              "The Host header of HTTP_GET and SSL_GET.");
  table.value("any_check", {real_server, real_servers_from},
              boolean(member_of(&Binder::server)(&ServerDraft::any_check)),
              "Several checkers: one that passes is enough.");
}

void add_connection_keywords(Table& table) {
  const auto own = member_of(&Binder::connection);
  table.value("connect_ip", connecting(), address(own(&ConnectionDraft::connect_address)),
              "Probe this address; default: the real server's.");
  table.value("connect_port", connecting(), number(1, any_port, own(&ConnectionDraft::connect_port)),
              "Probe this port; default: the real server's.");
  table.value("bindto", connecting(), address(own(&ConnectionDraft::bind_address)), "Source address of the probe.");
  table.value("bind_port", connecting(), number(1, any_port, own(&ConnectionDraft::bind_port)),
              "Source port of the probe.");
  table.value("bind_if", connecting(), interface_name(own(&ConnectionDraft::bind_interface)),
              "The interface it goes out by.");
  table.value("fwmark", connecting(), number(0, 4'294'967'295U, own(&ConnectionDraft::fwmark)),
              "Firewall mark of its packets; 0 (default): none.");
}

}  // namespace

void add_check_keywords(Table& table) {
  add_timing_keywords(table);
  add_other_keywords(table);
  add_http_keywords(table);
  add_tls_keywords(table);
  add_connection_keywords(table);
}

}  // namespace ballast::config
