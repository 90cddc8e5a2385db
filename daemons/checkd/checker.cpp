#include "daemons/checkd/checker.hpp"

#include "daemons/checkd/http_get.hpp"
#include "daemons/checkd/tcp_check.hpp"

namespace ballast::checkd {
namespace {

using Maker = std::unique_ptr<Checker> (*)(const Surroundings&, const config::Check&);

template <class T>
std::unique_ptr<Checker> make(const Surroundings& surroundings, const config::Check& check) {
  return std::make_unique<T>(surroundings.executor, check);
}

constexpr std::array<std::pair<config::CheckKind, Maker>, 2> makers{{
    {config::CheckKind::tcp, make<TcpCheck>},
    {config::CheckKind::http, make<HttpGet>},
}};

}  // namespace

std::unique_ptr<Checker> make_checker(const Surroundings& surroundings, const config::Check& check) {
  for (const auto& [kind, maker] : makers) {
    if (kind == check.kind) return maker(surroundings, check);
  }
  return nullptr;
}

}  // namespace ballast::checkd
