#include "tools/realserver/tunnel.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <realserver_tunnel.skel.h>

#include <algorithm>
#include <cerrno>

#include "tools/realserver/bpf.hpp"
#include "tools/realserver/layout.hpp"

namespace ballast::realserver {
namespace fs = std::filesystem;
namespace {

fs::path folder_of(const fs::path& pin_dir) { return pin_dir / "tunnel"; }

/// The BPF file system allows no dots.
std::string pin_name(const std::string& interface) {
  std::string name = link_prefix;
  for (const char c : interface) {
    if (c == '.' || c == '+') {
      name += c == '.' ? "+d" : "+p";
    } else {
      name += c;
    }
  }
  return name;
}

std::string interface_of(std::string_view pin) {
  pin.remove_prefix(std::string_view{link_prefix}.size());
  std::string name;
  for (std::size_t i = 0; i < pin.size(); ++i) {
    if (pin[i] == '+' && i + 1 < pin.size()) {
      name += pin[++i] == 'd' ? '.' : '+';
    } else {
      name += pin[i];
    }
  }
  return name;
}

struct Present {
  std::uint32_t id = 0;
  bool native = false;
};

Result<Present> query(const netlink::Link& link) {
  LIBBPF_OPTS(bpf_xdp_query_opts, options);
  if (const int error = bpf_xdp_query(link.index, 0, &options); error != 0) {
    return fail("interface {}: cannot ask for its XDP program: {}", link.name, reason(error));
  }
  if (options.drv_prog_id != 0) return Present{options.drv_prog_id, true};
  if (options.hw_prog_id != 0) return Present{options.hw_prog_id, true};
  return Present{options.skb_prog_id != 0 ? options.skb_prog_id : options.prog_id, false};
}

/// Whether the pinned link is what the interface has.
bool is_attached(const fs::path& pin, const netlink::Link& link, const Present& present) {
  const auto info = link_info(pin);
  return info && info->type == BPF_LINK_TYPE_XDP && info->interface == static_cast<std::uint32_t>(link.index) &&
         info->program_id == present.id;
}

Result<> attach(int program, const netlink::Link& link, const fs::path& pin,
                const std::function<void(std::string)>& warn) {
  LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
  const Descriptor made{bpf_link_create(program, link.index, BPF_XDP, &native)};
  if (made) return pin_link(made, pin);
  const int why = errno;
  LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
  const Descriptor slower{bpf_link_create(program, link.index, BPF_XDP, &generic)};
  if (!slower) return fail("interface {}: cannot attach the XDP program: {}", link.name, reason(errno));
  warn(
      fmt::format("interface {}: the driver does not take XDP natively ({}); attached in generic mode, which is slower",
                  link.name, reason(why)));
  return pin_link(slower, pin);
}

Result<> ensure(int program, const netlink::Link& link, const fs::path& pin,
                const std::function<void(std::string)>& warn) {
  const auto present = query(link);
  if (!present) return present.error();
  if (present->id != 0 && is_attached(pin, link, *present)) return update_link(pin, program);
  if (present->id != 0) {
    return fail("interface {}: another XDP program is attached, {}", link.name, program_words(present->id));
  }
  remove_link(pin);  // of an interface of that name that is gone
  return attach(program, link, pin, warn);
}

std::set<Key> mac_keys(const std::vector<netlink::Link>& links) {
  std::set<Key> keys;
  for (const auto& link : links) {
    Key key(sizeof(layout::mac_key), '\0');
    std::ranges::copy(link.mac.bytes, key.begin());
    keys.insert(std::move(key));
  }
  return keys;
}

Result<> fill(const Object& object, const Wanted& wanted, const std::vector<netlink::Link>& links) {
  std::set<Key> vips;
  std::set<Key> sources;
  for (const auto& vip : wanted.vips) vips.insert(address_key(vip));
  for (const auto& prefix : wanted.trust) sources.insert(prefix_key(prefix));
  if (auto done = set_keys(object.map("tunnel_macs"), mac_keys(links)); !done) return done;
  if (auto done = set_keys(object.map("tunnel_sources"), sources); !done) return done;
  const std::uint32_t zero = 0;
  const layout::tunnel_settings settings{
      .gue_port = htons(wanted.gue_port), .trusted_only = !wanted.trust.empty(), .pad = {}};
  if (const int error = bpf_map_update_elem(object.map("tunnel_settings"), &zero, &settings, BPF_ANY); error != 0) {
    return fail("cannot write the tunnel program's settings: {}", reason(error));
  }
  return set_keys(object.map("tunnel_vips"), vips);
}

}  // namespace

std::span<const char> tunnel_image() {
  std::size_t size = 0;
  const void* bytes = realserver_tunnel__elf_bytes(&size);
  return {static_cast<const char*>(bytes), size};
}

Result<> unwrap_tunnels(const fs::path& pin_dir, const Wanted& wanted, const std::vector<netlink::Link>& links,
                        const std::function<void(std::string)>& warn) {
  std::vector<netlink::Link> chosen;
  for (const auto& name : wanted.interfaces) {
    const auto link = std::ranges::find(links, name, &netlink::Link::name);
    if (link == links.end()) return fail("there is no interface {}", name);
    chosen.push_back(*link);
  }
  const auto object = Object::load(tunnel_image(), "realserver_tunnel", folder_of(pin_dir));
  if (!object) return object.error();
  if (auto filled = fill(*object, wanted, chosen); !filled) return filled;
  for (const auto& link : chosen) {
    const auto pin = folder_of(pin_dir) / pin_name(link.name);
    if (auto done = ensure(object->program("ballast_tunnel"), link, pin, warn); !done) return done;
  }
  return {};
}

void stop_unwrapping(const fs::path& pin_dir, const std::vector<std::string>& interfaces, bool entirely) {
  for (const auto& interface : interfaces) remove_link(folder_of(pin_dir) / pin_name(interface));
  if (entirely) remove_pins(folder_of(pin_dir));
}

Result<> find_tunnels(const fs::path& pin_dir, const std::vector<std::string>& interfaces, Found& found) {
  std::error_code ignored;
  found.tunnel_maps = fs::exists(folder_of(pin_dir), ignored);
  for (const auto& entry : fs::directory_iterator{folder_of(pin_dir), ignored}) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(link_prefix)) found.tunnel_pins.push_back(interface_of(name));
  }
  for (const auto& name : interfaces) {
    const auto link = std::ranges::find(found.links, name, &netlink::Link::name);
    if (link == found.links.end()) continue;
    const auto present = query(*link);
    if (!present) return present.error();
    Attachment attachment;
    attachment.native = present->native;
    if (present->id != 0) {
      const bool ours = is_attached(folder_of(pin_dir) / pin_name(name), *link, *present);
      attachment.holder = ours ? Holder::us : Holder::another;
      attachment.program = program_words(present->id);
    }
    found.attachments[name] = attachment;
  }
  return {};
}

void count_tunnels(const fs::path& pin_dir, Counters& counters) {
  const auto unwrapped = read_pinned_counters(folder_of(pin_dir) / "tunnel_packets", layout::KIND_COUNT);
  const auto dropped = read_pinned_counters(folder_of(pin_dir) / "tunnel_drops", layout::TUNNEL_DROP_COUNT);
#define X(id, words) counters.unwrapped.push_back({#id, words, unwrapped[layout::KIND_##id]});
  TUNNEL_KINDS(X)
#undef X
#define X(id, words) counters.dropped.push_back({#id, words, dropped[layout::TUNNEL_DROP_##id]});
  TUNNEL_DROPS(X)
#undef X
}

}  // namespace ballast::realserver
