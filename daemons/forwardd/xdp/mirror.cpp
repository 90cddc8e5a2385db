#include "daemons/forwardd/xdp/mirror.hpp"

namespace ballast::forwardd::xdp {
namespace {

template <class T>
T& slot(std::vector<T>& values, std::uint32_t index) {
  if (values.size() <= index) values.resize(index + 1);
  return values[index];
}

struct Apply {
  Mirror& mirror;
  void operator()(const PutServer& put) const {
    slot(mirror.servers, put.index) = put.value;
    slot(mirror.extras, put.index) = put.extra;
  }
  void operator()(const PutService& put) const { slot(mirror.services, put.index) = put.value; }
  void operator()(const PutTable& put) const { slot(mirror.tables, put.service) = put.digest; }
  void operator()(const PutRole& put) const { slot(mirror.roles, put.index) = put.value; }
  void operator()(const PutLocal& put) const { slot(mirror.locals, put.index) = put.value; }
  void operator()(const PutFilters& put) const { mirror.filters = *put.value; }
  void operator()(const PutKey& put) const { mirror.keys[put.key] = put.service; }
  void operator()(const DropKey& drop) const { mirror.keys.erase(drop.key); }
};

}  // namespace

void apply(Mirror& mirror, const Change& change) { std::visit(Apply{mirror}, change); }

std::uint64_t digest_of(std::span<const std::uint32_t> slots) {
  std::uint64_t digest = 0xcbf29ce484222325 ^ slots.size();
  for (const auto value : slots) digest = (digest ^ value) * 0x100000001b3;
  return digest | 1;  // never "not known"
}

}  // namespace ballast::forwardd::xdp
