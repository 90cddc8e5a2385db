#include "common/config/binder.hpp"

#include <algorithm>

namespace ballast::config {

AnnounceDraft& Binder::announce() { return context_ == Context::vrrp_instance ? instance().announce : draft_.announce; }

ElectionDraft& Binder::election() { return context_ == Context::vrrp_instance ? instance().election : draft_.election; }

TimingDraft& Binder::timing() {
  if (context_ == Context::virtual_server) return service().timing;
  const bool outer = context_ == Context::real_server || context_ == Context::real_servers_from;
  return outer ? server().timing : check().timing;
}

ConnectionDraft& Binder::connection() {
  return context_ == Context::smtp_host ? check().hosts.back() : check().connection;
}

void Binder::not_yet(Position at, const std::string& message) {
  if (strict_)
    report_.error(at, message);
  else
    report_.warning(at, message);
}

void Binder::bind(const Statement& root) { bind_block(root, Context::top); }

void Binder::bind_block(const Statement& parent, Context context) {
  const auto outer = std::exchange(context_, context);
  std::vector<const Keyword*> seen;
  for (const auto& statement : parent.children) {
    if (statement.words.empty()) continue;  // reported where the tree was made
    const auto* keyword = bind_statement(statement, parent, context);
    if (keyword == nullptr || keyword->repeats || keyword->has_block()) continue;
    if (std::ranges::find(seen, keyword) == seen.end()) {
      seen.push_back(keyword);
    } else {
      report_.warning(statement.at(),
                      fmt::format("'{}' stands here a second time: the last one counts", keyword->name));
    }
  }
  context_ = outer;
}

const Keyword* Binder::bind_statement(const Statement& statement, const Statement& parent, Context context) {
  const auto& name = statement.words.front().text;
  if (const auto* keyword = find_keyword(context, name)) {
    bind_known(statement, *keyword);
    return keyword;
  }
  if (const auto* undone = find_undone(context, name)) {
    const bool of_server = context == Context::real_server || context == Context::real_servers_from;
    if (of_server && is_checker_to_come(name)) {
      server().checks_to_come.push_back({name, statement.at()});
    } else {
      not_yet(statement.at(), undone_text(name, *undone));
    }
  } else {
    unknown(statement, parent, context);
  }
  return nullptr;
}

void Binder::bind_known(const Statement& statement, const Keyword& keyword) {
  const bool enough = check_words(statement, keyword);
  check_block(statement, keyword);
  if (!keyword.has_block()) {
    if (enough && keyword.value.set) keyword.value.set(*this, statement);
    return;
  }
  // A block is read even if its own line is faulty, so that the faults within are told in the same run.
  if (keyword.value.set) keyword.value.set(*this, statement);
  if (keyword.block) bind_block(statement, *keyword.block);
  if (!keyword.record) return;
  for (const auto& record : statement.children) {
    if (record.words.empty()) continue;
    if (record.has_block) report_.error(record.open, fmt::format("a record of {} has no block", keyword.name));
    keyword.record(*this, record);
  }
}

bool Binder::check_words(const Statement& statement, const Keyword& keyword) {
  const auto given = statement.words.size() - 1;
  const auto& name = statement.words.front();
  if (given < keyword.value.least) {
    report_.error(name.at, fmt::format("'{}' has {}: expected {}", name.text,
                                       given == 0 ? "no value" : "too few values", keyword.value.syntax));
    return false;
  }
  if (given > keyword.value.most) {
    const auto& surplus = statement.words[keyword.value.most + 1];
    report_.warning(surplus.at,
                    keyword.secret
                        ? fmt::format("a surplus word after the value of '{}' is ignored", name.text)
                        : fmt::format("surplus word '{}' after '{}' is ignored", shorten(surplus.text), name.text),
                    keyword.value.most == 0 ? "" : fmt::format("expected {}", keyword.value.syntax));
  }
  return true;
}

void Binder::check_block(const Statement& statement, const Keyword& keyword) {
  if (statement.has_block && !keyword.has_block()) {
    report_.error(statement.open, fmt::format("'{}' has no block", keyword.name));
  } else if (!statement.has_block && keyword.has_block()) {
    report_.error(statement.at(), fmt::format("'{}' has no block", keyword.name), "a '{' is missing");
  }
}

void Binder::unknown(const Statement& statement, const Statement& parent, Context context) {
  const auto& word = statement.words.front();
  auto message = fmt::format("unknown keyword '{}'", shorten(word.text));
  if (context != Context::top) message += " in " + shorten(parent.title());
  std::string hint;
  if (const auto near = suggest(context, word.text); !near.empty()) {
    hint = fmt::format("did you mean '{}'?", near);
  } else if (context != Context::top && find_keyword(Context::top, word.text) != nullptr) {
    hint = "is a '}' missing above?";
  } else if (context == Context::vrrp_sync_group) {
    hint = "instances stand in a block: group { … }";
  } else if (const auto elsewhere = contexts_of(word.text); !elsewhere.empty()) {
    hint = fmt::format("it belongs in {}", elsewhere.front());
  }
  report_.error(word.at, std::move(message), std::move(hint));
}

}  // namespace ballast::config
