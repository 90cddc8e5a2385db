#include "bench/datapath/feeder.hpp"

#include <bpf/bpf.h>
#include <feed.skel.h>
#include <unistd.h>

namespace ballast::bench {
namespace {

constexpr net::MacAddress client_mac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr net::MacAddress balancer_mac{{0x02, 0, 0, 0, 0, 0x10}};

}  // namespace

Packet packet_of(const Stream& stream) {
  const auto& service = *stream.service;
  Packet packet{.source_mac = client_mac,
                .destination_mac = balancer_mac,
                .source = service.client,
                .destination = service.vip,
                .flags = stream.flags,
                .payload = stream.payload};
  if (stream.from == From::server) {
    packet.source = service.servers.front();
    packet.destination = stream.answers != nullptr ? net::Endpoint{service.local_base, 0} : service.client;
  }
  return packet;
}

void Feeder::Destroy::operator()(feed* skeleton) const { feed__destroy(skeleton); }

Result<Feeder> Feeder::load() {
  Feeder feeder;
  feeder.skeleton_.reset(feed__open_and_load());
  if (!feeder.skeleton_) return fail("the kernel does not take the feeding programs: {}", forwardd::xdp::reason(errno));
  auto map =
      forwardd::xdp::Map::from(forwardd::xdp::Descriptor{dup(bpf_map__fd(feeder.skeleton_->maps.answers))}, "answers");
  if (!map) return map.error();
  auto answers = forwardd::xdp::MappedArray<feed_answer>::of(*map);
  if (!answers) return answers.error();
  feeder.answers_ = std::move(*answers);
  return feeder;
}

void Feeder::select(const Stream& stream, std::uint32_t passed) {
  stream_ = stream;
  const auto packet = packet_of(stream);
  frame_ = make_frame(packet);
  auto state = make_feed(packet);
  state.first = stream.first_flow;
  state.count = stream.flows;
  state.done = passed;
  state.stride = stream.in_turn ? 1 : 0x9e3779b1;
  skeleton_->bss->state = state;
  for (std::uint32_t turn = 0; stream.answers != nullptr && turn < state.count; ++turn)
    answers_[turn] = (*stream.answers)[turn * state.stride & (state.count - 1)];
}

Result<> Feeder::call(std::optional<int> program) {
  const int map = bpf_map__fd(skeleton_->maps.next_program);
  const std::uint32_t zero = 0;
  const int error = program ? bpf_map_update_elem(map, &zero, &*program, BPF_ANY) : bpf_map_delete_elem(map, &zero);
  if (error != 0 && error != -ENOENT) return fail("cannot set the program to call: {}", forwardd::xdp::reason(error));
  return {};
}

int Feeder::program() const {
  const auto& programs = skeleton_->progs;
  const bool is_v4 = stream_.service->vip.address.is_v4();
  if (stream_.from == From::client) return bpf_program__fd(is_v4 ? programs.feed_client4 : programs.feed_client6);
  if (stream_.answers == nullptr) return bpf_program__fd(is_v4 ? programs.feed_server4 : programs.feed_server6);
  return bpf_program__fd(is_v4 ? programs.feed_full_nat_server4 : programs.feed_full_nat_server6);
}

Result<Feeder::Outcome> Feeder::run(std::uint32_t packets) const { return run_program(program(), frame_, packets); }

Result<Feeder::Outcome> run_program(int program, const std::vector<std::uint8_t>& frame, std::uint32_t packets) {
  Feeder::Outcome outcome;
  constexpr std::size_t room = 64;  // for a tunnel's header
  outcome.frame.resize(frame.size() + room);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = outcome.frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .data_size_out = static_cast<std::uint32_t>(outcome.frame.size()), .repeat = static_cast<int>(packets));
  const double before = cpu_nanoseconds();
  const int error = bpf_prog_test_run_opts(program, &options);
  const double after = cpu_nanoseconds();
  if (error != 0) return fail("BPF_PROG_RUN: {}", forwardd::xdp::reason(error));
  outcome.nanoseconds = (after - before) / packets;
  outcome.verdict = options.retval;
  outcome.frame.resize(options.data_size_out);
  return outcome;
}

Result<Feeder::Outcome> Feeder::shake_hands(const Service& service, std::uint32_t count) {
  select({.service = &service, .flags = 0, .flows = count, .in_turn = true});
  skeleton_->bss->answer = make_feed(packet_of({.service = &service, .from = From::server, .flags = 0}));
  skeleton_->bss->steps = service.mode == Mode::nat ? 3 : 2;
  skeleton_->bss->step = 0;
  const auto& programs = skeleton_->progs;
  const auto* program = service.vip.address.is_v4() ? programs.handshake4 : programs.handshake6;
  return run_program(bpf_program__fd(program), frame_, count * skeleton_->bss->steps);
}

namespace {

/// Where answers go is known only once the data path has entered the connections: each step for all of them.
Result<std::vector<feed_answer>> shake_full_nat_hands(Feeder& feeder, const World& world, const Service& service,
                                                      std::uint32_t count) {
  feeder.select({.service = &service, .flags = tcp_syn, .flows = count, .in_turn = true});
  if (const auto sent = feeder.run(count); !sent) return sent.error();
  auto answers = world.answers(service, count);
  if (!answers) return answers;
  feeder.select({.service = &service,
                 .from = From::server,
                 .flags = tcp_syn | tcp_ack,
                 .flows = count,
                 .in_turn = true,
                 .answers = &*answers});
  if (const auto sent = feeder.run(count); !sent) return sent.error();
  feeder.select({.service = &service, .flows = count, .in_turn = true});
  if (const auto sent = feeder.run(count); !sent) return sent.error();
  return answers;
}

}  // namespace

Result<std::vector<feed_answer>> establish(Feeder& feeder, const World& world, const Service& service,
                                           std::uint32_t count) {
  const auto before = world.active();
  if (auto done = feeder.call(world.program()); !done) return done.error();
  std::vector<feed_answer> answers;
  if (service.mode == Mode::fnat) {
    auto made = shake_full_nat_hands(feeder, world, service, count);
    if (!made) return made;
    answers = std::move(*made);
  } else if (const auto outcome = feeder.shake_hands(service, count); !outcome) {
    return outcome.error();
  }
  if (const auto made = world.active() - before; made != count) {
    return fail("{} of {} connections of {} are established", made, count, service.vip);
  }
  return answers;
}

Result<> let_servers_speak(Feeder& feeder, const World& world, const Service& service,
                           const std::vector<feed_answer>& answers) {
  const auto count = static_cast<std::uint32_t>(answers.size());
  if (auto done = feeder.call(world.program()); !done) return done;
  feeder.select(
      {.service = &service, .from = From::server, .flows = count, .in_turn = true, .payload = 1, .answers = &answers});
  if (const auto sent = feeder.run(count); !sent) return sent.error();
  return {};
}

}  // namespace ballast::bench
