#pragma once
// BPF objects whose maps and links are pinned, so that they outlive this process.
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/net/ip_address.hpp"
#include "common/result.hpp"

namespace ballast::realserver {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The kernel's word for an errno, negative (as libbpf gives it) or not.
std::string reason(int error);

/// Fails on a kernel that is too old, in words.
Result<> check_kernel();

/// Makes the folder for pins, private to root, and mounts the BPF file system on /sys/fs/bpf where it is not.
Result<> prepare_pin_dir(const std::filesystem::path& pin_dir);

class Object {
 public:
  /// Loads a program image over the maps that are pinned in `folder`, where they fit; else over new ones, pinned there.
  static Result<Object> load(std::span<const char> image, const char* name, const std::filesystem::path& folder);

  /// Descriptors that live as long as the object; of a name that the image has.
  [[nodiscard]] int program(const char* name) const;
  [[nodiscard]] int map(const char* name) const;

 private:
  struct Close {
    void operator()(bpf_object* object) const { bpf_object__close(object); }
  };
  explicit Object(bpf_object* object) : object_{object} {}
  std::unique_ptr<bpf_object, Close> object_;
};

/// A map key's bytes.
using Key = std::string;

/// Makes a map's keys these, all with the value 1: first adds, then removes.
Result<> set_keys(int map, const std::set<Key>& keys);

Key address_key(const net::IpAddress& address);
/// Of a longest prefix match trie (struct prefix_key).
Key prefix_key(const net::Prefix& prefix);

/// The sums over all CPUs of a per-CPU array of 64-bit counters.
std::vector<std::uint64_t> read_counters(int map, std::size_t count);
/// Of a pinned one; zeros where there is none.
std::vector<std::uint64_t> read_pinned_counters(const std::filesystem::path& pin, std::size_t count);

struct LinkInfo {
  std::uint32_t type = 0;
  std::uint32_t program_id = 0;
  std::uint32_t interface = 0;  ///< of an XDP link; 0: the interface is gone
  std::uint64_t cgroup_id = 0;  ///< of a cgroup's
};
/// None where nothing, or no link, is pinned.
std::optional<LinkInfo> link_info(const std::filesystem::path& pin);

/// Puts a program under a pinned link, between two packets.
Result<> update_link(const std::filesystem::path& pin, int program);
Result<> pin_link(const Descriptor& link, const std::filesystem::path& pin);
/// Detaches and unpins. One that is not there is no error.
void remove_link(const std::filesystem::path& pin);
/// All links, then everything else, then the folder.
void remove_pins(const std::filesystem::path& folder);

/// A link's pin begins with this.
constexpr const char* link_prefix = "link_";

/// A program's name and id, for a person.
std::string program_words(std::uint32_t id);
std::uint32_t program_id(int program);

}  // namespace ballast::realserver
