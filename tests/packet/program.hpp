#pragma once
// The XDP program over small maps of its own, as the kernel has taken it; nothing is pinned.
#include <memory>

#include "daemons/forwardd/xdp/object.hpp"

struct ballast_xdp;

namespace ballast::packet {

struct Sizes {
  std::uint32_t connections = 4096;
  std::uint32_t services = 16;
  std::uint32_t servers = 64;
  std::uint32_t roles = 8;
  std::uint32_t locals = 64;
  bool operator==(const Sizes&) const = default;
};

class Program {
 public:
  /// One with empty maps. Most of a test's time is the verifier's, so one that was given back is taken before another
  /// is loaded. Throws when the kernel does not take the program.
  static std::unique_ptr<Program> take(const Sizes& sizes);
  /// Empties the maps and keeps the program for the next test with these sizes.
  static void give_back(std::unique_ptr<Program> program);

  explicit Program(const Sizes& sizes);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] const forwardd::xdp::Object& object() const { return object_; }

 private:
  struct Close {
    void operator()(ballast_xdp* skeleton) const;
  };
  [[nodiscard]] bool empty_maps() const;

  Sizes sizes_;
  std::unique_ptr<ballast_xdp, Close> skeleton_;
  forwardd::xdp::Object object_;
};

}  // namespace ballast::packet
