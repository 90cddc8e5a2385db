#include "daemons/vrrpd/shell/process_tracker.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>

#include "common/runtime/child.hpp"
#include "common/runtime/log.hpp"

namespace ballast::vrrpd {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds poll_interval{1};
constexpr std::chrono::seconds told_interval{60};  ///< where the kernel tells: against what may have been lost
constexpr std::size_t longest_name = 15;           ///< TASK_COMM_LEN
constexpr std::size_t longest_command_line = 64U << 10;

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

/// Asks for the events of all processes; -1: the kernel has none here.
int open_connector() {
  const int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
  if (fd < 0) return -1;
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  local.nl_groups = CN_IDX_PROC;
  const proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
  alignas(nlmsghdr) std::array<char, NLMSG_SPACE(sizeof(cn_msg) + sizeof operation)> bytes{};
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(sizeof(cn_msg) + sizeof operation);
  header.nlmsg_type = NLMSG_DONE;
  cn_msg message{};
  message.id = {CN_IDX_PROC, CN_VAL_PROC};
  message.len = sizeof operation;
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + NLMSG_HDRLEN, &message, sizeof message);
  std::memcpy(bytes.data() + NLMSG_HDRLEN + sizeof message, &operation, sizeof operation);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) == 0 &&
      send(fd, bytes.data(), header.nlmsg_len, 0) >= 0) {
    return fd;
  }
  close(fd);
  return -1;
}

std::string read_text(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  std::string text(longest_command_line, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

ProcessFacts facts_of(pid_t pid) {
  ProcessFacts facts;
  facts.name = read_text(fmt::format("/proc/{}/comm", pid));
  if (!facts.name.empty() && facts.name.back() == '\n') facts.name.pop_back();
  const auto line = read_text(fmt::format("/proc/{}/cmdline", pid));
  for (std::size_t at = 0; at < line.size();) {
    const auto end = std::min(line.find('\0', at), line.size());
    facts.arguments.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  // A zombie keeps its name. Only it and threads of the kernel have no command line.
  if (facts.arguments.empty() && !runtime::start_time_of(pid)) facts.name.clear();
  return facts;
}

bool arguments_match(const config::TrackedProcess& tracked, std::span<const std::string> found) {
  const std::span<const std::string> wanted{tracked.words.begin() + 1, tracked.words.end()};
  if (!tracked.arguments && wanted.empty()) return true;
  const auto match = tracked.arguments.value_or(config::ArgumentMatch::exact);
  if (wanted.empty()) return found.empty();  // param_match without any: it must have none
  if (found.size() < wanted.size() || (match != config::ArgumentMatch::partial && found.size() != wanted.size()))
    return false;
  const auto whole = match == config::ArgumentMatch::initial ? wanted.size() - 1 : wanted.size();
  return std::ranges::equal(wanted.first(whole), found.first(whole)) &&
         (whole == wanted.size() || found[whole].starts_with(wanted[whole]));
}

}  // namespace

bool matches(const config::TrackedProcess& tracked, const ProcessFacts& facts) {
  const auto& name = tracked.words.front();
  if (tracked.full_command) {
    if (facts.arguments.empty() || facts.arguments.front() != name) return false;
  } else {
    const auto base = name.substr(name.rfind('/') + 1);  // npos + 1 is 0
    if (facts.name != base.substr(0, longest_name)) return false;
  }
  const std::span<const std::string> all{facts.arguments};
  return arguments_match(tracked, all.empty() ? all : all.subspan(1));
}

ProcessTracker::ProcessTracker(asio::io_context& io, TrackReport report)
    : io_{io}, report_{std::move(report)}, connector_{io}, poll_{io} {}

void ProcessTracker::apply(const std::vector<config::TrackedProcess>& processes) {
  std::map<std::string, Tracked> before;
  std::swap(before, tracked_);
  for (const auto& process : processes) {
    const auto known = before.find(process.name);
    if (known != before.end() && known->second.config == process) {
      tracked_.insert(before.extract(known));
    } else {
      tracked_.emplace(process.name, Tracked{process, {}, {}, asio::steady_timer{io_}});
    }
  }
  poll_.cancel();
  if (tracked_.empty()) {
    boost::system::error_code ignored;
    connector_.close(ignored);
    told_ = said_ = false;
    return;
  }
  listen();
  scan();
  schedule();
}

void ProcessTracker::listen() {
  if (connector_.is_open()) return;
  const int fd = open_connector();
  if (fd < 0) return;
  connector_.assign(fd);
  wait();
}

void ProcessTracker::wait() {
  connector_.async_wait(asio::posix::descriptor_base::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    receive();
    if (connector_.is_open()) wait();
  });
}

void ProcessTracker::receive() {
  constexpr int messages_a_turn = 256;
  alignas(nlmsghdr) std::array<char, 1024> buffer{};
  for (int i = 0; i < messages_a_turn; ++i) {
    sockaddr_nl from{};
    socklen_t size = sizeof from;
    const auto length = recvfrom(connector_.native_handle(), buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (length < 0 && errno == ENOBUFS) {
      scan();
      continue;
    }
    if (length < 0) return;
    if (from.nl_pid == 0) heard({buffer.data(), static_cast<std::size_t>(length)});
  }
}

void ProcessTracker::heard(std::span<const char> bytes) {
  constexpr auto begin = NLMSG_HDRLEN + sizeof(cn_msg);
  proc_event event{};
  // Younger kernels have longer events: what is needed stands at the front.
  if (bytes.size() < begin + offsetof(proc_event, event_data)) return;
  std::memcpy(&event, bytes.data() + begin, std::min(sizeof event, bytes.size() - begin));
  const auto what = static_cast<std::uint32_t>(event.what);
  if (what == proc_event::PROC_EVENT_NONE) {
    told_ = event.event_data.ack.err == 0;
    if (told_ && !std::exchange(said_, true)) log::info("the kernel tells of processes that begin and end");
    return;
  }
  const auto& data = event.event_data;
  if (what == proc_event::PROC_EVENT_FORK && data.fork.child_pid == data.fork.child_tgid) look_at(data.fork.child_pid);
  if (what == proc_event::PROC_EVENT_EXEC) look_at(data.exec.process_tgid);
  if (what == proc_event::PROC_EVENT_COMM && data.comm.process_pid == data.comm.process_tgid)
    look_at(data.comm.process_pid);
  if (what == proc_event::PROC_EVENT_EXIT && data.exit.process_pid == data.exit.process_tgid)
    gone(data.exit.process_pid);
}

void ProcessTracker::schedule() {
  poll_.expires_after(told_ ? std::chrono::seconds{told_interval} : poll_interval);
  poll_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    if (!told_ && !std::exchange(said_, true)) {
      log::info("the kernel does not tell of processes here: /proc is read every second");
    }
    scan();
    schedule();
  });
}

void ProcessTracker::scan() {
  const std::unique_ptr<DIR, CloseFolder> folder{opendir("/proc")};
  if (!folder) return log::error("/proc: {}", std::generic_category().message(errno));
  for (auto& [name, tracked] : tracked_) tracked.running.clear();
  while (const auto* entry = readdir(folder.get())) {
    const std::string_view name{entry->d_name};
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
    const auto facts = facts_of(pid);
    for (auto& [which, tracked] : tracked_) {
      if (matches(tracked.config, facts)) tracked.running.insert(pid);
    }
  }
  for (auto& [name, tracked] : tracked_) judge(tracked);
}

void ProcessTracker::look_at(pid_t pid) {
  const auto facts = facts_of(pid);
  for (auto& [name, tracked] : tracked_) {
    const bool runs = matches(tracked.config, facts);
    const bool changed = runs ? tracked.running.insert(pid).second : tracked.running.erase(pid) > 0;
    if (changed) judge(tracked);
  }
}

void ProcessTracker::gone(pid_t pid) {
  for (auto& [name, tracked] : tracked_) {
    if (tracked.running.erase(pid) > 0) judge(tracked);
  }
}

/// A change counts once it has lasted as long as it should.
void ProcessTracker::judge(Tracked& tracked) {
  const auto& config = tracked.config;
  const auto count = tracked.running.size();
  const bool enough = config.quorum_max == 0U || count >= config.quorum;
  const bool up = enough && (!config.quorum_max || count <= *config.quorum_max);
  if (tracked.up == up) {
    tracked.delayed = false;
    tracked.delay.cancel();
    return;
  }
  const auto delay = up ? config.fork_delay : config.terminate_delay;
  if (!tracked.up || delay.count() == 0) {
    tracked.up = up;
    return settle(tracked);
  }
  if (std::exchange(tracked.delayed, true)) return;
  tracked.delay.expires_after(delay);
  tracked.delay.async_wait([this, name = config.name, up](boost::system::error_code error) {
    const auto found = error ? tracked_.end() : tracked_.find(name);  // a reload may have removed it
    if (found == tracked_.end() || !std::exchange(found->second.delayed, false)) return;
    found->second.up = up;
    settle(found->second);
  });
}

void ProcessTracker::settle(Tracked& tracked) {
  const auto count = tracked.running.size();
  report_({config::TrackKind::process, tracked.config.name},
          {*tracked.up ? 1 : 0, fmt::format("process {}: {} running", tracked.config.name, count)});
}

}  // namespace ballast::vrrpd
