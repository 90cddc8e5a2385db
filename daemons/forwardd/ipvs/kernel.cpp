#include "daemons/forwardd/ipvs/kernel.hpp"

#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <system_error>

#include "daemons/forwardd/ipvs/pause.hpp"

namespace ballast::forwardd::ipvs {
namespace {

constexpr std::size_t at_once = 64;  ///< requests under way; their answers must fit into the socket's buffer
constexpr std::uint32_t own_flags =
    IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_ONEPACKET | IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_SCHED3;

struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
struct FreeMessage {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
struct PutCallbacks {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};
using Message = std::unique_ptr<nl_msg, FreeMessage>;

std::string error_text(int number) { return std::generic_category().message(number); }

/// The attributes within another; those above `Most` are newer than we are and are passed over.
template <std::size_t Most>
std::array<nlattr*, Most + 1> nested(nlattr* outer) {
  std::array<nlattr*, Most + 1> found{};
  nla_parse_nested(found.data(), static_cast<int>(Most), outer, nullptr);
  return found;
}

template <class Number>
Number number(const nlattr* attribute) {
  Number value{};
  if (attribute != nullptr && nla_len(attribute) >= static_cast<int>(sizeof value))
    std::memcpy(&value, nla_data(attribute), sizeof value);
  return value;
}

std::string text(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  const auto* begin = static_cast<const char*>(nla_data(attribute));
  return {begin, strnlen(begin, static_cast<std::size_t>(nla_len(attribute)))};
}

/// A union nf_inet_addr: four bytes of sixteen for IPv4.
net::IpAddress address(const nlattr* attribute, net::Family family) {
  const auto length = family == net::Family::ipv4 ? std::size_t{4} : std::size_t{16};
  if (attribute == nullptr || static_cast<std::size_t>(nla_len(attribute)) < length) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(nla_data(attribute));
  return net::IpAddress::from_bytes({bytes, length}).value();
}

net::Family family_of(std::uint16_t af) { return af == AF_INET6 ? net::Family::ipv6 : net::Family::ipv4; }
std::uint16_t af_of(net::Family family) { return family == net::Family::ipv6 ? AF_INET6 : AF_INET; }

void put_address(nl_msg* message, int type, const net::IpAddress& value) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(value.bytes(), bytes.begin());
  nla_put(message, type, bytes.size(), bytes.data());
}

/// The kernel has a mask for IPv4, a length for IPv6.
std::uint32_t mask_of(net::Family family, unsigned prefix) {
  if (family == net::Family::ipv6) return prefix;
  return htonl(prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix));
}
unsigned prefix_of(net::Family family, std::uint32_t mask) {
  return family == net::Family::ipv6 ? mask : static_cast<unsigned>(std::popcount(mask));
}

void put_service(nl_msg* message, const ServiceKey& key, const Settings* settings) {
  auto* nest = nla_nest_start(message, IPVS_CMD_ATTR_SERVICE);
  nla_put_u16(message, IPVS_SVC_ATTR_AF, af_of(key.family));
  if (key.fwmark != 0) {
    nla_put_u32(message, IPVS_SVC_ATTR_FWMARK, key.fwmark);
  } else {
    nla_put_u16(message, IPVS_SVC_ATTR_PROTOCOL, key.protocol);
    put_address(message, IPVS_SVC_ATTR_ADDR, key.endpoint.address);
    nla_put_u16(message, IPVS_SVC_ATTR_PORT, htons(key.endpoint.port));
  }
  if (settings != nullptr) {
    nla_put_string(message, IPVS_SVC_ATTR_SCHED_NAME, settings->scheduler.c_str());
    if (!settings->engine.empty()) nla_put_string(message, IPVS_SVC_ATTR_PE_NAME, settings->engine.c_str());
    const ip_vs_flags flags{settings->flags, own_flags};
    nla_put(message, IPVS_SVC_ATTR_FLAGS, sizeof flags, &flags);
    nla_put_u32(message, IPVS_SVC_ATTR_TIMEOUT, settings->timeout);
    nla_put_u32(message, IPVS_SVC_ATTR_NETMASK, mask_of(key.family, settings->prefix));
  }
  nla_nest_end(message, nest);
}

/// What we and the kernel call one thing; the first stands for what is in no table.
template <class Ours, class Theirs, std::size_t Size>
using Names = std::array<std::pair<Ours, Theirs>, Size>;

constexpr Names<config::Method, std::uint32_t, 3> methods{{{config::Method::nat, IP_VS_CONN_F_MASQ},
                                                           {config::Method::dr, IP_VS_CONN_F_DROUTE},
                                                           {config::Method::tun, IP_VS_CONN_F_TUNNEL}}};
constexpr Names<config::TunnelType, std::uint8_t, 3> tunnel_types{
    {{config::TunnelType::ipip, IP_VS_CONN_F_TUNNEL_TYPE_IPIP},
     {config::TunnelType::gue, IP_VS_CONN_F_TUNNEL_TYPE_GUE},
     {config::TunnelType::gre, IP_VS_CONN_F_TUNNEL_TYPE_GRE}}};
constexpr Names<config::TunnelChecksum, std::uint16_t, 3> checksums{
    {{config::TunnelChecksum::none, IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM},
     {config::TunnelChecksum::csum, IP_VS_TUNNEL_ENCAP_FLAG_CSUM},
     {config::TunnelChecksum::remcsum, IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM}}};

template <class Table>
auto theirs(const Table& names, decltype(names[0].first) ours) {
  const auto found = std::ranges::find(names, ours, [](const auto& each) { return each.first; });
  return (found == names.end() ? names.front() : *found).second;
}
template <class Table>
auto ours(const Table& names, decltype(names[0].second) theirs) {
  const auto found = std::ranges::find(names, theirs, [](const auto& each) { return each.second; });
  return (found == names.end() ? names.front() : *found).first;
}

void put_destination(nl_msg* message, const Change& change) {
  auto* nest = nla_nest_start(message, IPVS_CMD_ATTR_DEST);
  nla_put_u16(message, IPVS_DEST_ATTR_ADDR_FAMILY, af_of(change.server.address.family()));
  put_address(message, IPVS_DEST_ATTR_ADDR, change.server.address);
  nla_put_u16(message, IPVS_DEST_ATTR_PORT, htons(change.server.port));
  if (change.kind != Change::Kind::remove_destination) {
    const auto& wanted = change.destination;
    nla_put_u32(message, IPVS_DEST_ATTR_FWD_METHOD, theirs(methods, wanted.method));
    nla_put_u32(message, IPVS_DEST_ATTR_WEIGHT, wanted.weight);
    nla_put_u32(message, IPVS_DEST_ATTR_U_THRESH, wanted.upper_threshold);
    nla_put_u32(message, IPVS_DEST_ATTR_L_THRESH, wanted.lower_threshold);
    if (wanted.method == config::Method::tun) {
      nla_put_u8(message, IPVS_DEST_ATTR_TUN_TYPE, theirs(tunnel_types, wanted.tunnel.type));
      nla_put_u16(message, IPVS_DEST_ATTR_TUN_PORT, htons(wanted.tunnel.port));
      nla_put_u16(message, IPVS_DEST_ATTR_TUN_FLAGS, theirs(checksums, wanted.tunnel.checksum));
    }
  }
  nla_nest_end(message, nest);
}

std::optional<std::pair<ServiceKey, Settings>> read_service(nlattr* outer) {
  const auto at = nested<IPVS_SVC_ATTR_MAX>(outer);
  if (at[IPVS_SVC_ATTR_AF] == nullptr) return std::nullopt;
  ServiceKey key;
  key.family = family_of(number<std::uint16_t>(at[IPVS_SVC_ATTR_AF]));
  key.fwmark = number<std::uint32_t>(at[IPVS_SVC_ATTR_FWMARK]);
  if (key.fwmark == 0) {
    key.protocol = static_cast<std::uint8_t>(number<std::uint16_t>(at[IPVS_SVC_ATTR_PROTOCOL]));
    key.endpoint = {address(at[IPVS_SVC_ATTR_ADDR], key.family), ntohs(number<std::uint16_t>(at[IPVS_SVC_ATTR_PORT]))};
  }
  Settings settings;
  settings.scheduler = text(at[IPVS_SVC_ATTR_SCHED_NAME]);
  settings.flags = number<ip_vs_flags>(at[IPVS_SVC_ATTR_FLAGS]).flags & own_flags;
  settings.timeout = number<std::uint32_t>(at[IPVS_SVC_ATTR_TIMEOUT]);
  settings.prefix = prefix_of(key.family, number<std::uint32_t>(at[IPVS_SVC_ATTR_NETMASK]));
  settings.engine = text(at[IPVS_SVC_ATTR_PE_NAME]);
  return std::pair{key, settings};
}

std::optional<Seen> read_destination(nlattr* outer, net::Family family) {
  const auto at = nested<IPVS_DEST_ATTR_MAX>(outer);
  if (at[IPVS_DEST_ATTR_ADDR] == nullptr) return std::nullopt;
  if (at[IPVS_DEST_ATTR_ADDR_FAMILY] != nullptr)
    family = family_of(number<std::uint16_t>(at[IPVS_DEST_ATTR_ADDR_FAMILY]));
  Seen seen;
  seen.endpoint = {address(at[IPVS_DEST_ATTR_ADDR], family), ntohs(number<std::uint16_t>(at[IPVS_DEST_ATTR_PORT]))};
  auto& destination = seen.destination;
  destination.method = ours(methods, number<std::uint32_t>(at[IPVS_DEST_ATTR_FWD_METHOD]) & IP_VS_CONN_F_FWD_MASK);
  if (destination.method == config::Method::tun) {
    destination.tunnel = {.type = ours(tunnel_types, number<std::uint8_t>(at[IPVS_DEST_ATTR_TUN_TYPE])),
                          .port = ntohs(number<std::uint16_t>(at[IPVS_DEST_ATTR_TUN_PORT])),
                          .checksum = ours(checksums, number<std::uint16_t>(at[IPVS_DEST_ATTR_TUN_FLAGS]))};
  }
  destination.weight = number<std::uint32_t>(at[IPVS_DEST_ATTR_WEIGHT]);
  destination.upper_threshold = number<std::uint32_t>(at[IPVS_DEST_ATTR_U_THRESH]);
  destination.lower_threshold = number<std::uint32_t>(at[IPVS_DEST_ATTR_L_THRESH]);
  seen.counters.active = number<std::uint32_t>(at[IPVS_DEST_ATTR_ACTIVE_CONNS]);
  seen.counters.inactive = number<std::uint32_t>(at[IPVS_DEST_ATTR_INACT_CONNS]);
  if (at[IPVS_DEST_ATTR_STATS64] != nullptr) {
    const auto stats = nested<IPVS_STATS_ATTR_MAX>(at[IPVS_DEST_ATTR_STATS64]);
    seen.counters.connections = number<std::uint64_t>(stats[IPVS_STATS_ATTR_CONNS]);
    seen.counters.packets_in = number<std::uint64_t>(stats[IPVS_STATS_ATTR_INPKTS]);
    seen.counters.packets_out = number<std::uint64_t>(stats[IPVS_STATS_ATTR_OUTPKTS]);
    seen.counters.bytes_in = number<std::uint64_t>(stats[IPVS_STATS_ATTR_INBYTES]);
    seen.counters.bytes_out = number<std::uint64_t>(stats[IPVS_STATS_ATTR_OUTBYTES]);
  }
  return seen;
}

Syncer read_syncer(nlattr* outer) {
  const auto at = nested<IPVS_DAEMON_ATTR_MAX>(outer);
  Syncer syncer;
  syncer.tells = number<std::uint32_t>(at[IPVS_DAEMON_ATTR_STATE]) == IP_VS_STATE_MASTER;
  auto& settings = syncer.settings;
  settings.interface = text(at[IPVS_DAEMON_ATTR_MCAST_IFN]);
  settings.id = static_cast<std::uint8_t>(number<std::uint32_t>(at[IPVS_DAEMON_ATTR_SYNC_ID]));
  settings.maxlen = number<std::uint16_t>(at[IPVS_DAEMON_ATTR_SYNC_MAXLEN]);
  settings.port = number<std::uint16_t>(at[IPVS_DAEMON_ATTR_MCAST_PORT]);
  settings.ttl = number<std::uint8_t>(at[IPVS_DAEMON_ATTR_MCAST_TTL]);
  if (at[IPVS_DAEMON_ATTR_MCAST_GROUP] != nullptr)
    settings.group = address(at[IPVS_DAEMON_ATTR_MCAST_GROUP], net::Family::ipv4);
  else if (at[IPVS_DAEMON_ATTR_MCAST_GROUP6] != nullptr)
    settings.group = address(at[IPVS_DAEMON_ATTR_MCAST_GROUP6], net::Family::ipv6);
  return syncer;
}

void put_syncer(nl_msg* message, const Syncer& syncer, bool whole) {
  const auto& settings = syncer.settings;
  auto* nest = nla_nest_start(message, IPVS_CMD_ATTR_DAEMON);
  nla_put_u32(message, IPVS_DAEMON_ATTR_STATE, syncer.tells ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP);
  if (whole) {
    nla_put_string(message, IPVS_DAEMON_ATTR_MCAST_IFN, settings.interface.c_str());
    nla_put_u32(message, IPVS_DAEMON_ATTR_SYNC_ID, settings.id);
    if (settings.maxlen != 0) nla_put_u16(message, IPVS_DAEMON_ATTR_SYNC_MAXLEN, settings.maxlen);
    if (settings.port != 0) nla_put_u16(message, IPVS_DAEMON_ATTR_MCAST_PORT, settings.port);
    if (settings.ttl != 0) nla_put_u8(message, IPVS_DAEMON_ATTR_MCAST_TTL, settings.ttl);
    if (settings.group) {
      const auto bytes = settings.group->bytes();
      nla_put(message, settings.group->is_v4() ? IPVS_DAEMON_ATTR_MCAST_GROUP : IPVS_DAEMON_ATTR_MCAST_GROUP6,
              static_cast<int>(bytes.size()), bytes.data());
    }
  }
  nla_nest_end(message, nest);
}

class NetlinkKernel final : public Kernel {
 public:
  NetlinkKernel(std::unique_ptr<nl_sock, FreeSocket> socket, int family)
      : socket_{std::move(socket)}, family_{family} {}

  Result<Table> services() override {
    Table table;
    const auto message = request(IPVS_CMD_GET_SERVICE, NLM_F_DUMP);
    const int error = ask(message.get(), [&](const auto& at) {
      if (at[IPVS_CMD_ATTR_SERVICE] == nullptr) return;
      if (const auto read = read_service(at[IPVS_CMD_ATTR_SERVICE])) table[read->first].settings = read->second;
    });
    if (error != 0) return fail("IPVS: read the services: {}", error_text(error));
    return table;
  }

  Result<std::vector<Seen>> destinations(const ServiceKey& service) override {
    std::vector<Seen> all;
    const auto message = request(IPVS_CMD_GET_DEST, NLM_F_DUMP);
    put_service(message.get(), service, nullptr);
    const int error = ask(message.get(), [&](const auto& at) {
      if (at[IPVS_CMD_ATTR_DEST] == nullptr) return;
      if (auto read = read_destination(at[IPVS_CMD_ATTR_DEST], service.family)) all.push_back(std::move(*read));
    });
    if (error != 0) return fail("IPVS: read the servers of {}: {}", service.to_string(), error_text(error));
    return all;
  }

  std::vector<int> apply(std::span<const Change> changes) override {
    std::vector<int> results(changes.size(), 0);
    for (std::size_t begin = 0; begin < changes.size(); begin += at_once) {
      const auto some = changes.subspan(begin, std::min(at_once, changes.size() - begin));
      std::vector<ServiceKey> rescheduled;
      for (const auto& change : some) {
        if (change.reschedules) rescheduled.push_back(change.service);
      }
      const Pause pause{rescheduled};
      apply_some(some, {results.data() + begin, some.size()});
    }
    return results;
  }

  Result<Timeouts> timeouts() override {
    Timeouts read;
    const auto message = request(IPVS_CMD_GET_CONFIG, NLM_F_ACK);
    const int error = ask(message.get(), [&](const auto& at) {
      read = {number<std::uint32_t>(at[IPVS_CMD_ATTR_TIMEOUT_TCP]),
              number<std::uint32_t>(at[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN]),
              number<std::uint32_t>(at[IPVS_CMD_ATTR_TIMEOUT_UDP])};
    });
    if (error != 0) return fail("IPVS: read the timeouts: {}", error_text(error));
    return read;
  }

  Result<> set_timeouts(const Timeouts& timeouts) override {
    const auto message = request(IPVS_CMD_SET_CONFIG, NLM_F_ACK);
    nla_put_u32(message.get(), IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcp);
    nla_put_u32(message.get(), IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcp_fin);
    nla_put_u32(message.get(), IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udp);
    if (const int error = tell(message.get()); error != 0) return fail("IPVS: set the timeouts: {}", error_text(error));
    return {};
  }

  Result<std::vector<Syncer>> syncers() override {
    std::vector<Syncer> all;
    const auto message = request(IPVS_CMD_GET_DAEMON, NLM_F_DUMP);
    const int error = ask(message.get(), [&](const auto& at) {
      if (at[IPVS_CMD_ATTR_DAEMON] != nullptr) all.push_back(read_syncer(at[IPVS_CMD_ATTR_DAEMON]));
    });
    if (error != 0) return fail("IPVS: read the sync daemons: {}", error_text(error));
    return all;
  }

  Result<> start(const Syncer& syncer) override { return tell_daemon(IPVS_CMD_NEW_DAEMON, syncer, "start"); }
  Result<> stop(const Syncer& syncer) override { return tell_daemon(IPVS_CMD_DEL_DAEMON, syncer, "stop"); }

 private:
  using Answer = std::array<nlattr*, IPVS_CMD_ATTR_MAX + 1>;
  /// What the callbacks of one exchange write to.
  struct Exchange {
    std::function<void(const Answer&)> take;
    std::function<void(std::uint32_t sequence, int error)> ended;
  };

  [[nodiscard]] Message request(std::uint8_t command, int flags) const {
    Message message{nlmsg_alloc()};
    if (!message) throw std::bad_alloc{};
    genlmsg_put(message.get(), NL_AUTO_PORT, NL_AUTO_SEQ, family_, 0, flags, command, IPVS_GENL_VERSION);
    return message;
  }

  static int on_valid(nl_msg* message, void* argument) {
    Answer at{};
    genlmsg_parse(nlmsg_hdr(message), 0, at.data(), IPVS_CMD_ATTR_MAX, nullptr);
    static_cast<Exchange*>(argument)->take(at);
    return NL_OK;
  }
  static int on_end(nl_msg* message, void* argument) {
    static_cast<Exchange*>(argument)->ended(nlmsg_hdr(message)->nlmsg_seq, 0);
    return NL_OK;
  }
  static int on_error(sockaddr_nl*, nlmsgerr* error, void* argument) {
    static_cast<Exchange*>(argument)->ended(error->msg.nlmsg_seq, -error->error);
    return NL_SKIP;
  }
  static int on_sequence(nl_msg*, void*) { return NL_OK; }

  static std::unique_ptr<nl_cb, PutCallbacks> callbacks_for(Exchange& exchange) {
    std::unique_ptr<nl_cb, PutCallbacks> callbacks{nl_cb_alloc(NL_CB_DEFAULT)};
    if (!callbacks) throw std::bad_alloc{};
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, on_valid, &exchange);
    nl_cb_set(callbacks.get(), NL_CB_FINISH, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, on_end, &exchange);
    nl_cb_set(callbacks.get(), NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, nullptr);
    nl_cb_err(callbacks.get(), NL_CB_CUSTOM, on_error, &exchange);
    return callbacks;
  }

  /// Sends a dump, or a request that is to be acknowledged, and takes what comes up to its end. An errno.
  int ask(nl_msg* message, std::function<void(const Answer&)> take) {
    if (nl_send_auto(socket_.get(), message) < 0) return EIO;
    int result = 0;
    bool over = false;
    Exchange state{std::move(take), [&](std::uint32_t, int error) {
                     result = error;
                     over = true;
                   }};
    const auto callbacks = callbacks_for(state);
    while (!over) {
      if (nl_recvmsgs(socket_.get(), callbacks.get()) < 0) return EIO;
    }
    return result;
  }
  int tell(nl_msg* message) {
    return ask(message, [](const Answer&) {});
  }

  static std::uint8_t command_of(Change::Kind kind) {
    using enum Change::Kind;
    switch (kind) {
      case add_service:
        return IPVS_CMD_NEW_SERVICE;
      case set_service:
        return IPVS_CMD_SET_SERVICE;
      case remove_service:
        return IPVS_CMD_DEL_SERVICE;
      case add_destination:
        return IPVS_CMD_NEW_DEST;
      case set_destination:
        return IPVS_CMD_SET_DEST;
      default:
        return IPVS_CMD_DEL_DEST;
    }
  }

  /// All are on their way before the first answer is read: thousands of servers are entered in a moment.
  void apply_some(std::span<const Change> changes, std::span<int> results) {
    std::map<std::uint32_t, std::size_t> places;
    for (std::size_t place = 0; place < changes.size(); ++place) {
      const auto& change = changes[place];
      const bool of_service = change.kind == Change::Kind::add_service || change.kind == Change::Kind::set_service;
      const auto message = request(command_of(change.kind), NLM_F_ACK);
      put_service(message.get(), change.service, of_service ? &change.settings : nullptr);
      if (change.kind >= Change::Kind::add_destination) put_destination(message.get(), change);
      if (nl_send_auto(socket_.get(), message.get()) < 0)
        results[place] = EIO;
      else
        places[nlmsg_hdr(message.get())->nlmsg_seq] = place;
    }
    Exchange state{[](const Answer&) {},
                   [&](std::uint32_t sequence, int error) {
                     const auto place = places.find(sequence);
                     if (place == places.end()) return;
                     results[place->second] = error;
                     places.erase(place);
                   }};
    const auto callbacks = callbacks_for(state);
    while (!places.empty()) {
      if (nl_recvmsgs(socket_.get(), callbacks.get()) >= 0) continue;
      for (const auto& [sequence, place] : places) results[place] = EIO;
      return;
    }
  }

  Result<> tell_daemon(std::uint8_t command, const Syncer& syncer, std::string_view what) {
    const auto message = request(command, NLM_F_ACK);
    put_syncer(message.get(), syncer, command == IPVS_CMD_NEW_DAEMON);
    if (const int error = tell(message.get()); error != 0) {
      return fail("IPVS: {} the sync daemon that {} on {}: {}", what, syncer.tells ? "tells" : "listens",
                  syncer.settings.interface, error_text(error));
    }
    return {};
  }

  std::unique_ptr<nl_sock, FreeSocket> socket_;
  int family_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> open_kernel() {
  std::unique_ptr<nl_sock, FreeSocket> socket{nl_socket_alloc()};
  if (!socket) throw std::bad_alloc{};
  if (const int error = genl_connect(socket.get()); error < 0)
    return fail("IPVS: generic netlink: {}", nl_geterror(error));
  // The kernel loads the module by itself where it has one.
  const int family = genl_ctrl_resolve(socket.get(), IPVS_GENL_NAME);
  if (family < 0) {
    return fail(
        "this kernel has no IPVS: no module ip_vs is loaded or can be loaded (modprobe ip_vs tells why); lb_engine xdp "
        "needs none");
  }
  return std::make_unique<NetlinkKernel>(std::move(socket), family);
}

}  // namespace ballast::forwardd::ipvs
