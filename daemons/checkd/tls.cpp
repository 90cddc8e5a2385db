#include "daemons/checkd/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <boost/asio/ssl.hpp>

#include "common/net/ip_address.hpp"
#include "common/runtime/clock.hpp"
#include "common/runtime/log.hpp"
#include "daemons/checkd/certificate.hpp"
#include "daemons/checkd/connect.hpp"
#include "daemons/checkd/printable.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);
constexpr int first_alert = 1000;  // OpenSSL's reasons from here on are alerts of the peer

std::string openssl_error() {
  const auto code = ERR_peek_last_error();
  const auto* reason = ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

Result<> set_own(SSL_CTX* context, const config::TlsClient& tls) {
  if (tls.certificate.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, tls.certificate.c_str()) != 1)
    return fail("{}: {}", tls.certificate, openssl_error());
  if (SSL_CTX_use_PrivateKey_file(context, tls.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail("{}: {}", tls.key, openssl_error());
  return {};
}

Result<> set_authorities(SSL_CTX* context, const config::TlsClient& tls) {
  if (!tls.verify) {
    // Nobody asks what it would find. An old server's short key is no reason either.
    SSL_CTX_set_cert_verify_callback(
        context, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    SSL_CTX_set_security_level(context, 0);
    return {};
  }
  const bool read = tls.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                        : SSL_CTX_load_verify_file(context, tls.ca_file.c_str()) == 1;
  if (!read) return fail("{}: {}", tls.ca_file.empty() ? "the system's authorities" : tls.ca_file, openssl_error());
  return {};
}

Result<TlsContexts::Context> make_context(const config::TlsClient& tls) {
  ERR_clear_error();
  auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  auto* context = made->native_handle();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // What it finds is looked at after the handshake, when the certificate can be told, too.
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });  // or it asks the terminal
  if (const auto done = set_authorities(context, tls); !done) return done.error();
  if (const auto done = set_own(context, tls); !done) return done.error();
  return made;
}

class TlsChannel final : public Channel {
 public:
  TlsChannel(boost::beast::tcp_stream& stream, TlsContexts::Context context)
      : context_{std::move(context)}, stream_{stream, *context_} {}
  [[nodiscard]] SSL* native() { return stream_.native_handle(); }
  asio::awaitable<error_code> handshake() {
    const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::client, awaiting);
    co_return error;
  }
  asio::awaitable<Transfer> read_some(asio::mutable_buffer to) override {
    const auto [error, size] = co_await stream_.async_read_some(to, awaiting);
    const bool ended = error == asio::ssl::error::stream_truncated;
    co_return Transfer{ended ? error_code{asio::error::eof} : error, size};
  }
  asio::awaitable<error_code> write(asio::const_buffer from) override {
    const auto [error, size] = co_await asio::async_write(stream_, from, awaiting);
    co_return error;
  }

 private:
  TlsContexts::Context context_;
  asio::ssl::stream<boost::beast::tcp_stream&> stream_;
};

/// What the server is called, and what of it is sent and compared.
void introduce(SSL* tls, const config::TlsClient& wanted, const std::string& name, const config::Check& check) {
  const bool is_name = !name.empty() && !net::IpAddress::parse(name);
  if (is_name && (wanted.sni || wanted.verify || !wanted.server_name.empty()))
    SSL_set_tlsext_host_name(tls, name.c_str());
  if (!wanted.verify) return;
  SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_name)
    SSL_set1_host(tls, name.c_str());
  else
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls),
                                  name.empty() ? check.target.address.to_string().c_str() : name.c_str());
}

/// Reasons of OpenSSL's for what no TLS server says.
bool is_no_tls(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_DATA_LENGTH_TOO_LONG:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_UNEXPECTED_RECORD:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_RECORD_LENGTH_MISMATCH:
    case SSL_R_HTTP_REQUEST:
      return true;
    default:
      return false;
  }
}

Verdict handshake_failure(const std::string& what, const error_code& error, const config::Check& check) {
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
    return {Cause::closed, 2, what + ": closed in the handshake", {}};
  if (error.category() != asio::error::get_ssl_category()) return network_failure(what, error, check, Stage::handshake);
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  if (is_no_tls(reason)) return {Cause::malformed, 3, what + ": this is not TLS", {}};
  if (reason > first_alert) {
    const auto* alert = SSL_alert_desc_string_long(reason - first_alert);
    return {Cause::failed, reason, fmt::format("{}: refused by the server ({})", what, alert), {}};
  }
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
    return {Cause::failed, reason, what + ": the server speaks nothing above TLS 1.1", {}};
  return {Cause::failed, reason, fmt::format("{}: {}", what, error.message()), {}};
}

bool has_agreed(SSL* tls, Alpn alpn) {
  if (alpn == Alpn::nothing) return true;
  const unsigned char* chosen = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(tls, &chosen, &length);
  return std::string_view{reinterpret_cast<const char*>(chosen), length} == "h2";
}

}  // namespace

std::string bare_host(std::string_view host) {
  if (host.starts_with('[')) return std::string{host.substr(1, host.find(']') - 1)};
  const auto colon = host.find(':');
  if (colon != host.rfind(':')) return std::string{host};  // an IPv6 address
  return std::string{host.substr(0, colon)};
}

std::vector<TlsContexts::Stamp> TlsContexts::stamps_of(const config::TlsClient& tls) {
  std::vector<Stamp> stamps;
  const auto* authorities = tls.ca_file.empty() ? X509_get_default_cert_dir() : tls.ca_file.c_str();
  for (const char* file : {tls.verify ? authorities : "", tls.certificate.c_str(), tls.key.c_str()}) {
    struct stat found {};
    if (*file == '\0') continue;
    auto& stamp = stamps.emplace_back();
    stamp.file = file;
    if (::stat(file, &found) != 0) continue;
    stamp.seconds = found.st_mtim.tv_sec;
    stamp.nanoseconds = found.st_mtim.tv_nsec;
    stamp.inode = found.st_ino;
    stamp.size = found.st_size;
  }
  return stamps;
}

Result<TlsContexts::Context> TlsContexts::get(const config::TlsClient& tls) {
  auto& entry = entries_[Key{tls.verify, tls.verify ? tls.ca_file : "", tls.certificate, tls.key}];
  const auto now = runtime::BootClock::now().time_since_epoch();
  if (entry.context && now - entry.looked < look_every_) return entry.context;
  auto stamps = stamps_of(tls);
  entry.looked = now;
  if (entry.context && stamps == entry.stamps) return entry.context;
  auto made = make_context(tls);
  const bool again = entry.context != nullptr;
  if (made) {
    entry = {*made, std::move(stamps), now};
    if (again) log::info("TLS of checks: {} read anew", entry.stamps.front().file);
  } else if (again) {
    log::warning("TLS of checks: {}; what was read before is used on", made.error().message);
    entry.stamps = std::move(stamps);
  } else {
    return made.error();
  }
  return entry.context;
}

asio::awaitable<Tls> handshake(boost::beast::tcp_stream& stream, TlsContexts& contexts, const config::Check& check,
                               const std::string& name, Alpn alpn) {
  const auto what = fmt::format("TLS with {}", check.target);
  const auto& wanted = *check.tls;
  auto context = contexts.get(wanted);
  if (!context) co_return Tls{{Cause::cannot_probe, 1, "cannot probe: " + context.error().message, {}}, nullptr};
  auto channel = std::make_unique<TlsChannel>(stream, *context);
  auto* tls = channel->native();
  const auto host = wanted.server_name.empty() ? bare_host(name) : wanted.server_name;
  introduce(tls, wanted, host, check);
  constexpr std::array<unsigned char, 3> h2{2, 'h', '2'};
  if (alpn == Alpn::h2) SSL_set_alpn_protos(tls, h2.data(), h2.size());
  const auto error = co_await channel->handshake();
  if (error) co_return Tls{handshake_failure(what, error, check), nullptr};
  const auto* leaf = SSL_get0_peer_certificate(tls);
  Verdict verdict{Cause::passed, 0, what + ": spoken", {}};
  if (leaf != nullptr) verdict.certificate_until = ends_at(leaf);
  const auto distrust = SSL_get_verify_result(tls);
  if (wanted.verify && (leaf == nullptr || distrust != X509_V_OK)) {
    verdict.cause = Cause::certificate;
    verdict.detail = static_cast<int>(distrust);
    const auto& owner = host.empty() ? check.target.address.to_string() : host;
    verdict.reason = fmt::format(
        "{}: {}", what,
        leaf == nullptr ? "no certificate" : distrust_in_words(distrust, leaf, SSL_get_peer_cert_chain(tls), owner));
  } else if (!has_agreed(tls, alpn)) {
    verdict.cause = Cause::malformed;
    verdict.detail = 4;
    verdict.reason = what + ": the server does not agree to HTTP/2 (ALPN)";
  }
  const bool passed = verdict.passed();
  co_return Tls{std::move(verdict), passed ? std::move(channel) : nullptr};
}

}  // namespace ballast::checkd
