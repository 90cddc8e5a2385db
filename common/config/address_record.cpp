#include "common/config/address_record.hpp"

#include "common/config/values.hpp"

namespace ballast::config {
namespace {

void set_preferred(Binder& binder, const Word& word, AddressOptions& options) {
  if (word.text == "forever") {
    options.preferred = forever;
  } else if (const auto value = read<unsigned>(
                 binder, word, [](std::string_view text) { return parse_number(text, 0, forever - 1); })) {
    options.preferred = *value;
  }
}

void set_peer(Binder& binder, const Word& word, VirtualAddress& address) {
  const auto peer = read<net::Prefix>(binder, word, net::Prefix::parse);
  if (!peer) return;
  if (peer->address.family() != address.prefix.address.family()) {
    binder.report().error(word.at, fmt::format("{} and {} are of two families", peer->address, address.prefix.address));
    return;
  }
  address.options.peer = peer->address;
  address.prefix.length = peer->length;
}

bool* flag_of(AddressOptions& options, std::string_view name) {
  if (name == "home") return &options.home;
  if (name == "-nodad") return &options.detect_duplicates;
  if (name == "mngtmpaddr") return &options.temporaries;
  if (name == "noprefixroute") return &options.no_prefix_route;
  if (name == "autojoin") return &options.join;
  return nullptr;
}

void check_family(Binder& binder, const Word& option, const VirtualAddress& address) {
  const bool six = option.text == "home" || option.text == "-nodad" || option.text == "mngtmpaddr";
  if (six && address.prefix.address.is_v4()) {
    binder.report().warning(option.at, fmt::format("'{}' means nothing for an IPv4 address", option.text));
  }
}

}  // namespace

bool set_kernel_option(Binder& binder, Options& options, const Word& option, VirtualAddress& address, AddressUse use) {
  const auto& name = option.text;
  auto& target = address.options;
  if (auto* flag = flag_of(target, name)) {
    *flag = true;
    check_family(binder, option, address);
    return true;
  }
  if (use == AddressUse::moving && (name == "no_track" || name == "use_vmac")) {
    if (name == "no_track")
      target.track = false;
    else
      target.vmac = own_vmac;
    return true;
  }
  const bool group = use == AddressUse::fixed && name == "track_group";
  if (name != "peer" && name != "preferred_lft" && !group) return false;
  const auto* value = options.value_of(option);
  if (value == nullptr) return true;
  if (name == "peer")
    set_peer(binder, *value, address);
  else if (group)
    target.group = value->text;
  else
    set_preferred(binder, *value, target);
  return true;
}

}  // namespace ballast::config
