#include "daemons/vrrpd/shell/doctor.hpp"

#include <net/if.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/bus/diagnosis.hpp"
#include "common/netlink/socket.hpp"
#include "daemons/vrrpd/protocol/diagnosis.hpp"
#include "daemons/vrrpd/protocol/segment.hpp"
#include "daemons/vrrpd/shell/advertisement_socket.hpp"
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

/// Where it listens on one interface.
struct Post {
  std::map<net::Family, Segment> segments;
  std::unique_ptr<Tap> tap;
  std::map<net::Family, std::unique_ptr<AdvertisementSocket>> sockets;
};

class Examination {
 public:
  explicit Examination(const Speaker& speaker) : io_{speaker.io()}, speaker_{speaker}, before_{speaker.consult()} {
    for (const auto& patient : before_.patients) {
      for (const auto* interface : {&patient.seen.hears_on, &patient.seen.sends_on}) {
        posts_[*interface].segments[patient.seen.family].listen(patient.settings);
      }
      for (const auto& question : patient.questions) {
        posts_[question.interface].segments[question.address.family()].ask(question.address);
      }
    }
    for (auto& [interface, post] : posts_) open(interface, post);
  }

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

  [[nodiscard]] nlohmann::json conclude();

 private:
  void open(const std::string& interface, Post& post) {
    const auto index = static_cast<int>(if_nametoindex(interface.c_str()));
    if (index == 0) return;  // its instances say so
    Tap::Handlers handlers;
    handlers.advertisement = [&post](const Datagram& datagram, const net::MacAddress& from, bool outgoing) {
      const auto segment = post.segments.find(datagram.source.family());
      if (segment != post.segments.end()) segment->second.on_wire(datagram, from, outgoing, runtime::wall_time());
    };
    handlers.answer = [&post](const NeighbourAnswer& answer) {
      const auto segment = post.segments.find(answer.address.family());
      if (segment != post.segments.end()) segment->second.answered(answer);
    };
    auto tap = Tap::open(io_, interface, index, std::move(handlers));
    if (!tap) return miss(interface, tap.error());
    post.tap = std::move(*tap);
    for (auto& [family, segment] : post.segments) {
      auto socket = AdvertisementSocket::open(
          io_, interface, index, family, [heard = &segment](const Datagram& datagram) { heard->received(datagram); });
      auto joined = socket ? (*socket)->join() : Result<>{socket.error()};
      if (!joined) return miss(interface, joined.error());
      post.sockets[family] = std::move(*socket);
    }
  }

  void miss(const std::string& interface, const Error& error) {
    unchecked_.push_back(fmt::format("{}: {}", interface, error.message));
  }

  void put(const Question& question) {
    const auto& tap = posts_.at(question.interface).tap;
    if (!tap) return;
    // A question that cannot be sent is one that nobody answers.
    if (question.address.is_v4())
      (void)tap->send(arp_probe(question.address, question.mac));
    else
      (void)tap->send(neighbour_solicitation(question.address, question.source, question.mac));
  }

  void add_heard(Observation& seen, const config::VrrpInstance& settings);
  void add_owners(Patient& patient, const std::map<net::MacAddress, std::string>& own_macs) const;
  [[nodiscard]] bool is_open(const std::string& interface, net::Family family) const {
    const auto post = posts_.find(interface);
    return post != posts_.end() && post->second.tap && post->second.sockets.contains(family);
  }

  asio::io_context& io_;
  const Speaker& speaker_;
  Consultation before_;
  std::map<std::string, Post> posts_;
  std::vector<std::string> unchecked_;
};

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
  auto kernel = netlink::Socket::open();
  if (!kernel) return;
  for (auto& arrival : seen.arrivals) arrival.route = interface_to(*kernel, arrival.source);
}

void Examination::add_owners(Patient& patient, const std::map<net::MacAddress, std::string>& own_macs) const {
  for (auto& vip : patient.seen.vips) {
    const auto question = std::ranges::find(patient.questions, vip.address, &Question::address);
    if (question == patient.questions.end()) continue;
    const auto post = posts_.find(question->interface);
    if (post == posts_.end() || !post->second.tap) continue;
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

nlohmann::json Examination::conclude() {
  for (auto& [interface, post] : posts_) {
    if (post.tap) post.tap->drain();
    for (auto& [family, socket] : post.sockets) socket->drain();
  }
  auto now = speaker_.consult();
  bus::Diagnosis diagnosis;
  auto observed = nlohmann::json::array();
  for (auto& patient : now.patients) {
    const auto begun = std::ranges::find(before_.patients, patient.seen.instance,
                                         [](const Patient& other) { return other.seen.instance; });
    if (begun == before_.patients.end() || begun->settings != patient.settings || begun->sent > patient.sent) {
      unchecked_.push_back(fmt::format("{}: its configuration has just changed", patient.seen.instance));
      continue;
    }
    patient.seen.sent = static_cast<unsigned>(patient.sent - begun->sent);
    patient.seen.send_failed = static_cast<unsigned>(patient.failed - begun->failed);
    patient.seen.role_changed = begun->since != patient.since || begun->seen.master != patient.seen.master;
    add_heard(patient.seen, patient.settings);
    add_owners(patient, now.own_macs);
    std::ranges::copy(diagnose(patient.seen), std::back_inserter(diagnosis.findings));
    diagnosis.instances.push_back(patient.seen.instance);
    observed.push_back(patient.seen);
  }
  std::ranges::copy(diagnose(now.host), std::back_inserter(diagnosis.findings));
  sort_by_gravity(diagnosis.findings);
  for (const auto& [interface, post] : posts_) {
    if (post.tap) diagnosis.interfaces.push_back(interface);
  }
  diagnosis.unchecked = unchecked_;
  diagnosis.seconds = std::chrono::duration<double>(duration()).count();
  nlohmann::json reply = diagnosis;
  reply["observed"] = std::move(observed);
  reply["host"] = now.host;
  return reply;
}

}  // namespace

asio::awaitable<Result<nlohmann::json>> Doctor::examine() {
  if (running_ >= most_at_once) co_return fail("{} examinations are going on: ask again in a few seconds", running_);
  const Ticket ticket{running_};
  Examination examination{speaker_};
  asio::steady_timer timer{speaker_.io()};
  const auto end = std::chrono::steady_clock::now() + examination.duration();
  examination.ask();
  timer.expires_after(between_questions);
  co_await timer.async_wait(asio::use_awaitable);
  examination.ask();
  timer.expires_at(end);
  co_await timer.async_wait(asio::use_awaitable);
  co_return examination.conclude();
}

}  // namespace ballast::vrrpd
