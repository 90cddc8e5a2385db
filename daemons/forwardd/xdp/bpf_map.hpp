#pragma once
// BPF maps as values of C++: file descriptors that close themselves, errors in words.
#include <linux/bpf.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/result.hpp"

namespace ballast::forwardd::xdp {

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

/// One map. Values are copied bytes; the sizes are compared with the map's before each access.
class Map {
 public:
  Map() = default;
  /// Takes the descriptor over and reads what the kernel says of it.
  static Result<Map> from(Descriptor fd, std::string name);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const bpf_map_info& info() const { return info_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  template <class Key, class Value>
  Result<> put(const Key& key, const Value& value) const {
    if (info_.key_size != sizeof(Key) || info_.value_size != sizeof(Value)) return wrong_size();
    return put_bytes(&key, &value);
  }
  template <class Value>
  Result<Value> get(std::uint32_t key) const {
    if (info_.key_size != sizeof key || info_.value_size != sizeof(Value)) return wrong_size();
    Value value{};
    if (auto read = get_bytes(&key, &value); !read) return read.error();
    return value;
  }
  /// Of a per-CPU map: one value for each possible CPU.
  template <class Value>
  Result<std::vector<Value>> get_per_cpu(std::uint32_t key) const {
    static_assert(sizeof(Value) % 8 == 0, "the kernel pads per-CPU values to 8 bytes");
    if (info_.key_size != sizeof key || info_.value_size != sizeof(Value)) return wrong_size();
    std::vector<Value> values(possible_cpus());
    if (auto read = get_bytes(&key, values.data()); !read) return read.error();
    return values;
  }
  template <class Value>
  Result<> put_per_cpu(std::uint32_t key, const Value& value) const {
    if (info_.key_size != sizeof key || info_.value_size != sizeof(Value)) return wrong_size();
    const std::vector<Value> values(possible_cpus(), value);
    return put_bytes(&key, values.data());
  }
  /// A key that is not there is no error.
  template <class Key>
  Result<> drop(const Key& key) const {
    if (info_.key_size != sizeof(Key)) return wrong_size();
    return drop_bytes(&key);
  }

  /// Calls `take(key bytes, value bytes)` for every entry, in batches, until it answers false.
  template <class Take>
  Result<> for_each(Take take) const {
    std::vector<std::uint8_t> keys;
    std::vector<std::uint8_t> values;
    Cursor cursor;
    while (!cursor.done) {
      auto count = next_batch(cursor, keys, values);
      if (!count) return count.error();
      for (std::size_t i = 0; i < *count; ++i) {
        if (!take(keys.data() + i * info_.key_size, values.data() + i * info_.value_size)) return {};
      }
    }
    return {};
  }

  static unsigned possible_cpus();

  /// As the system call has it: the key and the value are as long as the map's.
  Result<> put_bytes(const void* key, const void* value) const;
  Result<> get_bytes(const void* key, void* value) const;

 private:
  struct Cursor {
    std::vector<std::uint8_t> position;
    bool started = false;
    bool done = false;
  };
  [[nodiscard]] Error wrong_size() const;
  Result<> drop_bytes(const void* key) const;
  Result<std::size_t> next_batch(Cursor& cursor, std::vector<std::uint8_t>& keys,
                                 std::vector<std::uint8_t>& values) const;

  Descriptor fd_;
  bpf_map_info info_{};
  std::string name_;
};

/// The kernel's word for an errno, as libbpf gives it (negative or not).
std::string reason(int error);

}  // namespace ballast::forwardd::xdp
