#include "daemons/forwardd/xdp/program.hpp"

#include <ballast_xdp.skel.h>

namespace ballast::forwardd::xdp {

std::span<const char> program_image() {
  std::size_t size = 0;
  const void* bytes = ballast_xdp__elf_bytes(&size);
  return {static_cast<const char*>(bytes), size};
}

}  // namespace ballast::forwardd::xdp
