#pragma once
// An mmapable array map in this process's memory: read and written without system calls, while programs do, too. Only
// pages that are touched become resident.
#include <sys/mman.h>

#include <cerrno>
#include <span>
#include <utility>

#include "daemons/forwardd/xdp/bpf_map.hpp"

namespace ballast::forwardd::xdp {

template <class Value>
class MappedArray {
 public:
  MappedArray() = default;
  static Result<MappedArray> of(const Map& map) {
    if (map.info().value_size != sizeof(Value)) {
      return fail("map {} has values of {} bytes, expected {}", map.name(), map.info().value_size, sizeof(Value));
    }
    const std::size_t count = map.info().max_entries;
    void* memory = mmap(nullptr, count * sizeof(Value), PROT_READ | PROT_WRITE, MAP_SHARED, map.fd(), 0);
    if (memory == MAP_FAILED) return fail("cannot map {} into memory: {}", map.name(), reason(errno));
    MappedArray made;
    made.values_ = {static_cast<Value*>(memory), count};
    return made;
  }
  MappedArray(MappedArray&& other) noexcept : values_{std::exchange(other.values_, {})} {}
  MappedArray& operator=(MappedArray&& other) noexcept {
    std::swap(values_, other.values_);
    return *this;
  }
  ~MappedArray() {
    if (!values_.empty()) munmap(values_.data(), values_.size_bytes());
  }

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] Value& operator[](std::size_t index) const { return values_[index]; }

 private:
  std::span<Value> values_;
};

}  // namespace ballast::forwardd::xdp
