#pragma once
// A real server as it should be, as it is, and what was changed on it: plain values.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/net/ip_address.hpp"
#include "common/netlink/types.hpp"

namespace ballast::realserver {

/// How the load balancers forward to this server.
enum class Mode : std::uint8_t { dr, tun, fnat };

constexpr std::uint16_t default_gue_port = 6080;  ///< IANA: gue

/// The mark of addresses that ballast-realserver added (IFA_PROTO). Another than the daemons', which take back theirs.
constexpr std::uint8_t address_mark = 0xbb;

struct Wanted {
  Mode mode = Mode::dr;
  std::vector<net::IpAddress> vips;
  std::vector<std::string> interfaces;  ///< packets from load balancers arrive by these
  std::vector<net::Prefix> trust;       ///< load balancers: TOA's senders (fnat), outer sources (tun; none: any)
  std::uint16_t gue_port = default_gue_port;
  std::string cgroup;  ///< fnat: a folder of cgroup v2; its programs see clients' addresses
  bool operator==(const Wanted&) const = default;
};

/// A kernel setting, named by its path below /proc/sys.
struct ChangedSetting {
  std::string name;
  int before = 0;
  int ours = 0;
  bool operator==(const ChangedSetting&) const = default;
};

/// What is remembered from run to run: written before anything is changed.
struct Record {
  std::optional<Wanted> wanted;  ///< none: everything is to be put back
  std::vector<ChangedSetting> settings;
  bool operator==(const Record&) const = default;
};

enum class Holder : std::uint8_t { nobody, us, another };

/// The XDP program on an interface.
struct Attachment {
  Holder holder = Holder::nobody;
  bool native = false;
  std::string program;  ///< its name and id, for a person
  bool operator==(const Attachment&) const = default;
};

/// What the kernel has.
struct Found {
  std::vector<netlink::Link> links;
  std::vector<netlink::Address> addresses;
  std::map<std::string, int> settings;            ///< of `settings_of_interest`; one that is missing is not there
  std::map<std::string, Attachment> attachments;  ///< by interface
  std::vector<std::string> tunnel_pins;           ///< interfaces for which a link of ours is pinned, attached or not
  bool tunnel_maps = false;                       ///< something of the tunnel program is pinned
  bool client_pins = false;                       ///< something of the client address programs is pinned
  bool clients_attached = false;                  ///< all of them, on the cgroup that is wanted
};

}  // namespace ballast::realserver
