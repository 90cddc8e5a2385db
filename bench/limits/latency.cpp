// Listens on the bus as forwardd does and watches the pinned maps: how long after a health or role message does the
// data path act on it? One line a change: `health 412` (µs). bench/limits/limits.py makes the changes happen.
#include <bpf/bpf.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "common/bus/client.hpp"
#include "common/runtime/clock.hpp"
#include "daemons/forwardd/xdp/bpf/layout.h"

namespace {

using namespace std::chrono_literals;

/// The first entries of a pinned array map, compared as bytes.
class Watched {
 public:
  Watched(const std::filesystem::path& pin, std::size_t value_size, std::uint32_t entries)
      : fd_(bpf_obj_get(pin.c_str())), value_size_(value_size), entries_(entries), last_(read()) {
    if (fd_ < 0) throw std::runtime_error("no map pinned at " + pin.string());
  }
  bool changed() {
    auto now = read();
    if (now == last_) return false;
    last_ = std::move(now);
    return true;
  }

 private:
  [[nodiscard]] std::vector<char> read() const {
    std::vector<char> bytes(value_size_ * entries_);
    for (std::uint32_t i = 0; i < entries_; ++i) bpf_map_lookup_elem(fd_, &i, bytes.data() + i * value_size_);
    return bytes;
  }
  int fd_;
  std::size_t value_size_;
  std::uint32_t entries_;
  std::vector<char> last_;
};

void report(const char* kind, Watched& map) {
  const auto heard = ballast::runtime::BootClock::now();
  while (!map.changed()) {
    if (ballast::runtime::BootClock::now() - heard > 200ms) return;  // this message changed nothing here
  }
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(ballast::runtime::BootClock::now() - heard);
  std::printf("%s %lld\n", kind, static_cast<long long>(took.count()));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path run_dir;
  std::filesystem::path pin_dir;
  CLI::App app{"time from a message on the bus to the data path"};
  app.add_option("--run-dir", run_dir)->required();
  app.add_option("--pin-dir", pin_dir)->required();
  CLI11_PARSE(app, argc, argv);

  const auto maps = pin_dir / ("v" + std::to_string(LAYOUT_VERSION));
  Watched servers{maps / "servers", sizeof(server), 8};
  Watched roles{maps / "roles", sizeof(std::uint32_t), 4};
  bool live = false;
  boost::asio::io_context io;
  ballast::bus::ClientHandlers handlers;
  handlers.snapshot_end = [&](const std::string&) { live = true; };
  handlers.update = [&](const std::string& topic, const nlohmann::json&) {
    if (!live) return;
    if (topic.starts_with("health/")) report("health", servers);
    if (topic.starts_with("vrrp/")) report("role", roles);
  };
  ballast::bus::Client client{io, {run_dir / "bus.sock", "ctl", {"health/", "vrrp/"}, false}, handlers};
  client.start();
  io.run();
}
