#include <algorithm>
#include <cctype>

#include "common/config/keywords_service.hpp"
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

Result<unsigned> parse_mark(std::string_view text) { return parse_number(text, 1, 4'294'967'295U); }

void open_service(Binder& binder, const Statement& statement) {
  binder.draft().reads_amendment = false;
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
    draft.fwmark = read_mark(binder, words, 1);
  } else {
    read_endpoint(binder, statement, draft.address, draft.port);
  }
}

void open_server(Binder& binder, const Statement& statement) {
  binder.service().reads_source = false;
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
  std::string lower = word.text;
  std::ranges::transform(lower, lower.begin(), [](unsigned char each) { return std::tolower(each); });
  const auto protocol = from_name<Protocol>(lower);
  if (!protocol) binder.report().error(word.at, fmt::format("'{}' is none of TCP|UDP|SCTP", shorten(word.text)));
  binder.service().protocol = {protocol.value_or(Protocol::tcp), word.at};
}

void set_family(Binder& binder, const Statement& statement) {
  const auto& word = statement.words[1];
  if (word.text == "inet" || word.text == "inet6")
    binder.service().family = {word.text == "inet" ? net::Family::ipv4 : net::Family::ipv6, word.at};
  else
    binder.report().error(word.at, fmt::format("'{}' is none of inet|inet6", shorten(word.text)));
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
    if (const auto mark = read_mark(binder, words, 0)) binder.address_group().fwmarks.push_back(*mark);
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

void add_service_values(Table& table) {
  const auto own = member_of(&Binder::service);
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {Context::virtual_server}, std::move(value), doc);
  };
  table.value("protocol", {Context::virtual_server, Context::amend}, custom("TCP|UDP|SCTP", 1, 1, set_protocol),
              "Default TCP; in amend: that of the service, if there is one.");
  add("ip_family", custom("inet|inet6", 1, 1, set_family),
      "What a service by fwmark is for, IPv4 or IPv6; default: as its servers.");
  add("omega", boolean(own(&ServiceDraft::omega)), "Run quorum_down and notify_down at the end, too.");
  add("quorum", number(1, 1'000'000'000, own(&ServiceDraft::quorum)),
      "Weight of servers up below which the service is down; default 1.");
  add("hysteresis", number(0, 1'000'000'000, own(&ServiceDraft::hysteresis)), "Margin around quorum; default 0.");
  add("sorry_server", custom("ADDRESS [PORT]", 1, 2, set_sorry), "Serves while the service is down.");
  add("sorry_server_inhibit", boolean(own(&ServiceDraft::sorry_inhibit)),
      "Connections to the sorry server stay when the service is back.");
  add("when_all_down", choice<WhenAllDown>(own(&ServiceDraft::when_all_down)),
      "No server is up and there is no sorry server: refuse (default), or send to all.");
  add("slow_start", seconds(0s, 3'600s, own(&ServiceDraft::slow_start)),
      "A server that comes up gets its whole weight after so long; default 0.");
  add("ha_suspend", boolean(own(&ServiceDraft::ha_suspend)), "Probe only while the VIP is on this machine.");
}

// passive_check { }
void open_passive(Binder& binder, const Statement& statement) {
  binder.service().passive.emplace();
  binder.service().passive_at = statement.at();
}

void add_passive_keywords(Table& table) {
  using enum Context;
  const auto own = member_of(&Binder::passive);
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {passive_check}, std::move(value), doc);
  };
  table.block("passive_check", virtual_server, passive_check, custom("", 0, 0, open_passive),
              "Servers that do not answer new connections of clients are marked down between two probes.");
  add("failures", number(1, 1'000'000, own(&PassiveCheck::failures)),
      "New connections that failed within interval, at least; default 5.");
  add("ratio", number(1, 100, own(&PassiveCheck::ratio)),
      "Percent of the new connections within interval, at least; default 50.");
  add("clients", number(1, 64, own(&PassiveCheck::clients)), "Different clients, at least; default 3.");
  add("most_down", number(1, 99, own(&PassiveCheck::most_down)),
      "Percent of the servers that may be down by this at a time; one always stays; default 50.");
  add("interval", seconds(100ms, 3'600s, own(&PassiveCheck::interval)), "Default 2.");
  add("hold", seconds(100ms, 86'400s, own(&PassiveCheck::hold)),
      "Down at least so long, and until the next probe passes; default 10.");
}

}  // namespace

/// 0, as no port at all: every port for a service, the service's for a server.
Result<unsigned> parse_port(std::string_view text) { return parse_number(text, 0, 65'535); }

std::optional<At<unsigned>> read_mark(Binder& binder, const std::vector<Word>& words, std::size_t name) {
  if (words.size() == name + 1) {
    binder.report().error(words[name].at, "'fwmark' has no value: expected a number");
    return std::nullopt;
  }
  const auto& word = words[name + 1];
  const auto mark = read<unsigned>(binder, word, parse_mark);
  return mark ? std::optional{At<unsigned>{*mark, word.at}} : std::nullopt;
}

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

void add_service_keywords(Table& table) {
  using enum Context;
  table.records("virtual_server_group", top, custom("NAME", 1, 1, open_address_group), add_group_record,
                "ADDRESS|FIRST-LAST|ADDRESS/LENGTH [PORT] or fwmark NUMBER, one a line: the addresses of one service.");
  table.block("virtual_server", top, virtual_server,
              custom("ADDRESS [PORT] | group NAME | fwmark NUMBER", 1, 2, open_service),
              "A service; without a port: of every port, and persistent.");
  add_service_values(table);
  table
      .block("real_server", virtual_server, real_server, custom("ADDRESS [PORT]", 1, 2, open_server),
             "One of its servers; in amend: one more.")
      .contexts.push_back(amend);
  table.value("weight", {real_server, real_servers_from},
              number(0, most_weight, member_of(&Binder::server)(&ServerDraft::weight)),
              "Its share; 0: no new connections; default 1.");
  add_passive_keywords(table);
}

}  // namespace ballast::config
