#include "daemons/vrrpd/shell/vmac_keeper.hpp"

#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

constexpr auto mark = "ballast vrrp";

bool is_that(const netlink::Link& link, const config::Vmac& vmac, int base) {
  return link.kind == "macvlan" && link.peer_index == base && !link.peer_elsewhere && link.mac == vmac.mac;
}

}  // namespace

bool VmacKeeper::make(const std::map<std::string, config::Vmac>& wanted) {
  bool changed = false;
  std::erase_if(faults_, [&](const auto& fault) { return !wanted.contains(fault.first); });
  for (const auto& [name, vmac] : wanted) {
    known_.insert(name);
    const auto made = make(vmac);
    if (made) {
      changed = changed || *made;
      faults_.erase(name);
      continue;
    }
    auto& fault = faults_[name];
    if (fault != made.error().message) log::error("{}", made.error().message);
    fault = made.error().message;
  }
  if (!changed) return false;
  if (const auto done = host_.read(); !done) log::error("{}", done.error().message);
  return true;
}

Result<bool> VmacKeeper::make(const config::Vmac& vmac) {
  const auto* base = host_.link(vmac.interface);
  if (base == nullptr) return fail("{} does not exist, on which {} is to stand", vmac.interface, vmac.name);
  const auto* link = host_.link(vmac.name);
  bool there = link != nullptr;
  if (there && !is_that(*link, vmac, base->index)) {
    if (link->alias != mark) {
      return fail("{} exists already and is not the virtual MAC {} on {}: rename it, or give use_vmac another name",
                  vmac.name, vmac.mac, vmac.interface);
    }
    if (auto done = kernel_.remove_link(link->index); !done) return done.error();
    there = false;
  }
  if (!there) {
    if (auto done = create(vmac, base->index); !done) return done.error();
    log::info("{} made on {} with the virtual MAC {}", vmac.name, vmac.interface, vmac.mac);
    return true;
  }
  if (link->alias == mark && link->admin_up) return false;
  const int index = link->index;
  if (auto done = kernel_.make_no_link_local_address(index); !done) return done.error();
  if (auto done = kernel_.mark_link(index, mark); !done) return done.error();
  if (auto done = kernel_.set_link_up(index); !done) return done.error();
  return true;
}

Result<> VmacKeeper::create(const config::Vmac& vmac, int base) {
  if (auto done = kernel_.add_link({vmac.name, base, vmac.mac, vmac.link_group, mark}); !done) return done;
  const auto link = kernel_.link(vmac.name);
  if (!link) return link.error();
  if (auto done = kernel_.make_no_link_local_address(link->index); !done) return done;
  return kernel_.set_link_up(link->index);
}

void VmacKeeper::sweep(const std::map<std::string, config::Vmac>& wanted) {
  bool changed = false;
  for (auto name = known_.begin(); name != known_.end();) {
    if (wanted.contains(*name)) {
      ++name;
      continue;
    }
    const auto* link = host_.link(*name);
    if (link != nullptr && link->alias == mark) {
      if (const auto done = kernel_.remove_link(link->index); !done) log::error("{}", done.error().message);
      changed = true;
    }
    name = known_.erase(name);
  }
  if (!changed) return;
  if (const auto done = host_.read(); !done) log::error("{}", done.error().message);
}

}  // namespace ballast::vrrpd
