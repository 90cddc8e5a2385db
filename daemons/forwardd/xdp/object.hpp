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

struct Object {
  std::map<std::string, Map> maps;
  Descriptor program;  ///< ballast_xdp
  Descriptor sweep;    ///< ballast_sweep
  std::uint32_t program_id = 0;
  bool adopted = false;  ///< maps of a run before this one are in use
};

/// Makes the folder for pins, private to root, and mounts the BPF file system on /sys/fs/bpf where it is not.
Result<> prepare_pin_dir(const std::filesystem::path& pin_dir);

/// The folder of this layout's pins.
std::filesystem::path layout_dir(const std::filesystem::path& pin_dir);

/// Loads the program over the pinned maps where all of them are there and fit, else over new ones, which it pins.
/// `connections` is the size of a new connection table; an adopted one keeps its own.
Result<Object> load_object(const std::filesystem::path& pin_dir, std::uint32_t connections, const Tell& tell);

/// A program over the same maps but for new, empty ones of connections, which are sized for so many and not pinned yet.
Result<Object> load_resized(const Object& from, std::uint32_t connections);

/// Pins an object's maps of connections in place of those that are pinned there.
Result<> pin_resized(const Object& object, const std::filesystem::path& pin_dir);

/// The constants of a program that is to work on these maps.
Result<Constants> constants_of(const std::map<std::string, Map>& maps);

/// Pins of other layouts, whose links have been taken over by now.
void remove_other_layouts(const std::filesystem::path& pin_dir, const Tell& tell);

/// Detaches every pinned link and removes all pins, of every layout.
Result<> remove_everything(const std::filesystem::path& pin_dir);

}  // namespace ballast::forwardd::xdp
