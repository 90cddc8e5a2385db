#include "daemons/forwardd/xdp/attach.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace ballast::forwardd::xdp {
namespace fs = std::filesystem;
namespace {

/// The XDP program on an interface: its id and how it is attached.
struct Present {
  std::uint32_t id = 0;
  bool native = false;
};

Result<Present> query(const Interface& interface) {
  LIBBPF_OPTS(bpf_xdp_query_opts, options);
  if (const int error = bpf_xdp_query(interface.index, 0, &options); error != 0) {
    return fail("interface {}: cannot ask for its XDP program: {}", interface.name, reason(error));
  }
  if (options.drv_prog_id != 0) return Present{options.drv_prog_id, true};
  if (options.hw_prog_id != 0) return Present{options.hw_prog_id, true};
  return Present{options.skb_prog_id != 0 ? options.skb_prog_id : options.prog_id, false};
}

std::string name_of_program(std::uint32_t id) {
  const Descriptor program{bpf_prog_get_fd_by_id(id)};
  bpf_prog_info info{};
  std::uint32_t length = sizeof info;
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return fmt::format("id {}", id);
  return fmt::format("'{}' (id {})", std::string{info.name, strnlen(info.name, sizeof info.name)}, id);
}

Error foreign(const Interface& interface, std::uint32_t id) {
  return fail(
      "interface {}: another XDP program is attached, {}; detach it (ip link set {} xdp off) or leave the interface "
      "out of lb_interfaces",
      interface.name, name_of_program(id), interface.name);
}

bool agrees(config::XdpMode mode, bool native) {
  return mode == config::XdpMode::automatic || native == (mode == config::XdpMode::native);
}

}  // namespace

std::string link_pin_name(const std::string& interface) {
  std::string name = "link_" + interface;
  std::ranges::replace(name, '.', '+');
  return name;
}

Attachments::Attachments(fs::path pin_dir, Tell tell) : pin_dir_{std::move(pin_dir)}, tell_{std::move(tell)} {}

std::vector<Error> Attachments::reconcile(const Object& object, const std::vector<Interface>& wanted,
                                          config::XdpMode mode) {
  std::vector<Error> errors;
  std::set<std::string> pins;
  for (const auto& interface : wanted) {
    pins.insert(link_pin_name(interface.name));
    if (auto done = ensure(object, interface, mode); !done) errors.push_back(done.error());
  }
  std::error_code ignored;
  std::vector<std::string> surplus;
  for (const auto& entry : fs::directory_iterator{layout_dir(pin_dir_), ignored}) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("link_") && !pins.contains(name)) surplus.push_back(name);
  }
  for (const auto& name : surplus) detach(name);
  std::erase_if(attached_, [&](const auto& entry) { return !pins.contains(link_pin_name(entry.first)); });
  return errors;
}

std::vector<fs::path> Attachments::pins_of(const std::string& interface) const {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{pin_dir_, ignored}) {
    const auto pin = entry.path() / link_pin_name(interface);
    if (entry.path().filename().string().starts_with('v') && fs::exists(pin, ignored)) found.push_back(pin);
  }
  return found;
}

Result<> Attachments::ensure(const Object& object, const Interface& interface, config::XdpMode mode) {
  const auto known = attached_.find(interface.name);
  if (known != attached_.end() && known->second.index == interface.index && agrees(mode, known->second.native)) {
    const auto present = query(interface);
    if (!present) return present.error();
    if (present->id == object.program_id) return {};
  }
  attached_.erase(interface.name);
  for (const auto& pin : pins_of(interface.name)) {
    auto adopted = adopt(object, interface, mode, pin);
    if (!adopted) return adopted.error();
    if (*adopted) return {};
  }
  return attach(object, interface, mode);
}

Result<bool> Attachments::adopt(const Object& object, const Interface& interface, config::XdpMode mode,
                                const fs::path& pin) {
  std::error_code ignored;
  Descriptor link{bpf_obj_get(pin.c_str())};
  bpf_link_info info{};
  std::uint32_t length = sizeof info;
  const bool alive = link && bpf_obj_get_info_by_fd(link.get(), &info, &length) == 0 &&
                     info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == static_cast<std::uint32_t>(interface.index);
  const auto present = alive ? query(interface) : Result<Present>{Present{}};
  if (!present) return present.error();
  if (!alive || !agrees(mode, present->native)) {
    // Of an interface that is gone, or in the other mode, which a link cannot change.
    if (link) bpf_link_detach(link.get());
    fs::remove(pin, ignored);
    return false;
  }
  if (present->id != object.program_id) {
    if (const int error = bpf_link_update(link.get(), object.program.get(), nullptr); error != 0) {
      return fail("interface {}: cannot swap the XDP program under its link: {}", interface.name, reason(error));
    }
  }
  const auto here = layout_dir(pin_dir_) / link_pin_name(interface.name);
  if (pin != here) {
    if (bpf_obj_pin(link.get(), here.c_str()) != 0) return fail("cannot pin {}: {}", here.string(), reason(errno));
    fs::remove(pin, ignored);
  }
  attached_[interface.name] = Attached{interface.index, present->native, object.program_id, std::move(link)};
  return true;
}

Result<> Attachments::attach(const Object& object, const Interface& interface, config::XdpMode mode) {
  const auto present = query(interface);
  if (!present) return present.error();
  if (present->id != 0) return foreign(interface, present->id);
  int native_error = 0;
  if (mode != config::XdpMode::generic) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    const int fd = bpf_link_create(object.program.get(), interface.index, BPF_XDP, &options);
    if (fd >= 0) return keep(object, interface, Descriptor{fd}, true);
    native_error = fd;
    if (mode == config::XdpMode::native) {
      return fail("interface {}: its driver does not take the XDP program natively ({}); set xdp_mode auto or generic",
                  interface.name, reason(native_error));
    }
  }
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
  const int fd = bpf_link_create(object.program.get(), interface.index, BPF_XDP, &options);
  if (fd < 0) return fail("interface {}: cannot attach the XDP program: {}", interface.name, reason(fd));
  if (native_error != 0) {
    tell_(engine_event(
        "warning", interface.name,
        fmt::format("{}: the driver does not take XDP natively ({}); attached in generic mode, which is slower",
                    interface.name, reason(native_error))));
  }
  return keep(object, interface, Descriptor{fd}, false);
}

Result<> Attachments::keep(const Object& object, const Interface& interface, Descriptor link, bool native) {
  const auto pin = layout_dir(pin_dir_) / link_pin_name(interface.name);
  if (const int error = bpf_obj_pin(link.get(), pin.c_str()); error != 0) {
    return fail("interface {}: cannot pin its link at {}: {}", interface.name, pin.string(), reason(error));
  }
  tell_(engine_event("info", interface.name,
                     fmt::format("{}: XDP program attached ({})", interface.name, native ? "native" : "generic")));
  attached_[interface.name] = Attached{interface.index, native, object.program_id, std::move(link)};
  return {};
}

void Attachments::detach(const std::string& pin_name) {
  const auto pin = layout_dir(pin_dir_) / pin_name;
  const Descriptor link{bpf_obj_get(pin.c_str())};
  if (link) bpf_link_detach(link.get());
  std::error_code ignored;
  fs::remove(pin, ignored);
  const auto interface = pin_name.substr(std::string_view{"link_"}.size());
  tell_(
      engine_event("info", interface, fmt::format("{}: XDP program detached, nothing is forwarded there", interface)));
}

}  // namespace ballast::forwardd::xdp
