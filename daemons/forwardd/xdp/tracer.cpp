#include "daemons/forwardd/xdp/tracer.hpp"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>

#include <algorithm>
#include <array>

#include "common/net/checksum.hpp"
#include "daemons/forwardd/xdp/program.hpp"
#include "daemons/forwardd/xdp/report.hpp"

namespace ballast::forwardd::xdp {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t ethernet_length = 14;
constexpr std::uint8_t time_to_live = 64;

void put16(Bytes& bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

void append(Bytes& bytes, std::span<const std::uint8_t> more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

Bytes layer4_of(const TraceQuery& query) {
  const bool is_tcp = query.protocol == config::Protocol::tcp;
  Bytes bytes(is_tcp ? 20 : 8);
  put16(bytes, 0, query.source.port);
  put16(bytes, 2, query.destination.port);
  if (is_tcp) {
    bytes[12] = 5 << 4;
    bytes[13] = query.tcp_flags;
    put16(bytes, 14, 0xffff);
  } else {
    put16(bytes, 4, bytes.size());
  }
  const auto pseudo =
      net::pseudo_header_sum(query.source.address, query.destination.address, static_cast<std::uint8_t>(query.protocol),
                             static_cast<std::uint32_t>(bytes.size()));
  put16(bytes, is_tcp ? 16 : 6, net::checksum_finish(net::checksum_add(bytes, pseudo)));
  return bytes;
}

Bytes ip_of(const TraceQuery& query, std::size_t payload) {
  const bool is_v4 = query.source.address.is_v4();
  Bytes ip(is_v4 ? 12 : 8);
  if (is_v4) {
    ip[0] = 0x45;
    put16(ip, 2, 20 + payload);
    put16(ip, 6, 0x4000);  // don't fragment
    ip[8] = time_to_live;
    ip[9] = static_cast<std::uint8_t>(query.protocol);
  } else {
    ip[0] = 0x60;
    put16(ip, 4, payload);
    ip[6] = static_cast<std::uint8_t>(query.protocol);
    ip[7] = time_to_live;
  }
  append(ip, query.source.address.bytes());
  append(ip, query.destination.address.bytes());
  if (is_v4) put16(ip, 10, net::checksum_finish(net::checksum_add(ip)));
  return ip;
}

struct StepText {
  const char* name;
  const char* explanation;
};
constexpr StepText step_texts[] = {
#define X(name, explanation) {#name, explanation},
    TRACE_STEPS(X)
#undef X
};

std::string server_text(std::uint32_t index, const Mirror& mirror) {
  if (index >= mirror.servers.size()) return fmt::format("number {}", index);
  const auto& server = mirror.servers[index];
  return net::Endpoint{net::IpAddress::v6(server.address), ntohs(server.port)}.to_string();
}

std::string interface_text(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  return if_indextoname(index, name.data()) == nullptr ? fmt::format("number {}", index) : std::string{name.data()};
}

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using OpenObject = std::unique_ptr<bpf_object, CloseObject>;

Result<OpenObject> load_tracing(const Object& running) {
  const auto image = program_image();
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "ballast_trace");
  OpenObject object{bpf_object__open_mem(image.data(), image.size(), &options)};
  if (!object) return fail("cannot read the BPF program: {}", reason(errno));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object.get()) {
    if (bpf_map__is_internal(map)) continue;
    const auto found = running.maps.find(bpf_map__name(map));
    if (found == running.maps.end()) return fail("the running data path has no map {}", bpf_map__name(map));
    if (const int error = bpf_map__reuse_fd(map, found->second.fd()); error != 0)
      return fail("cannot reuse map {}: {}", found->first, reason(error));
  }
  auto constants = constants_of(running.maps);
  if (!constants) return constants.error();
  constants->tracing = true;
  if (auto set = set_constants(object.get(), *constants); !set) return set.error();
  if (auto* sweep = bpf_object__find_program_by_name(object.get(), "ballast_sweep"); sweep != nullptr)
    bpf_program__set_autoload(sweep, false);
  if (const int error = bpf_object__load(object.get()); error != 0)
    return fail("the kernel does not take the program for tracing: {}", reason(error));
  return object;
}

}  // namespace

Bytes frame_of(const TraceQuery& query) {
  const auto layer4 = layer4_of(query);
  Bytes frame(ethernet_length);
  put16(frame, 12, query.source.address.is_v4() ? 0x0800 : 0x86dd);
  append(frame, ip_of(query, layer4.size()));
  append(frame, layer4);
  return frame;
}

std::string step_in_words(std::uint32_t step, std::uint32_t value, const Mirror& mirror,
                          const std::map<std::uint32_t, std::string>& services) {
  if (step >= layout::TRACE_COUNT) return fmt::format("step {} of value {}, unknown to this version", step, value);
  const std::string words = step_texts[step].explanation;
  switch (step) {
    case layout::TRACE_flow:
    case layout::TRACE_expired:
    case layout::TRACE_stale:
      return fmt::format("{} {}", words, value);
    case layout::TRACE_service: {
      const auto name = services.find(value);
      return fmt::format("{} {}", words, name == services.end() ? fmt::format("number {}", value) : name->second);
    }
    case layout::TRACE_server:
    case layout::TRACE_persistent:
    case layout::TRACE_answer:
      return fmt::format("{} {}", words, server_text(value, mirror));
    case layout::TRACE_state:
      return fmt::format("{} {}", words, state_name(static_cast<std::uint8_t>(value)));
    case layout::TRACE_tunnel: {
      constexpr std::array kinds{"IPIP", "GUE", "GRE"};
      return fmt::format("{} {}", words, value < kinds.size() ? kinds[value] : "?");
    }
    case layout::TRACE_send:
      return fmt::format("{} {}", words, interface_text(value));
    case layout::TRACE_dropped: {
      const auto text = drop_text(value);
      return fmt::format("{}: {} ({})", words, text.reason, text.explanation);
    }
    case layout::TRACE_local_port:
      return fmt::format("{} {}", words, value);
    default:
      return words;
  }
}

Result<std::vector<bus::TraceStep>> trace(const Object& object, const Mirror& mirror,
                                          const std::map<std::string, PlannedService>& services,
                                          const TraceQuery& query) {
  if (query.source.address.family() != query.destination.address.family())
    return fail("{} and {} are of two families: no packet has both", query.source.address, query.destination.address);
  const auto loaded = load_tracing(object);
  if (!loaded) return loaded.error();
  const auto& notes = object.maps.at("trace");
  if (auto reset = notes.put(std::uint32_t{0}, layout::trace{}); !reset) return reset.error();
  const auto frame = frame_of(query);
  const auto* program = bpf_object__find_program_by_name(loaded->get(), "ballast_xdp");
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = 1);
  if (const int error = bpf_prog_test_run_opts(bpf_program__fd(program), &options); error != 0)
    return fail("cannot run the program for tracing: {}", reason(error));
  const auto noted = notes.get<layout::trace>(0);
  if (!noted) return noted.error();
  std::map<std::uint32_t, std::string> names;
  for (const auto& [name, planned] : services) names[planned.index] = name;
  std::vector<bus::TraceStep> steps;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(noted->length, layout::TRACE_LENGTH); ++i) {
    const auto& [step, value] = noted->steps[i];
    steps.push_back(
        {step < layout::TRACE_COUNT ? step_texts[step].name : "", step_in_words(step, value, mirror, names)});
  }
  constexpr std::array verdicts{"aborted", "dropped", "left to the kernel", "sent back by the interface it came by",
                                "sent on"};
  steps.push_back({"verdict", options.retval < verdicts.size() ? verdicts[options.retval] : "?"});
  return steps;
}

}  // namespace ballast::forwardd::xdp
