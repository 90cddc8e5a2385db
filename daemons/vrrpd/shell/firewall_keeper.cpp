#include "daemons/vrrpd/shell/firewall_keeper.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <set>
#include <system_error>

#include "common/nft/nft.hpp"
#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

namespace asio = boost::asio;

/// A socket that hears of each change of the ruleset.
int open_monitor() {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
  if (fd < 0) return fd;
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  const int group = NFNLGRP_NFTABLES;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0 &&
      setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

}  // namespace

struct FirewallKeeper::Impl : std::enable_shared_from_this<Impl> {
  asio::posix::stream_descriptor monitor;
  std::function<void()> changed;
  std::set<std::string> known;  ///< tables that may be there
  std::string text;             ///< as last loaded
  std::string listing;          ///< as the kernel told it then
  std::string table;            ///< its name

  Impl(asio::io_context& io, std::function<void()> on_change) : monitor{io}, changed{std::move(on_change)} {}

  void watch() {
    if (monitor.is_open()) return;
    const int fd = open_monitor();
    if (fd < 0) {
      return log::warning("changes of the nf_tables ruleset go unheard: {}", std::generic_category().message(errno));
    }
    monitor.assign(fd);
    wait();
  }

  void wait() {
    monitor.async_wait(asio::posix::descriptor_base::wait_read,
                       [self = shared_from_this()](boost::system::error_code error) {
                         if (error || !self->changed) return;
                         self->drain();
                         self->compare();
                         if (self->monitor.is_open()) self->wait();
                       });
  }

  /// Others may change theirs often: only a change of ours is of interest.
  void compare() {
    Nft nft;
    if (list(nft, table) != listing) changed();
  }

  /// What changed does not matter: the table is compared as a whole.
  void drain() {
    constexpr int messages_a_turn = 256;
    std::array<char, 1> byte{};
    for (int i = 0; i < messages_a_turn; ++i) {
      if (recv(monitor.native_handle(), byte.data(), byte.size(), MSG_DONTWAIT | MSG_TRUNC) < 0 && errno != ENOBUFS)
        return;
    }
  }

  static std::string list(Nft& nft, const std::string& table) {
    std::string all;
    for (const auto* family : {"ip", "ip6"}) {
      if (auto one = nft.run(fmt::format("list table {} {}", family, table))) all += *one;
    }
    return all;
  }
};

FirewallKeeper::FirewallKeeper(asio::io_context& io, std::function<void()> changed)
    : impl_{std::make_shared<Impl>(io, std::move(changed))} {}

FirewallKeeper::~FirewallKeeper() {
  impl_->changed = nullptr;
  boost::system::error_code ignored;
  impl_->monitor.close(ignored);
}

void FirewallKeeper::know(const std::string& table) { impl_->known.insert(table); }

Result<> FirewallKeeper::apply(const FirewallPlan& plan) {
  auto& impl = *impl_;
  const auto& table = plan.settings.table;
  if (!plan.empty()) impl.known.insert(table);
  if (impl.known.empty()) return {};
  auto text = firewall_text(plan);
  for (const auto& other : impl.known) {
    if (other == table) continue;
    FirewallPlan gone;
    gone.settings.table = other;
    text += firewall_text(gone);
  }
  Nft nft;
  const bool same = text == impl.text && impl.list(nft, table) == impl.listing;
  if (same) return {};
  if (!plan.empty()) impl.watch();
  const bool again = text == impl.text;
  if (auto done = nft.run(text); !done) return fail("nf_tables: {}", done.error().message);
  if (again) log::warning("nf_tables: table {} had been changed by someone else: put back", table);
  impl.text = text;
  impl.table = table;
  impl.listing = impl.list(nft, table);
  std::erase_if(impl.known, [&](const auto& known) { return plan.empty() || known != table; });
  if (plan.empty()) {
    impl.text.clear();
    boost::system::error_code ignored;
    impl.monitor.close(ignored);
  }
  return {};
}

}  // namespace ballast::vrrpd
