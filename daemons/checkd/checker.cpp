#include "daemons/checkd/checker.hpp"

#include "daemons/checkd/agent_check.hpp"
#include "daemons/checkd/dns_check.hpp"
#include "daemons/checkd/file_check.hpp"
#include "daemons/checkd/grpc_check.hpp"
#include "daemons/checkd/http_get.hpp"
#include "daemons/checkd/misc_check.hpp"
#include "daemons/checkd/ping_check.hpp"
#include "daemons/checkd/smtp_check.hpp"
#include "daemons/checkd/tcp_check.hpp"
#include "daemons/checkd/udp_check.hpp"

namespace ballast::checkd {
namespace {

using Maker = std::unique_ptr<Checker> (*)(const Surroundings&, const config::Check&);

template <class T>
std::unique_ptr<Checker> make(const Surroundings& surroundings, const config::Check& check) {
  if constexpr (std::is_constructible_v<T, const Surroundings&, const config::Check&>)
    return std::make_unique<T>(surroundings, check);
  else
    return std::make_unique<T>(surroundings.executor, check);
}

constexpr std::array<std::pair<config::CheckKind, Maker>, 11> makers{{
    {config::CheckKind::tcp, make<TcpCheck>},
    {config::CheckKind::http, make<HttpGet>},
    {config::CheckKind::ssl, make<HttpGet>},
    {config::CheckKind::smtp, make<SmtpCheck>},
    {config::CheckKind::dns, make<DnsCheck>},
    {config::CheckKind::udp, make<UdpCheck>},
    {config::CheckKind::ping, make<PingCheck>},
    {config::CheckKind::misc, make<MiscCheck>},
    {config::CheckKind::file, make<FileCheck>},
    {config::CheckKind::agent, make<AgentCheck>},
    {config::CheckKind::grpc, make<GrpcCheck>},
}};

}  // namespace

std::shared_ptr<TlsContexts> make_tls_contexts() { return std::make_shared<TlsContexts>(); }

std::unique_ptr<Checker> make_checker(const Surroundings& surroundings, const config::Check& check) {
  for (const auto& [kind, maker] : makers) {
    if (kind == check.kind) return maker(surroundings, check);
  }
  return nullptr;
}

}  // namespace ballast::checkd
