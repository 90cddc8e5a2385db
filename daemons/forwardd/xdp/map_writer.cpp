#include "daemons/forwardd/xdp/map_writer.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>

#include <cstring>
#include <numeric>

namespace ballast::forwardd::xdp {
namespace {

/// An inner map with these slots, of any number (BPF_F_INNER_MAP, as maps.h has it), filled before the program can see
/// it.
Result<Descriptor> make_inner(const std::vector<std::uint32_t>& slots) {
  const auto count = static_cast<std::uint32_t>(slots.size());
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
  Descriptor inner{bpf_map_create(BPF_MAP_TYPE_ARRAY, "ballast_table", sizeof(std::uint32_t), sizeof(std::uint32_t),
                                  count, &options)};
  if (!inner) return fail("cannot make a scheduler's table of {} slots: {}", count, reason(inner.get()));
  std::vector<std::uint32_t> keys(slots.size());
  std::iota(keys.begin(), keys.end(), 0U);
  std::uint32_t written = count;
  if (const int error = bpf_map_update_batch(inner.get(), keys.data(), slots.data(), &written, nullptr); error != 0) {
    return fail("cannot fill a scheduler's table: {}", reason(error));
  }
  return inner;
}

struct Write {
  const Object& object;
  LoadTable& load;

  [[nodiscard]] const Map& map(const char* name) const { return object.maps.at(name); }

  Result<> operator()(const PutServer& put) const {
    if (put.fresh) {
      load.reset(put.index);
      if (auto done = map("server_stats").put_per_cpu(put.index, layout::server_stats{}); !done) return done;
      if (auto done = map("failed_clients").put(put.index, std::uint64_t{0}); !done) return done;
    }
    if (auto done = map("server_extras").put(put.index, put.extra); !done) return done;
    return map("servers").put(put.index, put.value);
  }
  Result<> operator()(const PutService& put) const { return map("services").put(put.index, put.value); }
  Result<> operator()(const PutTable& put) const {
    if (put.known) return {};
    if (put.slots.empty()) return map("tables").drop(put.service);
    const auto inner = make_inner(put.slots);
    if (!inner) return inner.error();
    return map("tables").put(put.service, static_cast<std::uint32_t>(inner->get()));
  }
  Result<> operator()(const PutRole& put) const { return map("roles").put(put.index, put.value); }
  Result<> operator()(const PutLocal& put) const { return map("locals").put(put.index, put.value); }
  Result<> operator()(const PutFilters& put) const { return map("filters").put(std::uint32_t{0}, *put.value); }
  Result<> operator()(const PutKey& put) const { return map("service_index").put(put.key, put.service); }
  Result<> operator()(const DropKey& drop) const { return map("service_index").drop(drop.key); }
};

/// An array's values up to the last that `is_used` says yes to.
template <class Value, class IsUsed>
Result<std::vector<Value>> read_array(const Map& map, IsUsed is_used) {
  if (map.info().key_size != 4 || map.info().value_size != sizeof(Value)) {
    return fail("map {} has another shape than forwardd was built for", map.name());
  }
  std::vector<Value> values;
  auto done = map.for_each([&](const std::uint8_t* key, const std::uint8_t* bytes) {
    std::uint32_t index = 0;
    Value value{};
    std::memcpy(&index, key, sizeof index);
    std::memcpy(&value, bytes, sizeof value);
    if (!is_used(value)) return true;
    if (values.size() <= index) values.resize(index + 1);
    values[index] = value;
    return true;
  });
  if (!done) return done.error();
  return values;
}

Result<Keys> read_keys(const Map& map) {
  if (map.info().key_size != sizeof(layout::service_key) || map.info().value_size != 4) {
    return fail("map {} has another shape than forwardd was built for", map.name());
  }
  Keys keys;
  auto done = map.for_each([&](const std::uint8_t* key_bytes, const std::uint8_t* value_bytes) {
    layout::service_key key{};
    std::uint32_t index = 0;
    std::memcpy(&key, key_bytes, sizeof key);
    std::memcpy(&index, value_bytes, sizeof index);
    keys[key] = index;
    return true;
  });
  if (!done) return done.error();
  return keys;
}

/// 0 where the table cannot be read: that takes CAP_SYS_ADMIN, which a sandboxed forwardd has not.
std::uint64_t read_table_digest(const Map& tables, std::uint32_t service) {
  const auto id = tables.get<std::uint32_t>(service);
  if (!id) return 0;
  Descriptor fd{bpf_map_get_fd_by_id(*id)};
  if (!fd) return 0;
  const auto inner = Map::from(std::move(fd), "table");
  if (!inner) return 0;
  const auto slots = read_array<std::uint32_t>(*inner, [](std::uint32_t) { return true; });
  return slots ? digest_of(*slots) : 0;
}

}  // namespace

Result<> write_change(const Object& object, LoadTable& load, const Change& change) {
  return std::visit(Write{object, load}, change);
}

Result<> write_tables(const Object& object, std::span<const Change> tables) {
  constexpr std::size_t at_once = 256;  // each costs a descriptor meanwhile
  const auto& map = object.maps.at("tables");
  std::vector<Descriptor> inner;
  std::vector<std::uint32_t> keys;
  std::vector<std::uint32_t> values;
  const auto write = [&]() -> Result<> {
    auto count = static_cast<std::uint32_t>(keys.size());
    if (count == 0) return {};
    const int error = bpf_map_update_batch(map.fd(), keys.data(), values.data(), &count, nullptr);
    if (error != 0) return fail("cannot write into map {}: {}", map.name(), reason(error));
    inner.clear();
    keys.clear();
    values.clear();
    return {};
  };
  for (const auto& change : tables) {
    const auto& table = std::get<PutTable>(change);
    if (table.known) continue;
    if (table.slots.empty()) {
      if (auto dropped = map.drop(table.service); !dropped) return dropped;
      continue;
    }
    auto made = make_inner(table.slots);
    if (!made) return made.error();
    keys.push_back(table.service);
    values.push_back(static_cast<std::uint32_t>(made->get()));
    inner.push_back(std::move(*made));
    if (keys.size() < at_once) continue;
    if (auto written = write(); !written) return written;
  }
  return write();
}

Result<> write_mirror(const Object& object, const Mirror& mirror) {
  const auto put_all = [&](const char* name, const auto& values) -> Result<> {
    for (std::uint32_t index = 1; index < values.size(); ++index) {
      if (auto done = object.maps.at(name).put(index, values[index]); !done) return done;
    }
    return {};
  };
  if (auto done = put_all("services", mirror.services); !done) return done;
  if (auto done = put_all("server_extras", mirror.extras); !done) return done;
  if (auto done = put_all("servers", mirror.servers); !done) return done;
  for (const auto& [key, service] : mirror.keys) {
    if (auto done = object.maps.at("service_index").put(key, service); !done) return done;
  }
  return {};
}

Result<> copy_counts(const Object& from, const Object& to, const Mirror& mirror) {
  const auto copy = [&](const char* name, std::uint32_t index, auto value) -> Result<> {
    if (auto read = from.maps.at(name).get_bytes(&index, value.data()); !read) return read;
    return to.maps.at(name).put_bytes(&index, value.data());
  };
  const auto room = from.maps.at("servers").info().max_entries;
  const std::vector<layout::server_stats> stats(Map::possible_cpus());
  for (std::uint32_t index = 1; index < std::min<std::size_t>(room, mirror.servers.size()); ++index) {
    // One whose place another took meanwhile began at 0.
    const auto before = from.maps.at("servers").get<layout::server>(index);
    if (!before || before->generation != mirror.servers[index].generation) continue;
    if (auto done = copy("server_load", index, std::vector<layout::server_load>(1)); !done) return done;
    if (auto done = copy("failed_clients", index, std::vector<std::uint64_t>(1)); !done) return done;
    if (auto done = copy("server_stats", index, stats); !done) return done;
  }
  return {};
}

Result<Mirror> read_mirror(const Object& object) {
  Mirror mirror;
  const auto& maps = object.maps;
  mirror.limits = {maps.at("services").info().max_entries, maps.at("servers").info().max_entries,
                   maps.at("roles").info().max_entries, maps.at("locals").info().max_entries};
  auto keys = read_keys(maps.at("service_index"));
  auto services = read_array<layout::service>(maps.at("services"), [](const auto& value) { return value.used != 0; });
  auto servers =
      read_array<layout::server>(maps.at("servers"), [](const auto& value) { return value.generation != 0; });
  auto extras = read_array<layout::server_extra>(
      maps.at("server_extras"), [](const auto& value) { return !same_bytes(value, layout::server_extra{}); });
  auto roles = read_array<std::uint32_t>(maps.at("roles"), [](std::uint32_t value) { return value != 0; });
  auto locals = read_array<layout::local>(maps.at("locals"), [](const auto& value) { return value.generation != 0; });
  auto filters = maps.at("filters").get<layout::filters>(0);
  if (!keys) return keys.error();
  if (!services) return services.error();
  if (!servers) return servers.error();
  if (!extras) return extras.error();
  if (!roles) return roles.error();
  if (!locals) return locals.error();
  if (!filters) return filters.error();
  mirror.keys = std::move(*keys);
  mirror.services = std::move(*services);
  mirror.servers = std::move(*servers);
  mirror.extras = std::move(*extras);
  mirror.roles = std::move(*roles);
  mirror.locals = std::move(*locals);
  mirror.filters = *filters;
  mirror.tables.resize(mirror.services.size());
  for (std::uint32_t index = 1; index < mirror.services.size(); ++index) {
    if (mirror.services[index].used != 0) mirror.tables[index].slots = read_table_digest(maps.at("tables"), index);
  }
  return mirror;
}

Result<> write_uppers(const Object& object, const std::map<std::uint32_t, Exit>& wanted) {
  const auto& map = object.maps.at("uppers");
  std::vector<std::uint32_t> gone;
  auto read = map.for_each([&](const std::uint8_t* key, const std::uint8_t*) {
    std::uint32_t index = 0;
    std::memcpy(&index, key, sizeof index);
    if (!wanted.contains(index)) gone.push_back(index);
    return true;
  });
  if (!read) return read.error();
  for (const auto index : gone) {
    if (auto dropped = map.drop(index); !dropped) return dropped.error();
  }
  for (const auto& [index, exit] : wanted) {
    const layout::upper value{.ifindex = exit.ifindex, .vlan = {htons(exit.vlan[0]), htons(exit.vlan[1])}};
    if (auto put = map.put(index, value); !put) return put.error();
  }
  return {};
}

Result<> bump_route_generation(const Object& object) {
  const auto& map = object.maps.at("settings");
  auto settings = map.get<layout::settings>(0);
  if (!settings) return settings.error();
  ++settings->route_generation;
  return map.put(std::uint32_t{0}, *settings);
}

}  // namespace ballast::forwardd::xdp
