#pragma once
// The loaded program and its pinned maps: adopted from a forwardd before this one, or made anew.
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "common/bus/messages.hpp"
#include "daemons/forwardd/xdp/bpf_map.hpp"
#include "daemons/forwardd/xdp/program.hpp"

namespace ballast::forwardd::xdp {

/// Tells the bus and the log of something that a person should know.
using Tell = std::function<void(bus::Event)>;

bus::Event engine_event(std::string severity, std::string subject, std::string message);

/// For how many the maps have room.
struct Sizes {
  std::uint32_t connections = 0;
  std::uint32_t services = 0;  ///< index 0 included, which is none
  std::uint32_t servers = 0;   ///< as above
  bool operator==(const Sizes&) const = default;
};
/// Room for so many services and servers, and for as many more; for a few thousand at least.
Sizes sizes_for(std::uint32_t connections, std::size_t services, std::size_t servers);

struct Object {
  std::map<std::string, Map> maps;
  Descriptor program;  ///< ballast_xdp
  Descriptor sweep;    ///< ballast_sweep
  std::uint32_t program_id = 0;
  bool adopted = false;  ///< maps of a run before this one are in use
  [[nodiscard]] Sizes sizes() const;
};

/// Makes the folder for pins, private to root, and mounts the BPF file system on /sys/fs/bpf where it is not.
Result<> prepare_pin_dir(const std::filesystem::path& pin_dir);

/// The folder of this layout's pins.
std::filesystem::path layout_dir(const std::filesystem::path& pin_dir);

/// Loads the program over the pinned maps where all of them are there and fit, else over new ones, which it pins.
/// `sizes` are those of new maps; adopted ones keep theirs.
Result<Object> load_object(const std::filesystem::path& pin_dir, const Sizes& sizes, const Tell& tell);

/// A program over the same maps but for those of which the size is another: they are new, empty and not pinned yet.
Result<Object> load_resized(const Object& from, const Sizes& sizes);

/// Pins the maps whose size is another than before in place of those that are pinned there.
Result<> pin_resized(const Object& object, const Sizes& before, const std::filesystem::path& pin_dir);

/// The constants of a program that is to work on these maps.
Result<Constants> constants_of(const std::map<std::string, Map>& maps);

/// Pins of other layouts, whose links have been taken over by now.
void remove_other_layouts(const std::filesystem::path& pin_dir, const Tell& tell);

/// Detaches every pinned link and removes all pins, of every layout.
Result<> remove_everything(const std::filesystem::path& pin_dir);

}  // namespace ballast::forwardd::xdp
