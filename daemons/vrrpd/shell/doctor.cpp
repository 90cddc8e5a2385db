#include "daemons/vrrpd/shell/doctor.hpp"

#include <net/if.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/bus/diagnosis.hpp"
#include "common/netlink/socket.hpp"
#include "daemons/vrrpd/protocol/diagnosis.hpp"
#include "daemons/vrrpd/protocol/segment.hpp"
#include "daemons/vrrpd/shell/advertisement_socket.hpp"
#include "daemons/vrrpd/shell/host_facts.hpp"
#include "daemons/vrrpd/shell/speaker.hpp"
#include "daemons/vrrpd/shell/tap.hpp"

namespace ballast::vrrpd {
namespace asio = boost::asio;
namespace {

using namespace std::chrono_literals;

constexpr int intervals = 3;  ///< so long it listens: what is sent on time comes twice at least
constexpr Duration margin = 300ms;
constexpr Duration shortest = 3s;  ///< a peer's interval may be longer than ours
constexpr Duration longest = 6s;
constexpr Duration between_questions = 1s;    ///< one of the two may be lost
constexpr std::size_t most_questions = 1000;  ///< each time

constexpr unsigned most_at_once = 4;  ///< each costs sockets and questions

/// Counts itself while it is there.
struct Ticket {
  explicit Ticket(unsigned& count) : running{count} { ++running; }
  ~Ticket() { --running; }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  unsigned& running;
};

/// Lets everything else that is due run first.
asio::awaitable<void> others_first(asio::io_context& io) { co_await asio::post(io, asio::use_awaitable); }

/// Where it listens on one interface.
struct Post {
  int link = 0;
  std::map<net::Family, Segment> segments;
  std::map<net::Family, std::unique_ptr<AdvertisementSocket>> sockets;
};

class Examination {
 public:
  explicit Examination(const Speaker& speaker) : io_{speaker.io()}, speaker_{speaker} {}

  asio::awaitable<Result<>> begin();

  [[nodiscard]] Duration duration() const {
    Duration longest_interval{};
    for (const auto& patient : before_.patients) {
      longest_interval = std::max<Duration>(longest_interval, patient.settings.advert_interval);
    }
    return std::clamp<Duration>(intervals * longest_interval, shortest, longest) + margin;
  }

  void ask() {
    std::size_t asked = 0;
    for (const auto& patient : before_.patients) {
      for (const auto& question : patient.questions) {
        if (++asked > most_questions) return;
        put(question);
      }
    }
  }

  asio::awaitable<nlohmann::json> conclude();

 private:
  Result<> open_tap();
  void open(const std::string& interface, Post& post);
  Segment* segment(int link, net::Family family);
  void complete(Patient& now, const Patient& begun);
  void miss(const std::string& interface, const Error& error) {
    unchecked_.push_back(fmt::format("{}: {}", interface, error.message));
  }

  void put(const Question& question) {
    const auto post = posts_.find(question.interface);
    if (post == posts_.end() || post->second.link == 0) return;
    const auto link = post->second.link;
    // A question that cannot be sent is one that nobody answers.
    if (question.address.is_v4())
      (void)tap_->send(link, arp_probe(question.address, question.mac));
    else
      (void)tap_->send(link, neighbour_solicitation(question.address, question.source, question.mac));
  }

  void add_heard(Observation& seen, const config::VrrpInstance& settings);
  void add_owners(Patient& patient, const std::map<net::MacAddress, std::string>& own_macs) const;
  [[nodiscard]] bool is_open(const std::string& interface, net::Family family) const {
    const auto post = posts_.find(interface);
    return post != posts_.end() && post->second.sockets.contains(family);
  }

  asio::io_context& io_;
  const Speaker& speaker_;
  Consultation before_;
  std::map<std::string, Post> posts_;
  std::map<int, Post*> by_link_;
  std::unique_ptr<Tap> tap_;
  std::optional<netlink::Socket> kernel_;
  std::vector<std::string> unchecked_;
};

asio::awaitable<Result<>> Examination::begin() {
  if (auto kernel = netlink::Socket::open()) kernel_.emplace(std::move(*kernel));
  const auto expected = speaker_.consult();
  for (const auto& patient : expected.patients) {
    for (const auto* interface : {&patient.seen.hears_on, &patient.seen.sends_on}) {
      posts_[*interface].segments[patient.seen.family].listen(patient.settings);
    }
    for (const auto& question : patient.questions) {
      posts_[question.interface].segments[question.address.family()].ask(question.address);
    }
  }
  for (auto& [interface, post] : posts_) {
    open(interface, post);
    co_await others_first(io_);
  }
  // At one moment: what is sent from now on is counted by both.
  before_ = speaker_.consult();
  std::erase_if(before_.patients, [&](const Patient& patient) {
    return std::ranges::none_of(expected.patients,
                                [&](const Patient& other) { return other.settings == patient.settings; });
  });
  co_return open_tap();
}

Result<> Examination::open_tap() {
  Tap::Handlers handlers;
  handlers.advertisement = [this](int link, const Datagram& datagram, const net::MacAddress& from, bool outgoing) {
    auto* here = segment(link, datagram.source.family());
    if (here != nullptr) here->on_wire(datagram, from, outgoing, runtime::wall_time());
  };
  handlers.answer = [this](int link, const NeighbourAnswer& answer) {
    if (auto* here = segment(link, answer.address.family()); here != nullptr) here->answered(answer);
  };
  auto tap = Tap::open(io_, std::move(handlers));
  if (!tap) return tap.error();
  tap_ = std::move(*tap);
  return {};
}

Segment* Examination::segment(int link, net::Family family) {
  const auto post = by_link_.find(link);
  if (post == by_link_.end()) return nullptr;
  const auto found = post->second->segments.find(family);
  return found == post->second->segments.end() ? nullptr : &found->second;
}

void Examination::open(const std::string& interface, Post& post) {
  post.link = static_cast<int>(if_nametoindex(interface.c_str()));
  if (post.link == 0) return;  // its instances say so
  by_link_[post.link] = &post;
  for (auto& [family, segment] : post.segments) {
    auto socket = AdvertisementSocket::open(io_, interface, post.link, family,
                                            [this, heard = &segment](const Datagram& datagram) {
                                              if (tap_) heard->received(datagram);
                                            });
    auto joined = socket ? (*socket)->join() : Result<>{socket.error()};
    if (!joined) return miss(interface, joined.error());
    post.sockets[family] = std::move(*socket);
  }
}

std::string interface_to(netlink::Socket& kernel, const net::IpAddress& address) {
  std::array<char, IF_NAMESIZE> name{};
  const auto route = kernel.route_to(address);
  if (!route || if_indextoname(static_cast<unsigned>(route->link), name.data()) == nullptr) return {};
  return name.data();
}

void Examination::add_heard(Observation& seen, const config::VrrpInstance& settings) {
  seen.listened = is_open(seen.hears_on, seen.family) && is_open(seen.sends_on, seen.family);
  if (!seen.listened) return;
  auto& here = posts_.at(seen.hears_on).segments.at(seen.family);
  const auto& ear = here.listen(settings);
  seen.heard = ear.heard();
  seen.arrivals = ear.arrivals();
  seen.left = posts_.at(seen.sends_on).segments.at(seen.family).listen(settings).seen_leaving();
  std::vector<net::IpAddress> addresses;
  for (const auto& vip : seen.vips) addresses.push_back(vip.address);
  seen.strangers = here.strangers_with(addresses);
  if (seen.family != net::Family::ipv4 || seen.arrivals.empty()) return;
  if (!kernel_) return;
  for (auto& arrival : seen.arrivals) arrival.route = interface_to(*kernel_, arrival.source);
}

void Examination::add_owners(Patient& patient, const std::map<net::MacAddress, std::string>& own_macs) const {
  for (auto& vip : patient.seen.vips) {
    const auto question = std::ranges::find(patient.questions, vip.address, &Question::address);
    if (question == patient.questions.end()) continue;
    const auto post = posts_.find(question->interface);
    if (post == posts_.end() || post->second.link == 0) continue;
    const auto segment = post->second.segments.find(vip.address.family());
    if (segment == post->second.segments.end()) continue;
    vip.probed_on = question->interface;
    for (const auto& mac : segment->second.owners(vip.address)) {
      const auto own = own_macs.find(mac);
      if (own == own_macs.end())
        vip.answers.push_back(mac);
      else
        vip.own_answers.push_back(own->second);
    }
  }
}

void Examination::complete(Patient& now, const Patient& begun) {
  now.seen.sent = static_cast<unsigned>(now.sent - begun.sent);
  now.seen.send_failed = static_cast<unsigned>(now.failed - begun.failed);
  const bool another_master = begun.seen.master && begun.seen.master != now.seen.master;
  now.seen.role_changed = another_master || begun.since != now.since;
  look_at_settings(now.seen);
  add_heard(now.seen, now.settings);
}

asio::awaitable<nlohmann::json> Examination::conclude() {
  tap_->drain();
  for (auto& [interface, post] : posts_) {
    for (auto& [family, socket] : post.sockets) socket->drain();
  }
  auto now = speaker_.consult();
  tap_.reset();
  bus::Diagnosis diagnosis;
  auto observed = nlohmann::json::array();
  for (auto& patient : now.patients) {
    co_await others_first(io_);
    const auto begun = std::ranges::find(before_.patients, patient.seen.instance,
                                         [](const Patient& other) { return other.seen.instance; });
    if (begun == before_.patients.end() || begun->settings != patient.settings || begun->sent > patient.sent) {
      unchecked_.push_back(fmt::format("{}: its configuration has just changed", patient.seen.instance));
      continue;
    }
    complete(patient, *begun);
    add_owners(patient, now.own_macs);
    std::ranges::copy(diagnose(patient.seen), std::back_inserter(diagnosis.findings));
    diagnosis.instances.push_back(patient.seen.instance);
    observed.push_back(patient.seen);
  }
  for (auto& setting : now.host.settings) {
    setting.actual = link_setting(net::Family::ipv4, setting.interface, setting.name).value_or(setting.wanted);
    co_await others_first(io_);
  }
  std::ranges::copy(diagnose(now.host), std::back_inserter(diagnosis.findings));
  sort_by_gravity(diagnosis.findings);
  for (const auto& [interface, post] : posts_) {
    if (post.link != 0) diagnosis.interfaces.push_back(interface);
  }
  diagnosis.unchecked = unchecked_;
  diagnosis.seconds = std::chrono::duration<double>(duration()).count();
  nlohmann::json reply = diagnosis;
  reply["observed"] = std::move(observed);
  reply["host"] = now.host;
  co_return reply;
}

}  // namespace

asio::awaitable<Result<nlohmann::json>> Doctor::examine() {
  if (running_ >= most_at_once) co_return fail("{} examinations are going on: ask again in a few seconds", running_);
  const Ticket ticket{running_};
  Examination examination{speaker_};
  if (auto begun = co_await examination.begin(); !begun) co_return begun.error();
  asio::steady_timer timer{speaker_.io()};
  const auto end = std::chrono::steady_clock::now() + examination.duration();
  examination.ask();
  timer.expires_after(between_questions);
  co_await timer.async_wait(asio::use_awaitable);
  examination.ask();
  timer.expires_at(end);
  co_await timer.async_wait(asio::use_awaitable);
  co_return co_await examination.conclude();
}

}  // namespace ballast::vrrpd
