#include "daemons/vrrpd/shell/host_facts.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include <fstream>

namespace ballast::vrrpd {

std::optional<unsigned> link_setting(net::Family family, const std::string& interface, const std::string& name) {
  const auto* version = family == net::Family::ipv4 ? "ipv4" : "ipv6";
  std::ifstream file{fmt::format("/proc/sys/net/{}/conf/{}/{}", version, interface, name)};
  unsigned value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::optional<bool> does_multicast(const std::string& interface) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  const bool done = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  close(fd);
  if (!done) return std::nullopt;
  return (request.ifr_flags & IFF_MULTICAST) != 0;
}

std::optional<bool> clock_is_synchronised() {
  timex clock{};
  const int state = adjtimex(&clock);
  if (state < 0) return std::nullopt;
  return state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
}

bool runs_in_real_time() {
  const int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
  return policy == SCHED_RR || policy == SCHED_FIFO;
}

}  // namespace ballast::vrrpd
