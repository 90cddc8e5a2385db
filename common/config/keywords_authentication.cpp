// How the routers of one VRID know each other: passwords (RFC 2338) and the HMAC trailer (draft-cassen-vrrp-auth-hmac).
#include <algorithm>

#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t shortest_key = 32;
constexpr std::size_t longest_key = 64;
constexpr std::string_view hex_prefix = "hex:";
constexpr std::string_view file_prefix = "file:";

std::string to_hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

/// `hex:…` or the characters themselves.
Result<std::string> parse_key(std::string_view text) {
  std::string hex;
  if (text.starts_with(hex_prefix)) {
    hex = text.substr(hex_prefix.size());
    std::ranges::transform(hex, hex.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
      return fail("hex: is followed by pairs of hexadecimal digits");
  } else {
    hex = to_hex(text);
  }
  if (hex.size() < 2 * shortest_key || hex.size() > 2 * longest_key) {
    return fail("a key has {} to {} bytes, this one has {}", shortest_key, longest_key, hex.size() / 2);
  }
  return hex;
}

/// The first line of a file, which should be nobody else's to read.
std::optional<std::string> read_key_file(Binder& binder, const Word& word) {
  const std::filesystem::path path{word.text.substr(file_prefix.size())};
  auto text = binder.files().read(path);
  if (!text) {
    binder.report().error(word.at, fmt::format("{} cannot be read: {}", path.string(), text.error().message));
    return std::nullopt;
  }
  if (binder.files().is_open_to_others(path)) {
    binder.report().warning(word.at, fmt::format("{} is open to group or others", path.string()),
                            "chmod 600, and let root own it");
  }
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return std::move(*text);
}

// key ID hex:…|TEXT|file:PATH
void add_key(Binder& binder, const Statement& statement) {
  const auto& words = statement.words;
  const auto id = read<unsigned>(binder, words[1], [](std::string_view text) { return parse_number(text, 1, 255); });
  auto text = words[2].text.starts_with(file_prefix) ? read_key_file(binder, words[2]) : words[2].text;
  if (!id || !text) return;
  auto bytes = parse_key(*text);
  if (!bytes) {
    binder.report().error(words[2].at, bytes.error().message, "openssl rand -hex 32 makes one");
    return;
  }
  auto& keys = binder.hmac().keys;
  if (std::ranges::any_of(keys, [&](const auto& key) { return key.value.id == *id; })) {
    binder.report().error(words[1].at, fmt::format("there is a key {} already", *id));
    return;
  }
  keys.push_back({{static_cast<std::uint8_t>(*id), {std::move(*bytes)}}, words[1].at});
}

void open_password(Binder& binder, const Statement& statement) { binder.password().block = statement.at(); }
void open_hmac(Binder& binder, const Statement& statement) { binder.hmac().block = statement.at(); }

}  // namespace

void add_authentication_keywords(Table& table) {
  const auto password = member_of(&Binder::password);
  const auto hmac = member_of(&Binder::hmac);
  table.block("authentication", Context::vrrp_instance, Context::authentication, custom("", 0, 0, open_password),
              "Version 2: a password in each advertisement, readable by whoever hears it. auth_hmac protects.");
  table.value("auth_type", {Context::authentication}, choice<PasswordType>(password(&PasswordDraft::type)),
              "PASS: a password. AH is not done: it is ignored.");
  table
      .value("auth_pass", {Context::authentication}, text("PASSWORD", password(&PasswordDraft::password)),
             "The same on all routers; the first eight bytes count.")
      .secret = true;
  table.block(
      "auth_hmac", Context::vrrp_instance, Context::auth_hmac, custom("", 0, 0, open_hmac),
      "Advertisements signed with a key and good only once, as in keepalived 2.4 (draft-cassen-vrrp-auth-hmac).");
  auto& key = table.value("key", {Context::auth_hmac}, custom("ID hex:DIGITS|TEXT|file:PATH", 2, 2, add_key),
                          "A key of 32 to 64 bytes and its number (1 to 255); several while they are changed.");
  key.secret = true;
  key.repeats = true;
  table.value("active_key", {Context::auth_hmac}, number(1, 255, hmac(&HmacDraft::active_key)),
              "The key that signs; any of the keys is accepted. Default: the only one.");
  table.value(
      "anti_replay", {Context::auth_hmac}, choice<AntiReplay>(hmac(&HmacDraft::anti_replay)),
      "time (default): the routers' clocks agree within time_window; monotonic: each sender's numbers only grow.");
  table.value("time_window", {Context::auth_hmac}, seconds(1s, 300s, hmac(&HmacDraft::time_window)),
              "Default: three advert_int, at least 5.");
  table.value(
      "mode", {Context::auth_hmac}, choice<HmacMode>(hmac(&HmacDraft::mode)),
      "enforce (default): signs, and hears only what is signed; permissive: signs, hears both; receive-only: does "
      "not sign, hears both.");
}

}  // namespace ballast::config
