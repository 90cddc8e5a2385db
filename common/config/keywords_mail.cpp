// Alerts by mail.
#include <algorithm>
#include <cctype>

#include "common/config/table.hpp"
#include "common/config/values.hpp"
#include "common/net/mailbox.hpp"

namespace ballast::config {
namespace {

Mail& mail(Binder& binder) { return binder.global().mail; }

auto own(auto member) {
  return [member](Binder & binder) -> auto& { return mail(binder).*member; };
}

std::optional<std::string> read_mailbox(Binder& binder, const Word& word) {
  if (!read<net::Mailbox>(binder, word, net::parse_mailbox)) return std::nullopt;
  return word.text;
}

/// The name of an account without a domain, which keepalived hands to the mail server as it is.
bool is_local_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == '+';
  });
}

void add_recipients(Binder& binder, const Statement& record) {
  for (const auto& word : record.words) {
    if (is_local_name(word.text)) {
      binder.report().warning(word.at, fmt::format("'{}' has no domain and is left out", shorten(word.text)),
                              fmt::format("write {}@DOMAIN", shorten(word.text)));
      continue;
    }
    if (auto mailbox = read_mailbox(binder, word)) mail(binder).to.push_back(std::move(*mailbox));
  }
}

void set_sender(Binder& binder, const Statement& line) {
  if (auto mailbox = read_mailbox(binder, line.words[1])) mail(binder).from = std::move(*mailbox);
}

/// Of a host, or what is said for one: printable, without blanks.
Result<std::string> parse_name(std::string_view text) {
  const bool good = !text.empty() && text.size() <= 253 && !text.starts_with('-') &&
                    std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (!good) return fail("'{}' is no name of a host", shorten(text));
  return std::string{text};
}

// smtp_server HOST [PORT]
void set_server(Binder& binder, const Statement& line) {
  if (auto name = read<std::string>(binder, line.words[1], parse_name)) mail(binder).server = std::move(*name);
  if (line.words.size() < 3) return;
  const auto parse = [](std::string_view text) { return parse_number(text, 1, 65'535); };
  if (const auto port = read<unsigned>(binder, line.words[2], parse))
    mail(binder).port = static_cast<std::uint16_t>(*port);
}

void set_helo(Binder& binder, const Statement& line) {
  if (auto name = read<std::string>(binder, line.words[1], parse_name)) mail(binder).helo = std::move(*name);
}

Value faults(bool wanted) {
  return flag([wanted](Binder& binder, const Statement&) { mail(binder).faults = wanted; });
}

}  // namespace

void add_mail_keywords(Table& table) {
  using enum Context;
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {global_defs}, std::move(value), doc);
  };
  table.records("notification_email", global_defs, {}, add_recipients,
                "Who gets alerts: ADDRESS or \"NAME <ADDRESS>\", any number.");
  add("notification_email_from", custom("ADDRESS", 1, 1, set_sender), "Who sends them; default ballast@ and the host.");
  add("smtp_server", custom("HOST [PORT]", 1, 2, set_server), "Where they are handed in; default 127.0.0.1 25.");
  add("smtp_helo_name", custom("NAME", 1, 1, set_helo), "Our name for the mail server; default: the host's.");
  add("smtp_connect_timeout", seconds(1s, 3'600s, own(&Mail::timeout)),
      "For the connection to it and each answer; default 30.");
  add("no_email_faults", faults(false), "FAULT is no alert.");
  add("email_faults", faults(true), "FAULT is an alert (default).");
  add("smtp_alert", boolean(member_of(&Binder::draft)(&Draft::alert)),
      "Changes of role are alerts, where nothing else is said.");
  add("smtp_alert_checker", boolean(member_of(&Binder::draft)(&Draft::checker_alert)),
      "Changes of servers and services are alerts; goes before smtp_alert.");
  add("no_checker_emails", flag([](Binder& binder, const Statement&) { mail(binder).checkers = false; }),
      "No mail for a single checker of a server that has several.");
  table.value("smtp_alert", {virtual_server}, boolean(member_of(&Binder::service)(&ServiceDraft::alert)),
              "Send a mail when its quorum is gained or lost; default: smtp_alert_checker, smtp_alert, off.");
  table.value("smtp_alert", {real_server, real_servers_from}, boolean(member_of(&Binder::server)(&ServerDraft::alert)),
              "Send a mail when it goes up or down; default: smtp_alert_checker, smtp_alert, on.");
  add("smtp_alert_vrrp", boolean(member_of(&Binder::draft)(&Draft::vrrp_alert)), "The same, and goes before it.");
  table.value("smtp_alert", {vrrp_instance, vrrp_sync_group}, boolean(member_of(&Binder::notify)(&NotifyDraft::alert)),
              "Send a mail when the role changes; default: smtp_alert_vrrp, smtp_alert.");
}

}  // namespace ballast::config
