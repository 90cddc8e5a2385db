// Thousands of servers in one cheap process: whatever address of its namespace a probe asks, it is answered on these
// ports: TCP alone, TCP alone for those that shall die, HTTP. It notes when the first packet of each probe came, by
// address. Commands, a line each: `begin`, `report` (JSON), `kill` (the ports for the dying are closed), `revive`.
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::uint16_t tcp_port = 80;
constexpr std::uint16_t dying_port = 81;
constexpr std::uint16_t http_port = 8080;
constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string{what} + ": " + std::strerror(errno));  // NOLINT
}

/// When probes began, by server address: SYNs as they enter this namespace, with the kernel's time stamps.
class Diary {
 public:
  Diary() : socket_(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP))) {
    require(socket_ >= 0, "packet socket");
    // Incoming, TCP, SYN without ACK; offsets from the IP header, which has no options here.
    std::array<sock_filter, 8> code{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 5, PACKET_HOST},
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, 9},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, IPPROTO_TCP},
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, 20 + 13},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x02},
        {BPF_RET | BPF_K, 0, 0, 64},
        {BPF_RET | BPF_K, 0, 0, 0},
    }};
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    require(setsockopt(socket_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0, "SO_ATTACH_FILTER");
    const int on = 1;
    require(setsockopt(socket_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0, "SO_TIMESTAMPNS");
    const int size = 64 << 20;
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  }

  void begin() {
    const std::lock_guard lock{mutex_};
    last_.clear();
    intervals_.clear();
    probes_ = 0;
    dropped();
  }

  nlohmann::json report() {
    const std::lock_guard lock{mutex_};
    std::ranges::sort(intervals_);
    double sum = 0;
    for (const auto each : intervals_) sum += each;
    const auto at = [&](double share) {
      if (intervals_.empty()) return 0.0;
      return intervals_[std::min(intervals_.size() - 1,
                                 static_cast<std::size_t>(share * static_cast<double>(intervals_.size())))];
    };
    return {{"probes", probes_},    {"servers", last_.size()},
            {"median", at(0.5)},    {"p999", at(0.999)},
            {"worst", at(1.0)},     {"shortest", at(0.0)},
            {"dropped", dropped()}, {"mean", intervals_.empty() ? 0.0 : sum / static_cast<double>(intervals_.size())}};
  }

  [[noreturn]] void keep() {
    constexpr unsigned batch = 64;
    std::array<std::array<std::uint8_t, 64>, batch> frames{};
    std::array<std::array<char, 128>, batch> controls{};
    std::array<iovec, batch> parts{};
    std::array<mmsghdr, batch> messages{};
    for (;;) {
      for (unsigned i = 0; i < batch; ++i) {
        parts[i] = {frames[i].data(), frames[i].size()};
        messages[i].msg_hdr = {};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = controls[i].data();
        messages[i].msg_hdr.msg_controllen = controls[i].size();
      }
      const int count = recvmmsg(socket_, messages.data(), batch, MSG_WAITFORONE, nullptr);
      if (count < 0 && errno == EINTR) continue;
      require(count > 0, "recvmmsg");
      const std::lock_guard lock{mutex_};
      for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) note(frames[i], messages[i]);
    }
  }

 private:
  void note(const std::array<std::uint8_t, 64>& frame, const mmsghdr& message) {
    if (message.msg_len < 24) return;
    double when = 0;
    for (auto* each = CMSG_FIRSTHDR(&message.msg_hdr); each != nullptr;
         each = CMSG_NXTHDR(const_cast<msghdr*>(&message.msg_hdr), each)) {
      timespec stamp{};
      if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SO_TIMESTAMPNS) continue;
      std::memcpy(&stamp, CMSG_DATA(each), sizeof stamp);
      when = static_cast<double>(stamp.tv_sec) + static_cast<double>(stamp.tv_nsec) / 1e9;
    }
    std::uint32_t address = 0;
    std::memcpy(&address, frame.data() + 16, sizeof address);
    std::uint16_t port = 0;
    std::memcpy(&port, frame.data() + 22, sizeof port);
    const auto key = std::uint64_t{address} << 16 | port;
    ++probes_;
    const auto [entry, first] = last_.try_emplace(key, when);
    if (first) return;
    intervals_.push_back(when - entry->second);
    entry->second = when;
  }

  std::uint64_t dropped() {
    tpacket_stats stats{};
    socklen_t size = sizeof stats;
    getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
    return stats.tp_drops;
  }

  int socket_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, double> last_;
  std::vector<double> intervals_;
  std::uint64_t probes_ = 0;
};

int listen_on(std::uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  require(made >= 0, "socket");
  const int on = 1;
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  require(bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  require(listen(made, 16384) == 0, "listen");
  return made;
}

/// Accepts and closes; answers HTTP first.
class Servers {
 public:
  Servers()
      : epoll_(epoll_create1(EPOLL_CLOEXEC)),
        tcp_(listen_on(tcp_port)),
        dying_(listen_on(dying_port)),
        http_(listen_on(http_port)) {
    for (const int each : {STDIN_FILENO, tcp_, dying_, http_}) watch(each, EPOLLIN);
  }

  void run(Diary& diary) {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int ready = events.at(static_cast<std::size_t>(i)).data.fd;
        if (ready == STDIN_FILENO) {
          if (!command(diary)) return;
        } else if (ready == tcp_ || ready == dying_ || ready == http_) {
          take(ready);
        } else {
          serve(ready);
        }
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    require(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  }

  void take(int listener) {
    for (;;) {
      const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      if (listener == http_)
        watch(client, EPOLLIN);
      else
        close(client);
    }
  }

  static void serve(int client) {
    std::array<char, 4096> request{};
    const auto size = read(client, request.data(), request.size());
    if (size < 0 && errno == EAGAIN) return;
    if (size > 0) {
      // A probe's request fits one packet.
      [[maybe_unused]] const auto sent = write(client, answer.data(), answer.size());
    }
    close(client);
  }

  bool command(Diary& diary) {
    std::array<char, 64> line{};
    const auto size = read(STDIN_FILENO, line.data(), line.size());
    if (size <= 0) return false;
    const std::string_view word{line.data(), static_cast<std::size_t>(size)};
    nlohmann::json reply{{"ok", true}};
    if (word == "begin\n") {
      diary.begin();
    } else if (word == "report\n") {
      reply = diary.report();
    } else if (word == "kill\n" && dying_ >= 0) {
      close(dying_);
      dying_ = -1;
    } else if (word == "revive\n" && dying_ < 0) {
      dying_ = listen_on(dying_port);
      watch(dying_, EPOLLIN);
    }
    const auto text = reply.dump() + "\n";
    require(write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write");
    return true;
  }

  int epoll_, tcp_, dying_, http_;
};

}  // namespace

int main() {
  try {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    Diary diary;
    std::thread{[&diary] { diary.keep(); }}.detach();
    Servers{}.run(diary);
  } catch (const std::exception& exception) {
    std::string text = std::string{"bench_servers: "} + exception.what() + "\n";
    [[maybe_unused]] const auto told = write(STDERR_FILENO, text.data(), text.size());
    _exit(1);
  }
  _exit(0);
}
