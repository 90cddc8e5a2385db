#include <algorithm>

#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr unsigned most_weight = 65'535;
constexpr Duration longest_interval = 86'400s;

/// 0, as no port at all: every port for a service, the service's for a server.
Result<unsigned> parse_port(std::string_view text) { return parse_number(text, 0, 65'535); }

/// The address and the port behind a keyword; neither if one is faulty.
void read_endpoint(Binder& binder, const Statement& statement, std::optional<At<net::IpAddress>>& address,
                   std::optional<At<unsigned>>& port) {
  if (statement.words.size() > 1) {
    const auto& word = statement.words[1];
    if (const auto value = read<net::IpAddress>(binder, word, net::IpAddress::parse)) address = {*value, word.at};
  }
  if (statement.words.size() > 2) {
    const auto& word = statement.words[2];
    if (const auto value = read<unsigned>(binder, word, parse_port))
      port = {*value, word.at};
    else
      address.reset();
  }
}

void open_service(Binder& binder, const Statement& statement) {
  auto& draft = binder.draft().services.emplace_back();
  draft.at = statement.at();
  draft.title = shorten(statement.title());
  const auto& words = statement.words;
  if (words.size() > 1 && words[1].text == "group") {
    if (words.size() > 2)
      draft.group = {words[2].text, words[2].at};
    else
      binder.report().error(words[1].at, "'group' has no value: expected the NAME of a virtual_server_group");
    if (!draft.group) draft.group = {"", words[1].at};
  } else if (words.size() > 1 && words[1].text == "fwmark") {
    binder.report().error(words[1].at, "a service by fwmark needs the kernel's IPVS, which is not done yet",
                          "give it an address and a port");
  } else {
    read_endpoint(binder, statement, draft.address, draft.port);
  }
}

void open_server(Binder& binder, const Statement& statement) {
  auto& draft = binder.service().servers.emplace_back();
  draft.at = statement.at();
  read_endpoint(binder, statement, draft.address, draft.port);
}

void set_sorry(Binder& binder, const Statement& statement) {
  std::optional<At<net::IpAddress>> address;
  std::optional<At<unsigned>> port;
  read_endpoint(binder, statement, address, port);
  if (address) binder.service().sorry = SorryDraft{*address, port};
}

void set_protocol(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  auto& target = binder.service().protocol;
  target = word.text == "UDP" || word.text == "udp" ? Protocol::udp : Protocol::tcp;
  if (word.text == "TCP" || word.text == "tcp" || target == Protocol::udp) return;
  if (word.text == "SCTP")
    binder.report().error(word.at, "this version forwards TCP and UDP only");
  else
    binder.report().error(word.at, fmt::format("'{}' is none of TCP|UDP", shorten(word.text)));
}

void open_address_group(Binder& binder, const Statement& statement) {
  auto& draft = binder.draft().address_groups.emplace_back();
  draft.name.at = statement.at();
  if (statement.words.size() > 1) draft.name = {statement.words[1].text, statement.words[1].at};
}

// ADDRESS|RANGE [PORT], or `fwmark N`
void add_group_record(Binder& binder, const Statement& record) {
  const auto& words = record.words;
  if (words[0].text == "fwmark") {
    binder.not_yet(words[0].at,
                   "'fwmark' in a virtual_server_group needs the kernel's IPVS, is not done yet and is ignored");
    return;
  }
  const auto most = static_cast<std::uint32_t>(binder.limits().addresses);
  auto range = read<AddressRange>(binder, words[0], [&](std::string_view text) { return parse_range(text, most); });
  if (words.size() > 2) {
    binder.report().warning(words[2].at, fmt::format("surplus word '{}' is ignored", shorten(words[2].text)),
                            "expected ADDRESS [PORT]");
  }
  const auto port = words.size() < 2 ? std::optional{0U} : read<unsigned>(binder, words[1], parse_port);
  if (!range || !port) return;
  range->port = static_cast<std::uint16_t>(*port);
  binder.address_group().ranges.push_back({*range, words[0].at});
}

Setter open_check(CheckKind kind) {
  return [kind](Binder& binder, const Statement& statement) {
    auto& check = binder.server().checks.emplace_back();
    check.kind = kind;
    check.at = statement.at();
  };
}

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

void set_path(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  if (!word.text.starts_with('/') || word.text.find_first_of(" \t") != std::string::npos) {
    binder.report().error(word.at,
                          fmt::format("'{}' is not a path: it begins with '/' and has no blanks", shorten(word.text)));
    return;
  }
  binder.url().path = word.text;
}

void open_url(Binder& binder, const Statement&) { binder.check().urls.emplace_back(); }

void add_service_values(Table& table) {
  const auto own = member_of(&Binder::service);
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {Context::virtual_server}, std::move(value), doc);
  };
  add("protocol", custom("TCP|UDP", 1, 1, set_protocol), "Default TCP.");
  add("omega", boolean(own(&ServiceDraft::omega)), "Run quorum_down and notify_down at the end, too.");
  add("quorum", number(1, 1'000'000'000, own(&ServiceDraft::quorum)),
      "Weight of servers up below which the service is down; default 1.");
  add("hysteresis", number(0, 1'000'000'000, own(&ServiceDraft::hysteresis)), "Margin around quorum; default 0.");
  add("sorry_server", custom("ADDRESS [PORT]", 1, 2, set_sorry), "Serves while the service is down.");
}

void add_timing_keywords(Table& table) {
  using enum Context;
  const std::vector all{virtual_server, real_server, tcp_check, http_get};
  const auto own = member_of(&Binder::timing);
  table.value("delay_loop", all, seconds(1ms, longest_interval, own(&TimingDraft::delay_loop)),
              "Between two probes; default 60.");
  table.value("connect_timeout", all, seconds(1ms, longest_interval, own(&TimingDraft::connect_timeout)),
              "A probe that takes longer has failed; default 5.");
  table
      .value("retry", all, number(0, 1'000, own(&TimingDraft::retry)),
             "Further tries before a failure counts; default 1.")
      .aliases = {"nb_get_retry"};  // what keepalived called it long ago
  table.value("delay_before_retry", all, seconds(0s, longest_interval, own(&TimingDraft::delay_before_retry)),
              "Between those tries; default 1, for HTTP_GET 3.");
  table.value("warmup", all, seconds(0s, longest_interval, own(&TimingDraft::warmup)),
              "The first probe comes at a random time within; default delay_loop.");
  table.value("alpha", all, boolean(own(&TimingDraft::alpha)), "Down until the first probe succeeded.");
  table.value("inhibit_on_failure", {virtual_server, real_server}, boolean(own(&TimingDraft::inhibit_on_failure)),
              "A failed server gets weight 0 instead of being removed: its connections stay.");
  table.value("virtualhost", {virtual_server, real_server, http_get}, text("NAME", own(&TimingDraft::virtualhost)),
              "The Host header of HTTP_GET.");
}

void add_check_keywords(Table& table) {
  using enum Context;
  const std::vector both{tcp_check, http_get};
  const auto own = member_of(&Binder::check);
  table.block("TCP_CHECK", real_server, tcp_check, custom("", 0, 0, open_check(CheckKind::tcp)),
              "A connection is accepted.");
  table.block("HTTP_GET", real_server, http_get, custom("", 0, 0, open_check(CheckKind::http)),
              "Each url answers as it should.");
  table.value("connect_ip", both, address(own(&CheckDraft::connect_address)),
              "Probe this address; default: the real server's.");
  table.value("connect_port", both, number(1, 65'535, own(&CheckDraft::connect_port)),
              "Probe this port; default: the real server's.");
  table.value("bindto", both, address(own(&CheckDraft::bind_address)), "Source address of the probe.");
  table.value("bind_port", both, number(1, 65'535, own(&CheckDraft::bind_port)), "Source port of the probe.");
  table.block("url", http_get, url, custom("", 0, 0, open_url), "What is asked for, and the answer that is wanted.");
  table.value("path", {url}, custom("PATH", 1, 1, set_path), "Default /.");
  table
      .value("status_code", {url}, custom("CODE|FIRST-LAST…", 1, 1'000, add_status_codes),
             "Answers that are wanted; default 200-299.")
      .repeats = true;
  table.value("digest", {url}, custom("MD5", 1, 1, set_digest), "MD5 of the body that is wanted.");
  table.value("virtualhost", {url}, text("NAME", member_of(&Binder::url)(&HttpUrl::virtualhost)), "The Host header.");
}

}  // namespace

void add_service_keywords(Table& table) {
  using enum Context;
  table.records("virtual_server_group", top, custom("NAME", 1, 1, open_address_group), add_group_record,
                "ADDRESS|FIRST-LAST|ADDRESS/LENGTH [PORT], one a line: the addresses of one service.");
  table.block("virtual_server", top, virtual_server, custom("ADDRESS [PORT] | group NAME", 1, 2, open_service),
              "A service; without a port: of every port, and persistent.");
  add_service_values(table);
  table.block("real_server", virtual_server, real_server, custom("ADDRESS [PORT]", 1, 2, open_server),
              "One of its servers.");
  table.value("weight", {real_server}, number(0, most_weight, member_of(&Binder::server)(&ServerDraft::weight)),
              "Its share; 0: no new connections; default 1.");
  add_timing_keywords(table);
  add_check_keywords(table);
}

}  // namespace ballast::config
