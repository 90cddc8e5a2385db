#include "common/config/resolve_authentication.hpp"

#include <algorithm>

namespace ballast::config {
namespace {

constexpr std::size_t longest_password = 8;  // RFC 2338 section 5.3.6.1
constexpr Duration least_default_window = 5s;
constexpr Duration longest_window = 300s;

void resolve_password(Report& report, const InstanceDraft& draft, VrrpInstance& instance) {
  const auto& password = draft.password;
  if (!password.block) return;
  if (draft.hmac.block) {
    return report.warning(*password.block, "authentication is ignored: auth_hmac takes its place");
  }
  if (password.type && password.type->value == PasswordType::ah) {
    return report.warning(password.type->at,
                          "AH is not done and is ignored: a router that has it will not hear this one",
                          "auth_hmac protects more, over IPv6 and version 3, too");
  }
  if (instance.version != 2) {
    return report.warning(*password.block, "VRRP version 3 has no authentication: ignored", "auth_hmac works with it");
  }
  if (!password.password) return report.error(*password.block, "authentication has no auth_pass");
  const auto& [text, at] = *password.password;
  if (text.empty()) return report.error(at, "auth_pass is empty");
  if (text.size() > longest_password) {
    report.warning(at, fmt::format("the first {} bytes of auth_pass count, it has {}", longest_password, text.size()));
  }
  instance.auth_pass.text = text.substr(0, longest_password);
}

void resolve_hmac(Report& report, const InstanceDraft& draft, VrrpInstance& instance) {
  const auto& hmac = draft.hmac;
  if (!hmac.block) return;
  AuthHmac made;
  for (const auto& key : hmac.keys) made.keys.push_back(key.value);
  made.anti_replay = hmac.anti_replay;
  made.mode = hmac.mode;
  made.time_window = hmac.time_window ? hmac.time_window->value
                                      : std::clamp(3 * instance.advert_interval, least_default_window, longest_window);
  if (made.keys.empty()) return report.error(*hmac.block, "auth_hmac has no key", "openssl rand -hex 32 makes one");
  if (hmac.active_key) {
    made.active_key = static_cast<std::uint8_t>(hmac.active_key->value);
    if (std::ranges::find(made.keys, made.active_key, &HmacKey::id) == made.keys.end())
      return report.error(hmac.active_key->at, fmt::format("there is no key {}", made.active_key));
  } else if (made.keys.size() == 1) {
    made.active_key = made.keys.front().id;
  } else {
    return report.error(*hmac.block, "auth_hmac has several keys and no active_key to sign with");
  }
  instance.auth_hmac = std::move(made);
}

}  // namespace

void resolve_authentication(Report& report, const InstanceDraft& draft, VrrpInstance& instance) {
  resolve_password(report, draft, instance);
  resolve_hmac(report, draft, instance);
}

}  // namespace ballast::config
