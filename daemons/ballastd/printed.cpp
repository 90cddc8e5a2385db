#include "daemons/ballastd/printed.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "common/net/ip_address.hpp"

namespace ballast::ballastd {
namespace {

constexpr std::size_t most_members = 8;  ///< of a list that are named; the rest is counted

using Statements = std::vector<const Printed*>;

/// What the tree's depth allows of one line: `keyword value`, `keyword value {` or `}`.
Printed read_line(std::string_view line) {
  Printed made;
  made.has_block = line.ends_with(" {");
  if (made.has_block) line.remove_suffix(2);
  const auto blank = std::min(line.find(' '), line.size());
  made.keyword = line.substr(0, blank);
  made.value = line.substr(std::min(blank + 1, line.size()));
  return made;
}

Statements named(const std::vector<Printed>& all, std::string_view keyword) {
  Statements found;
  for (const auto& each : all) {
    if (each.keyword == keyword) found.push_back(&each);
  }
  return found;
}

std::vector<std::string_view> keywords_in_order(const std::vector<Printed>& before, const std::vector<Printed>& after) {
  std::vector<std::string_view> all;
  for (const auto* side : {&after, &before}) {
    for (const auto& each : *side) {
      if (std::ranges::find(all, each.keyword) == all.end()) all.push_back(each.keyword);
    }
  }
  return all;
}

bool same(const Statements& before, const Statements& after) {
  return std::ranges::equal(before, after, [](const auto* a, const auto* b) { return *a == *b; });
}

/// Takes from both what equals one of the other.
void drop_equal(Statements& before, Statements& after) {
  std::erase_if(before, [&](const Printed* old) {
    const auto found = std::ranges::find_if(after, [&](const Printed* now) { return *now == *old; });
    if (found == after.end()) return false;
    after.erase(found);
    return true;
  });
}

/// The first of `candidates` that is like this one; taken from there. Null: none.
template <class Like>
const Printed* take(Statements& candidates, const Printed& one, Like like) {
  const auto found = std::ranges::find_if(candidates, [&](const Printed* each) { return like(*each, one); });
  if (found == candidates.end()) return nullptr;
  const auto* taken = *found;
  candidates.erase(found);
  return taken;
}

/// `real_server 10.0.0.1:80`, `check TCP_CHECK`, `url`.
std::string title(const Printed& block, config::Context outer) {
  if (block.value.empty()) {
    const bool is_check = outer == config::Context::real_server || outer == config::Context::real_servers_from;
    return (is_check ? "check " : "") + block.keyword;
  }
  const auto blank = block.value.find(' ');
  if (block.keyword == "real_server" && blank != std::string::npos) {
    const auto address = net::IpAddress::parse(std::string_view{block.value}.substr(0, blank));
    const auto port = block.value.substr(blank + 1);
    if (address)
      return fmt::format("real_server {}:{}",
                         address->is_v6() ? "[" + address->to_string() + "]" : address->to_string(), port);
  }
  return block.line();
}

class Description {
 public:
  Description(std::vector<std::string>& lines, const std::string& label, config::Context context)
      : lines_{lines}, label_{label}, context_{context} {}

  void compare(const std::vector<Printed>& before, const std::vector<Printed>& after) {
    for (const auto keyword : keywords_in_order(before, after)) {
      auto old = named(before, keyword);
      auto now = named(after, keyword);
      if (same(old, now)) continue;
      const auto* known = config::find_keyword(context_, keyword);
      if (known != nullptr && known->record)
        records(keyword, old, now);
      else if (known != nullptr && known->block)
        blocks(*known->block, old, now);
      else
        values(keyword, std::move(old), std::move(now), known != nullptr && known->secret);
    }
    finish();
  }

 private:
  void add(std::string part) { parts_.push_back(std::move(part)); }

  /// What a block of records has more and less.
  void records(std::string_view keyword, const Statements& before, const Statements& after) {
    // A block with a name of its own, such as a group of addresses, is one thing; the others are one list.
    for (const auto* old : before) {
      const auto like = [&](const Printed* now) { return now->value == old->value; };
      const auto now = std::ranges::find_if(after, like);
      static const std::vector<Printed> none;
      const auto name = old->line();
      if (now == after.end() && !old->value.empty())
        add(name + " removed");
      else
        list(name, old->children, now == after.end() ? none : (*now)->children);
    }
    for (const auto* now : after) {
      if (std::ranges::any_of(before, [&](const Printed* old) { return now->value == old->value; })) continue;
      if (now->value.empty())
        list(std::string{keyword}, {}, now->children);
      else
        add(now->line() + " added");
    }
  }

  void list(const std::string& name, const std::vector<Printed>& before, const std::vector<Printed>& after) {
    Statements old;
    Statements now;
    for (const auto& each : before) old.push_back(&each);
    for (const auto& each : after) now.push_back(&each);
    if (same(old, now)) return;
    members(name, std::move(old), std::move(now));
  }

  /// `virtual_ipaddress 10.0.0.2/24 added`; a member whose first word stays is changed.
  void members(const std::string& name, Statements before, Statements after) {
    drop_equal(before, after);
    if (before.empty() && after.empty()) return add(name + " in another order");
    std::vector<std::string> told;
    const auto like = [](const Printed& a, const Printed& b) { return a.keyword == b.keyword; };
    for (const auto* old : before) {
      const auto* now = take(after, *old, like);
      told.push_back(now != nullptr ? fmt::format("{} {} -> {}", name, old->line(), now->line())
                                    : fmt::format("{} {} removed", name, old->line()));
    }
    for (const auto* now : after) told.push_back(fmt::format("{} {} added", name, now->line()));
    for (std::size_t i = 0; i < std::min(told.size(), most_members); ++i) add(std::move(told[i]));
    if (told.size() > most_members) add(fmt::format("{} more of {}", told.size() - most_members, name));
  }

  void blocks(config::Context inner, Statements before, Statements after) {
    const auto all = after;
    const auto several = before.size() > 1 || after.size() > 1;
    const std::string keyword{(before.empty() ? after : before).front()->keyword};
    drop_equal(before, after);
    if (before.empty() && after.empty()) return add(keyword + " in another order");
    const auto like = [](const Printed& a, const Printed& b) { return a.value == b.value; };
    for (const auto* old : before) {
      const auto* now = take(after, *old, like);
      const auto name = title(*old, context_);
      if (now == nullptr) {
        add(name + " removed");
        continue;
      }
      const auto place = std::ranges::find(all, now) - all.begin() + 1;
      const auto numbered = several && now->value.empty() ? fmt::format("{} {}", name, place) : name;
      describe_changes(within_, label_.empty() ? numbered : label_ + ": " + numbered, inner, old->children,
                       now->children);
    }
    for (const auto* now : after) add(title(*now, context_) + " added");
  }

  void values(std::string_view keyword, Statements before, Statements after, bool secret) {
    if (secret)
      return add(fmt::format("{} {}", keyword, before.empty() ? "added" : after.empty() ? "removed" : "changed"));
    if (before.size() == 1 && after.size() == 1)
      return add(fmt::format("{} {} -> {}", keyword, before.front()->value, after.front()->value));
    drop_equal(before, after);
    if (before.empty() && after.empty()) return add(fmt::format("{} in another order", keyword));
    for (const auto* old : before) add(old->line() + " removed");
    for (const auto* now : after) add(now->line() + " added");
  }

  void finish() {
    if (label_.empty())
      lines_.insert(lines_.end(), parts_.begin(), parts_.end());
    else if (!parts_.empty())
      lines_.push_back(fmt::format("{}: {}", label_, fmt::join(parts_, ", ")));
    lines_.insert(lines_.end(), within_.begin(), within_.end());
  }

  std::vector<std::string>& lines_;
  const std::string& label_;
  config::Context context_;
  std::vector<std::string> parts_;
  std::vector<std::string> within_;
};

}  // namespace

std::string Printed::line() const { return value.empty() ? keyword : keyword + " " + value; }

std::vector<Printed> read_printed(std::string_view text) {
  Printed root;
  std::vector<Printed*> open{&root};
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) continue;
    if (line == "}") {
      if (open.size() > 1) open.pop_back();
      continue;
    }
    auto& made = open.back()->children.emplace_back(read_line(line));
    if (made.has_block) open.push_back(&made);
  }
  return std::move(root.children);
}

void describe_changes(std::vector<std::string>& lines, const std::string& label, config::Context context,
                      const std::vector<Printed>& before, const std::vector<Printed>& after) {
  Description{lines, label, context}.compare(before, after);
}

}  // namespace ballast::ballastd
