#pragma once
#include <map>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "daemons/forwardd/xdp/object.hpp"

namespace ballast::forwardd::xdp {

struct Interface {
  std::string name;
  int index = 0;
};

struct Attached {
  int index = 0;
  bool native = false;
  std::uint32_t program_id = 0;
  Descriptor link;
};

/// The program on its interfaces, each by a pinned bpf_link that outlives forwardd.
class Attachments {
 public:
  Attachments(std::filesystem::path pin_dir, Tell tell);

  /// Attaches where it is wanted and detaches where it is not. A pinned link is adopted: its program is swapped for
  /// ours between two packets. Another's XDP program is never thrown off: that is an error that names it.
  std::vector<Error> reconcile(const Object& object, const std::vector<Interface>& wanted, config::XdpMode mode);

  [[nodiscard]] const std::map<std::string, Attached>& attached() const { return attached_; }

 private:
  Result<> ensure(const Object& object, const Interface& interface, config::XdpMode mode);
  Result<bool> adopt(const Object& object, const Interface& interface, config::XdpMode mode,
                     const std::filesystem::path& pin);
  Result<> attach(const Object& object, const Interface& interface, config::XdpMode mode);
  Result<> keep(const Object& object, const Interface& interface, Descriptor link, bool native);
  void detach(const std::string& pin_name);
  [[nodiscard]] std::vector<std::filesystem::path> pins_of(const std::string& interface) const;

  std::filesystem::path pin_dir_;
  Tell tell_;
  std::map<std::string, Attached> attached_;
};

/// The name of an interface's pin: the BPF file system allows no dots.
std::string link_pin_name(const std::string& interface);

}  // namespace ballast::forwardd::xdp
