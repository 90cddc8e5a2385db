#include "daemons/vrrpd/shell/withdraw.hpp"

#include <boost/asio/io_context.hpp>

#include "common/runtime/log.hpp"
#include "daemons/vrrpd/shell/address_keeper.hpp"
#include "daemons/vrrpd/shell/advertisement_socket.hpp"
#include "daemons/vrrpd/shell/kernel_keeper.hpp"
#include "daemons/vrrpd/shell/state_file.hpp"

namespace ballast::vrrpd {
namespace {

Result<> send_leaving(boost::asio::io_context& io, const SavedInstance& instance, int link) {
  const auto& settings = instance.settings;
  const bool virtual_mac = sending_interface(settings) == settings.kernel.vmac;
  auto socket = AdvertisementSocket::open(io, sending_interface(settings), link, settings.family, nullptr, virtual_mac);
  if (!socket) return socket.error();
  std::vector<net::IpAddress> addresses;
  for (const auto& address : settings.virtual_addresses) addresses.push_back(address.prefix.address);
  const auto form = settings.v3_checksum_as_v2 ? ChecksumForm::message : ChecksumForm::pseudo_header;
  std::optional<Authenticator> signer;
  if (settings.auth_hmac) signer.emplace(*settings.auth_hmac);
  if (signer && !signer->signs()) signer.reset();
  const Advertisement advertisement{settings.version,
                                    settings.virtual_router_id,
                                    priority_leaving,
                                    std::chrono::duration_cast<Duration>(settings.advert_interval),
                                    addresses,
                                    settings.auth_pass.text,
                                    signer ? &*signer : nullptr,
                                    signer ? signer->next_sequence(runtime::wall_time()) : 0};
  std::vector<std::uint8_t> buffer;
  for (const auto& [destination, ttl] : destinations_of(settings)) {
    encode(advertisement, *instance.source, destination, form, buffer);
    if (auto sent = (*socket)->send(*instance.source, destination, buffer, ttl); !sent) return sent;
  }
  return {};
}

Result<> remove_addresses(netlink::Socket& kernel, const std::vector<SavedInstance>& instances,
                          const config::StaticObjects& statics) {
  const auto links = kernel.links();
  if (!links) return links.error();
  const auto actual = kernel.addresses();
  if (!actual) return actual.error();
  std::set<std::pair<std::string, net::Prefix>> named;
  for (const auto& instance : instances) {
    for (const auto& address : all_addresses(instance.settings)) named.emplace(address.interface, address.prefix);
  }
  for (const auto& address : statics.addresses) named.emplace(address.interface, address.prefix);
  std::map<int, std::string> names;
  for (const auto& link : *links) names[link.index] = link.name;
  Result<> outcome;
  for (const auto& address : *actual) {
    if (address.protocol != netlink::ballast_address_protocol) continue;
    if (!named.contains({names[address.link], address.prefix})) continue;
    if (auto removed = kernel.remove_address(address); !removed)
      outcome = removed;
    else
      log::notice("{} removed from {}", address.prefix, names[address.link]);
  }
  return outcome;
}

/// Virtual MACs' links, routes, rules, the firewall's table, and the settings of links.
Result<> clear_kernel(boost::asio::io_context& io, const std::filesystem::path& run_dir,
                      const std::vector<SavedInstance>& instances, const config::Model& model) {
  auto host = Host::open(io, {[](const auto&) {}, [](const auto&, bool) {}, [] {}});
  if (!host) return host.error();
  auto keeper = KernelKeeper::open(io, **host, run_dir, [] {});
  if (!keeper) return keeper.error();
  std::vector<KernelClient> clients;
  for (const auto& instance : instances) {
    (*keeper)->know(instance.settings);
    clients.push_back({&instance.settings, false});
  }
  (*keeper)->know(plan_kernel(clients, model.statics, model.global.firewall), model.statics);
  (*keeper)->apply(KernelPlan{});
  return {};
}

}  // namespace

Result<> withdraw(const std::filesystem::path& run_dir) {
  auto state = read_state(run_dir);
  if (!state) {
    log::notice("nothing to withdraw: {}", state.error().message);
    return {};
  }
  auto kernel = netlink::Socket::open();
  if (!kernel) return kernel.error();
  boost::asio::io_context io;
  for (auto& instance : state->instances) {
    if (instance.role != Role::master || !instance.source) continue;
    const auto link = kernel->link(sending_interface(instance.settings));
    if (!link) continue;
    if (const auto sent = send_leaving(io, instance, link->index); !sent) {
      log::warning("{}: {}", instance.settings.name, sent.error().message);
    } else {
      log::notice("{}: MASTER -> INIT (withdrawn: vrrpd is gone)", instance.settings.name);
    }
  }
  const auto model = read_model(run_dir);
  const auto statics = model ? model->statics : config::StaticObjects{};
  if (auto removed = remove_addresses(*kernel, state->instances, statics); !removed) return removed;
  if (auto cleared = clear_kernel(io, run_dir, state->instances, model ? *model : config::Model{}); !cleared)
    return cleared;
  for (auto& instance : state->instances) instance.role = Role::init;
  return write_state(run_dir, *state);
}

Result<> withdraw_when_late(const std::filesystem::path& run_dir) {
  const auto state = read_state(run_dir);
  if (!state) return {};
  std::optional<Duration> patience;
  for (const auto& instance : state->instances) {
    if (instance.role != Role::master) continue;
    const auto& settings = instance.settings;
    const auto interval = std::chrono::duration_cast<Duration>(settings.advert_interval);
    const auto down =
        master_down_interval(settings.version, priority_owner, interval, settings.election.down_timer_adverts);
    patience = std::min(patience.value_or(down), down);
  }
  if (!patience) return {};
  auto life = SignOfLife::open(run_dir);
  if (!life) return life.error();
  auto lives = life->lives();
  const bool late = runtime::away_for_too_long(lives, runtime::BootClock::now(), *patience);
  life->set_absent_since(lives.absent_since);
  return late ? withdraw(run_dir) : Result<>{};
}

}  // namespace ballast::vrrpd
