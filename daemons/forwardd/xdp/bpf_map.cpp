#include "daemons/forwardd/xdp/bpf_map.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace ballast::forwardd::xdp {
namespace {
constexpr std::uint32_t batch_entries = 1024;
}

std::string reason(int error) { return std::generic_category().message(std::abs(error)); }

Result<Map> Map::from(Descriptor fd, std::string name) {
  Map map;
  map.fd_ = std::move(fd);
  map.name_ = std::move(name);
  std::uint32_t length = sizeof map.info_;
  if (const int error = bpf_obj_get_info_by_fd(map.fd_.get(), &map.info_, &length); error != 0) {
    return fail("cannot read about map {}: {}", map.name_, reason(error));
  }
  return map;
}

unsigned Map::possible_cpus() {
  static const int count = libbpf_num_possible_cpus();
  return static_cast<unsigned>(std::max(count, 1));
}

Error Map::wrong_size() const {
  return fail("map {} has keys of {} and values of {} bytes, which is not what forwardd was built for: {}", name_,
              info_.key_size, info_.value_size, "start the forwardd that belongs to it, or unload the engine");
}

Result<> Map::put_bytes(const void* key, const void* value) const {
  if (const int error = bpf_map_update_elem(fd(), key, value, BPF_ANY); error != 0) {
    return fail("cannot write into map {}: {}", name_, reason(error));
  }
  return {};
}

Result<> Map::get_bytes(const void* key, void* value) const {
  if (const int error = bpf_map_lookup_elem(fd(), key, value); error != 0) {
    return fail("cannot read from map {}: {}", name_, reason(error));
  }
  return {};
}

Result<> Map::drop_bytes(const void* key) const {
  const int error = bpf_map_delete_elem(fd(), key);
  if (error != 0 && error != -ENOENT) return fail("cannot delete from map {}: {}", name_, reason(error));
  return {};
}

Result<std::size_t> Map::next_batch(Cursor& cursor, std::vector<std::uint8_t>& keys,
                                    std::vector<std::uint8_t>& values) const {
  // A hash bucket is handed out whole or not at all, so a very full one asks for more room.
  for (std::uint32_t room = batch_entries; room <= 64 * batch_entries; room *= 4) {
    keys.resize(std::size_t{room} * info_.key_size);
    values.resize(std::size_t{room} * info_.value_size);
    cursor.position.resize(std::max<std::size_t>(info_.key_size, 8));
    std::vector<std::uint8_t> next(cursor.position.size());
    std::uint32_t count = room;
    const int error = bpf_map_lookup_batch(fd(), cursor.started ? cursor.position.data() : nullptr, next.data(),
                                           keys.data(), values.data(), &count, nullptr);
    if (error == -ENOSPC) continue;
    if (error != 0 && error != -ENOENT) return fail("cannot read map {}: {}", name_, reason(error));
    cursor.done = error == -ENOENT;
    cursor.position = std::move(next);
    cursor.started = true;
    return std::size_t{count};
  }
  return fail("cannot read map {}: one of its buckets is too full", name_);
}

}  // namespace ballast::forwardd::xdp
