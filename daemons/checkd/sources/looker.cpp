#include "daemons/checkd/sources/looker.hpp"

#include "daemons/checkd/sources/dns_looker.hpp"
#include "daemons/checkd/sources/etcd_looker.hpp"
#include "daemons/checkd/sources/file_looker.hpp"

namespace ballast::checkd {

std::unique_ptr<Looker> make_looker(boost::asio::any_io_executor executor, const config::SourceQuery& query,
                                    const Families& wanted, const LookUpSettings& settings) {
  switch (query.kind) {
    case config::SourceKind::file:
      return std::make_unique<FileLooker>(std::move(executor), query);
    case config::SourceKind::etcd:
      return std::make_unique<EtcdLooker>(std::move(executor), query, settings);
    case config::SourceKind::dns:
    case config::SourceKind::dns_srv:
      break;
  }
  return std::make_unique<DnsLooker>(std::move(executor), query, wanted, settings);
}

}  // namespace ballast::checkd
