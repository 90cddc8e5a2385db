#include "daemons/forwardd/xdp/program.hpp"

#include <ballast_xdp.skel.h>
#include <sys/random.h>

#include <cstddef>
#include <type_traits>

#include "daemons/forwardd/xdp/layout.hpp"

namespace ballast::forwardd::xdp {

std::span<const char> program_image() {
  std::size_t size = 0;
  const void* bytes = ballast_xdp__elf_bytes(&size);
  return {static_cast<const char*>(bytes), size};
}

Result<> set_constants(bpf_object* object, const Constants& constants) {
  using Data = std::remove_pointer_t<decltype(ballast_xdp::rodata)>;
  bpf_map* map = bpf_object__find_map_by_name(object, ".rodata");
  std::size_t size = 0;
  // Before loading, what libbpf gives is its own copy, to be written to; libbpf 1.1 calls it const nevertheless.
  auto* data = map == nullptr ? nullptr : static_cast<Data*>(const_cast<void*>(bpf_map__initial_value(map, &size)));
  if (data == nullptr || size <= offsetof(Data, tracing)) return fail("the BPF object has no constants");
  data->hash_seed[0] = constants.seed[0];
  data->hash_seed[1] = constants.seed[1];
  data->flow_buckets = constants.flow_lines / layout::FLOW_WAYS;
  data->return_lines = constants.return_lines;
  data->tracing = constants.tracing ? 1 : 0;
  return {};
}

Result<std::array<std::uint64_t, 2>> draw_seed() {
  std::array<std::uint64_t, 2> seed{};
  if (getrandom(seed.data(), sizeof seed, 0) != sizeof seed) return fail("cannot draw a random seed");
  return seed;
}

}  // namespace ballast::forwardd::xdp
