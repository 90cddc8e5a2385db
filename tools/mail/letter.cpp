#include "tools/mail/letter.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace ballast::mail {
namespace {

constexpr std::size_t longest_line = 900;  ///< 998 is the limit
constexpr std::size_t longest_name = 300;
constexpr std::size_t body_bytes = 57;  ///< 76 characters of base64 (RFC 2045 section 6.8)
constexpr std::size_t word_bytes = 45;  ///< of an encoded word, which has at most 75 characters

bool is_control(unsigned char c) { return c < ' ' || c == 0x7f; }
bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0 && c < 0x80; });
}

/// One line: a control character is a blank.
std::string flat(std::string_view text) {
  std::string made{text};
  std::ranges::replace_if(made, is_control, ' ');
  return made;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto rest = std::min<std::size_t>(bytes.size() - i, 3);
    unsigned value = 0;
    for (std::size_t k = 0; k < 3; ++k) value = value << 8 | (k < rest ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) made += k <= rest ? digits[value >> (18 - 6 * k) & 63] : '=';
  }
  return made;
}

/// A header's free text. Long or foreign text becomes encoded words, cut between characters of UTF-8.
std::string header_text(std::string_view given) {
  const auto text = flat(given);
  if (is_ascii(text) && text.size() <= longest_line && text.find("=?") == std::string::npos) return text;
  std::string made;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto size = std::min(rest.size(), word_bytes);
    while (size < rest.size() && size > 1 && (static_cast<unsigned char>(rest[size]) & 0xc0U) == 0x80U) --size;
    made += fmt::format("{}=?UTF-8?B?{}?=", made.empty() ? "" : "\r\n ", base64(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
  return made;
}

std::string header_mailbox(const net::Mailbox& mailbox) {
  if (mailbox.name.empty()) return mailbox.address;
  const auto name = flat(mailbox.name).substr(0, longest_name);
  if (!is_ascii(name)) return fmt::format("{} <{}>", header_text(name), mailbox.address);
  std::string quoted;
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("\"{}\" <{}>", quoted, mailbox.address);
}

// In English, whatever the locale (RFC 5322 section 3.3).
std::string header_date(std::chrono::sys_seconds when) {
  constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = when.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", days.at(static_cast<std::size_t>(parts.tm_wday)),
                     parts.tm_mday, months.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

void add_encoded_body(std::string_view text, std::string& made) {
  for (std::size_t i = 0; i < text.size(); i += body_bytes) made += base64(text.substr(i, body_bytes)) + "\r\n";
}

void add_body(std::string_view text, std::string& made) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    do {
      const auto part = flat(line.substr(0, longest_line));
      line.remove_prefix(part.size());
      made += fmt::format("{}{}\r\n", part.starts_with('.') ? "." : "", part);
    } while (!line.empty());
  }
}

}  // namespace

std::string compose(const Letter& letter) {
  std::string to;
  for (const auto& each : letter.to) to += fmt::format("{}{}", to.empty() ? "" : ",\r\n ", header_mailbox(each));
  const auto domain = letter.from.address.substr(letter.from.address.rfind('@') + 1);
  const bool plain = is_ascii(letter.text);
  auto made = fmt::format(
      "Date: {}\r\nFrom: {}\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@{}>\r\nAuto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {}\r\n\r\n",
      header_date(letter.date), header_mailbox(letter.from), to, header_text(letter.subject), letter.id, domain,
      plain ? "7bit" : "base64");
  plain ? add_body(letter.text, made) : add_encoded_body(letter.text, made);
  return made + ".\r\n";
}

}  // namespace ballast::mail
