#include "daemons/checkd/checker.hpp"

#include "daemons/checkd/http_get.hpp"
#include "daemons/checkd/tcp_check.hpp"

namespace ballast::checkd {
namespace {

using Maker = std::unique_ptr<Checker> (*)(const boost::asio::any_io_executor&, const config::Check&);

template <class T>
std::unique_ptr<Checker> make(const boost::asio::any_io_executor& executor, const config::Check& check) {
  return std::make_unique<T>(executor, check);
}

constexpr std::array<std::pair<config::CheckKind, Maker>, 2> makers{{
    {config::CheckKind::tcp, make<TcpCheck>},
    {config::CheckKind::http, make<HttpGet>},
}};

}  // namespace

std::unique_ptr<Checker> make_checker(const boost::asio::any_io_executor& executor, const config::Check& check) {
  for (const auto& [kind, maker] : makers) {
    if (kind == check.kind) return maker(executor, check);
  }
  throw std::logic_error("a check of a kind that has no checker");
}

}  // namespace ballast::checkd
