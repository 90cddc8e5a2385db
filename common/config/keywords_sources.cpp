// real_servers_from: servers that are looked up.
#include <algorithm>

#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

SourceQuery& query(Binder& binder) { return binder.source().query; }

auto own(auto member) {
  return [member](Binder & binder) -> auto& { return query(binder).*member; };
}

// real_servers_from dns|dns_srv|file|etcd NAME [PORT]
void open_source(Binder& binder, const Statement& statement) {
  auto& service = binder.service();
  service.reads_source = true;
  auto& draft = service.sources.emplace_back();
  draft.like.at = statement.at();
  const auto& words = statement.words;
  if (words.size() < 3) return;
  if (const auto kind = read<SourceKind>(binder, words[1], parse_choice<SourceKind>)) draft.query.kind = *kind;
  draft.query.name = words[2].text;
  if (draft.query.kind == SourceKind::file && !draft.query.name.starts_with('/'))
    binder.report().error(words[2].at, fmt::format("'{}' is no absolute path", shorten(words[2].text)));
  if (words.size() < 4) return;
  const auto parse = [](std::string_view text) { return parse_number(text, 0, 65'535); };
  if (const auto port = read<unsigned>(binder, words[3], parse)) draft.query.port = static_cast<std::uint16_t>(*port);
}

// nameserver ADDRESS [PORT]
void add_nameserver(Binder& binder, const Statement& statement) {
  const auto server = read<net::IpAddress>(binder, statement.words[1], net::IpAddress::parse);
  unsigned port = 53;
  if (statement.words.size() > 2) {
    const auto parse = [](std::string_view text) { return parse_number(text, 1, 65'535); };
    port = read<unsigned>(binder, statement.words[2], parse).value_or(port);
  }
  if (server) query(binder).nameservers.push_back({*server, static_cast<std::uint16_t>(port)});
}

void add_endpoints(Binder& binder, const Statement& statement) {
  for (std::size_t i = 1; i < statement.words.size(); ++i) {
    const auto& word = statement.words[i];
    if (!word.text.starts_with("http://") && !word.text.starts_with("https://")) {
      binder.report().error(
          word.at, fmt::format("'{}' is no endpoint: http://HOST:PORT or https://HOST:PORT", shorten(word.text)));
      continue;
    }
    query(binder).endpoints.push_back(word.text);
  }
}

}  // namespace

void add_source_keywords(Table& table) {
  using enum Context;
  const auto add = [&](std::string_view name, Value value, std::string_view doc) -> Keyword& {
    return table.value(name, {real_servers_from}, std::move(value), doc);
  };
  table.block("real_servers_from", virtual_server, real_servers_from,
              custom("dns|dns_srv|file|etcd NAME [PORT]", 2, 3, open_source),
              "More servers, looked up again and again; the block says what each is like, as a real_server's does.");
  add("nameserver", custom("ADDRESS [PORT]", 1, 2, add_nameserver), "dns: asked instead of those of /etc/resolv.conf.")
      .repeats = true;
  add("endpoint", custom("URL…", 1, 16, add_endpoints), "etcd: http://HOST:PORT, tried in this order.").repeats = true;
  add("ca_file", text("PATH", own(&SourceQuery::ca_file)), "etcd by https: authorities (PEM); default: the system's.");
  add("interval", seconds(100ms, 86'400s, member_of(&Binder::source)(&SourceDraft::interval)),
      "dns: not asked sooner, whatever the TTL is; file: looked at so often; default 1.");
  add("most", number(1, 4'096, own(&SourceQuery::most)), "Servers at most; default 256.");
}

}  // namespace ballast::config
