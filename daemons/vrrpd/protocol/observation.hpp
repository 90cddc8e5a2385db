#pragma once
// What the doctor has seen of one instance in a few seconds: values alone, for `diagnose`.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"
#include "common/config/model.hpp"
#include "common/net/ip_address.hpp"
#include "daemons/vrrpd/protocol/codec.hpp"

namespace ballast::vrrpd {

/// Advertisements of one sender that are all the same, as they came in over the wire.
struct Heard {
  net::IpAddress source;
  net::MacAddress mac;
  bool multicast = true;
  std::uint8_t ttl = 0;
  std::uint8_t version = 0;
  std::uint8_t vrid = 0;
  std::uint8_t priority = 0;
  config::Duration interval{};
  std::vector<net::IpAddress> addresses;
  bool trailer = false;               ///< as long as one that is signed
  std::optional<Refused> refused;     ///< which receive check it does not pass
  std::string refusal;                ///< and how, in words
  std::optional<bool> pseudo_header;  ///< version 3 over IPv4: what the checksum covers
  std::optional<int> skew;            ///< signed: seconds that its clock is ahead of ours, as last heard
  unsigned count = 0;
};

/// What became of one sender's advertisements between the wire and the socket.
struct Arrival {
  net::IpAddress source;
  unsigned on_wire = 0;
  unsigned received = 0;
  std::string route;  ///< the interface by which this host would answer it; empty: unknown
};

/// One virtual address.
struct VipObservation {
  net::IpAddress address;
  std::string interface;  ///< where it belongs
  bool advertised = true;
  std::vector<std::string> present_on;  ///< interfaces of this host
  bool tentative = false;
  bool duplicate = false;                ///< duplicate address detection has failed
  std::string probed_on;                 ///< the interface where it was asked who has it; empty: it was not
  std::vector<net::MacAddress> answers;  ///< other machines'
  std::vector<std::string> own_answers;  ///< interfaces of this host that answered over the wire
};

struct LinkObservation {
  bool exists = false;
  bool up = false;
  bool carrier = false;
  bool multicast = true;
  bool ipv6_disabled = false;
  unsigned mtu = 0;
  std::string parent;  ///< a VLAN's or macvlan's; empty: none
  unsigned parent_mtu = 0;
  unsigned rp_filter = 0;  ///< in effect where advertisements are heard
};

struct Observation {
  std::string instance;
  std::string interface;
  std::string hears_on;  ///< its virtual MAC's link, if it has one
  std::string sends_on;
  net::Family family = net::Family::ipv4;
  std::uint8_t vrid = 0;
  std::uint8_t version = 3;
  std::uint8_t priority = 100;
  config::Duration interval{};
  bool skips_address_check = false;
  bool message_checksum = false;      ///< v3_checksum_as_v2
  bool signs = false;                 ///< its advertisements have a trailer
  int time_window = 0;                ///< auth_hmac with anti_replay time: seconds; 0: clocks do not matter
  std::vector<net::IpAddress> peers;  ///< empty: multicast
  bus::VrrpRole role = bus::VrrpRole::init;
  std::string reason;
  std::string fault;          ///< why it cannot run by itself; empty: it can
  bool role_changed = false;  ///< while it was looked: its own, or who is master
  bool holds_addresses = false;
  std::optional<net::IpAddress> source;
  std::optional<net::IpAddress> master;  ///< as last heard
  unsigned sent = 0;                     ///< while it was looked
  unsigned send_failed = 0;
  std::string send_error;
  unsigned left = 0;      ///< of those sent: seen on their way out
  bool listened = false;  ///< there was a tap on both interfaces all the time
  std::vector<Heard> heard;
  std::vector<Heard> strangers;  ///< of VRIDs that this host does not have, with addresses of ours
  std::vector<Arrival> arrivals;
  std::vector<VipObservation> vips;
  LinkObservation link;
};

/// A setting of a link that a virtual MAC or promote_secondaries wants.
struct SettingObservation {
  std::string interface;
  std::string name;
  std::uint32_t wanted = 0;  ///< at least
  std::uint32_t actual = 0;
};

/// What is about the machine and no single instance.
struct HostObservation {
  bool real_time = true;
  std::optional<bool> clock_synchronised;
  bool needs_clock = false;  ///< an instance has auth_hmac with anti_replay time
  bool forwards4 = true;
  bool forwards6 = true;
  std::vector<std::string> needs_forwarding4;  ///< virtual servers that IPVS forwards by NAT
  std::vector<std::string> needs_forwarding6;
  std::vector<SettingObservation> settings;
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Heard, source, mac, multicast, ttl, version, vrid, priority, interval, addresses,
                                   trailer, refused, refusal, pseudo_header, skew, count)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Arrival, source, on_wire, received, route)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VipObservation, address, interface, advertised, present_on, tentative, duplicate,
                                   probed_on, answers, own_answers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LinkObservation, exists, up, carrier, multicast, ipv6_disabled, mtu, parent,
                                   parent_mtu, rp_filter)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Observation, instance, interface, hears_on, sends_on, family, vrid, version,
                                   priority, interval, skips_address_check, message_checksum, signs, time_window, peers,
                                   role, reason, fault, role_changed, holds_addresses, source, master, sent,
                                   send_failed, send_error, left, listened, heard, strangers, arrivals, vips, link)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SettingObservation, interface, name, wanted, actual)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(HostObservation, real_time, clock_synchronised, needs_clock, forwards4, forwards6,
                                   needs_forwarding4, needs_forwarding6, settings)

}  // namespace ballast::vrrpd
