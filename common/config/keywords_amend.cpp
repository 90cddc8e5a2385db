// amend: changes of services that are told of elsewhere, such as `ballastctl … --save` writes.
#include "common/config/keywords_service.hpp"
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

// amend virtual_server ADDRESS [PORT] | group NAME
void open_amendment(Binder& binder, const Statement& statement) {
  binder.draft().reads_amendment = true;
  auto& draft = binder.draft().amendments.emplace_back().service;
  draft.at = statement.at();
  const auto& words = statement.words;
  if (words.size() < 3) return;  // reported already
  if (words[1].text != "virtual_server") {
    binder.report().error(words[1].at, fmt::format("'{}' cannot be amended", shorten(words[1].text)),
                          "expected virtual_server");
    return;
  }
  Statement named;
  named.words.assign(words.begin() + 1, words.end());
  draft.title = shorten(named.title());
  if (words[2].text == "fwmark") {
    draft.fwmark = read_mark(binder, words, 2);
    return;
  }
  if (words[2].text != "group") return read_endpoint(binder, named, draft.address, draft.port);
  if (words.size() > 3)
    draft.group = {words[3].text, words[3].at};
  else
    binder.report().error(words[2].at, "'group' has no value: expected the NAME of a virtual_server_group");
}

// remove_server ADDRESS [PORT]
void remove_server(Binder& binder, const Statement& statement) {
  auto& draft = binder.amendment().removed.emplace_back();
  draft.at = statement.at();
  read_endpoint(binder, statement, draft.address, draft.port);
}

// server_weight ADDRESS PORT WEIGHT
void set_weight(Binder& binder, const Statement& statement) {
  auto& draft = binder.amendment().weights.emplace_back();
  draft.at = statement.at();
  read_endpoint(binder, statement, draft.address, draft.port);
  const auto parse = [](std::string_view text) { return parse_number(text, 0, most_weight); };
  if (const auto weight = read<unsigned>(binder, statement.words[3], parse))
    draft.weight = *weight;
  else
    draft.address.reset();
}

}  // namespace

void add_amend_keywords(Table& table) {
  using enum Context;
  table.block("amend", top, amend,
              custom("virtual_server ADDRESS [PORT] | virtual_server group NAME | virtual_server fwmark NUMBER", 2, 3,
                     open_amendment),
              "Changes of a service that stands elsewhere, before or after; as `ballastctl … --save` writes them.");
  table.value("remove_server", {amend}, custom("ADDRESS [PORT]", 1, 2, remove_server), "One of its servers less.")
      .repeats = true;
  table.value("server_weight", {amend}, custom("ADDRESS PORT WEIGHT", 3, 3, set_weight), "Another weight for a server.")
      .repeats = true;
  table.value("remove", {amend}, flag([](Binder& binder, const Statement&) { binder.amendment().remove = true; }),
              "The service is no more.");
}

}  // namespace ballast::config
