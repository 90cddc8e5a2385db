#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/netlink/monitor.hpp"
#include "common/netlink/socket.hpp"

namespace ballast::vrrpd {

/// This machine's links and addresses as the kernel last told, and changes of the addresses that are ours.
class Host {
 public:
  struct Handlers {
    std::function<void(const std::string& interface)> link;  ///< came, went, up, down, another MAC
    std::function<void(const netlink::Address&, bool removed)> address;
    std::function<void()> resync;  ///< everything was read anew
  };
  using AddressKey = std::pair<int, net::Prefix>;
  using AddressTable = std::map<AddressKey, netlink::Address>;

  static Result<std::unique_ptr<Host>> open(boost::asio::io_context& io, Handlers handlers);

  /// Null when there is no such interface.
  [[nodiscard]] const netlink::Link* link(const std::string& name) const;
  [[nodiscard]] bool is_up(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> link_names() const;
  /// `eth0 has no carrier`, `eth0 is up`.
  [[nodiscard]] std::string describe(const std::string& name) const;
  [[nodiscard]] const AddressTable& addresses() const { return addresses_; }
  /// An IPv6 address that was added a moment ago: the kernel takes it up on its own time, and tells when it has.
  [[nodiscard]] bool is_coming(const AddressKey& address) const { return coming_.contains(address); }
  /// Asks the kernel instead of waiting to be told.
  Result<> read();

  Result<> add(const netlink::Address& address);
  Result<> remove(const netlink::Address& address);

 private:
  Host(netlink::Socket socket, Handlers handlers) : socket_{std::move(socket)}, handlers_{std::move(handlers)} {}
  void link_changed(const netlink::Link& link, bool removed);
  void address_changed(const netlink::Address& address, bool removed);

  netlink::Socket socket_;
  Handlers handlers_;
  std::map<std::string, netlink::Link, std::less<>> links_;
  AddressTable addresses_;
  std::set<AddressKey> coming_;
  std::unique_ptr<netlink::Monitor> monitor_;
};

/// The address that an instance advertises from: what is configured, else the interface's first address (IPv4), its
/// link-local one (IPv6 multicast) or a global one (IPv6 unicast). Never one that Ballast added, nor one still
/// tentative.
std::optional<net::IpAddress> choose_source(const config::VrrpInstance& instance, const Host& host);

/// What an instance without a source lacks, in words.
std::string describe_missing_source(const config::VrrpInstance& instance);

}  // namespace ballast::vrrpd
