#pragma once
// As draft.hpp, of what is programmed into the kernel.
#include <optional>
#include <string>
#include <vector>

#include "common/config/model_kernel.hpp"
#include "common/config/source.hpp"

namespace ballast::config {

/// use_vmac of an instance.
struct VmacDraft {
  std::string name;
  std::vector<std::uint8_t> mac;  ///< none, five bytes (the VRID is the sixth) or six
  std::optional<std::uint32_t> link_group;
};

struct RouteDraft {
  Route route;
  Position at;
};

struct RuleDraft {
  Rule rule;
  Position at;
  bool has_preference = false;
};

struct KernelDraft {
  std::optional<At<VmacDraft>> vmac;
  bool vmac_for_addresses = false;  ///< use_vmac_addr
  std::optional<Position> transmit_from_base;
  bool track_primary = true;
  bool track_source = false;
  bool promote_secondaries = false;
  std::vector<RouteDraft> routes;
  std::vector<RuleDraft> rules;
};

struct TrackGroupDraft {
  At<std::string> name;
  std::vector<At<std::string>> members;
};

struct KernelGlobalDraft {
  std::string default_interface = "eth0";
  std::vector<RouteDraft> static_routes;
  std::vector<RuleDraft> static_rules;
  std::vector<TrackGroupDraft> track_groups;
};

}  // namespace ballast::config
