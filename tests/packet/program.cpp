#include "tests/packet/program.hpp"

#include <ballast_xdp.skel.h>
#include <bpf/bpf.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <stdexcept>

#include "daemons/forwardd/xdp/flow_table.hpp"
#include "daemons/forwardd/xdp/program.hpp"

namespace ballast::packet {
namespace xdp = forwardd::xdp;
namespace {

std::vector<std::unique_ptr<Program>>& given_back() {
  static std::vector<std::unique_ptr<Program>> programs;
  return programs;
}

void resize(bpf_map* map, std::uint32_t entries) {
  if (bpf_map__set_max_entries(map, entries) != 0) throw std::runtime_error("cannot set a map's size");
}

xdp::Descriptor duplicate(int fd) { return xdp::Descriptor{fcntl(fd, F_DUPFD_CLOEXEC, 3)}; }

/// All in one system call: of some maps there are thousands of entries, and this is done for every test.
bool zero_entries(const xdp::Map& map, std::size_t value_size) {
  std::uint32_t count = map.info().max_entries;
  const std::vector<std::uint8_t> zeros(value_size * count);
  std::vector<std::uint32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0U);
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  return bpf_map_update_batch(map.fd(), indices.data(), zeros.data(), &count, &options) == 0;
}

/// Asks first which are there: removing waits for the kernel's readers, even of none.
bool remove_inner_maps(const xdp::Map& map) {
  for (std::uint32_t index = 0; index < map.info().max_entries; ++index) {
    std::uint32_t id = 0;
    if (bpf_map_lookup_elem(map.fd(), &index, &id) != 0) continue;
    if (bpf_map_delete_elem(map.fd(), &index) != 0) return false;
  }
  return true;
}

bool remove_entries(const xdp::Map& map) {
  std::vector<std::uint8_t> key(map.info().key_size);
  while (bpf_map_get_next_key(map.fd(), nullptr, key.data()) == 0) {
    if (bpf_map_delete_elem(map.fd(), key.data()) != 0) return false;
  }
  return errno == ENOENT;
}

bool empty(const xdp::Map& map) {
  const std::size_t size = map.info().value_size;
  switch (map.info().type) {
    case BPF_MAP_TYPE_ARRAY:
      return zero_entries(map, size);
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return zero_entries(map, (size + 7) / 8 * 8 * xdp::Map::possible_cpus());
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
      return remove_inner_maps(map);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
      return remove_entries(map);
    default:
      return false;
  }
}

}  // namespace

void Program::Close::operator()(ballast_xdp* skeleton) const { ballast_xdp__destroy(skeleton); }

std::unique_ptr<Program> Program::take(const Sizes& sizes) {
  auto& programs = given_back();
  const auto found = std::ranges::find_if(programs, [&](const auto& kept) { return kept->sizes_ == sizes; });
  if (found == programs.end()) return std::make_unique<Program>(sizes);
  auto taken = std::move(*found);
  programs.erase(found);
  return taken;
}

void Program::give_back(std::unique_ptr<Program> program) {
  if (program->empty_maps()) given_back().push_back(std::move(program));
}

Program::Program(const Sizes& sizes) : sizes_{sizes}, skeleton_{ballast_xdp__open()} {
  if (!skeleton_) throw std::runtime_error("cannot read the BPF object");
  const auto& maps = skeleton_->maps;
  for (auto* map : {maps.services, maps.cursors, maps.tables}) resize(map, sizes.services);
  for (auto* map :
       {maps.servers, maps.server_extras, maps.server_load, maps.census, maps.server_stats, maps.failed_clients})
    resize(map, sizes.servers);
  resize(maps.service_index, 2 * sizes.services);
  resize(maps.roles, sizes.roles);
  const auto lines = xdp::flow_sizes(sizes.connections);
  resize(maps.flows, lines.lines);
  resize(maps.returns, lines.return_lines);
  resize(maps.flow_details, sizes.connections);
  resize(maps.locals, sizes.locals);
  const auto set =
      xdp::set_constants(skeleton_->obj, {.seed = {}, .flow_lines = lines.lines, .return_lines = lines.return_lines});
  if (!set) throw std::runtime_error(set.error().message);
  if (const int error = ballast_xdp__load(skeleton_.get()); error != 0) {
    throw std::runtime_error("the kernel does not take the BPF program: " + xdp::reason(error));
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton_->obj) {
    if (bpf_map__is_internal(map)) continue;
    auto made = xdp::Map::from(duplicate(bpf_map__fd(map)), bpf_map__name(map));
    if (!made) throw std::runtime_error(made.error().message);
    object_.maps.emplace(bpf_map__name(map), std::move(*made));
  }
  object_.program = duplicate(bpf_program__fd(skeleton_->progs.ballast_xdp));
  object_.sweep = duplicate(bpf_program__fd(skeleton_->progs.ballast_sweep));
}

Program::~Program() = default;

bool Program::empty_maps() const {
  return std::ranges::all_of(object_.maps, [](const auto& named) { return empty(named.second); });
}

}  // namespace ballast::packet
