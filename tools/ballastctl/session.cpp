#include "tools/ballastctl/session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <utility>

namespace ballast::ctl {
namespace asio = boost::asio;

namespace {

// The client retries for ever; a person wants to know at once that nobody is there.
Result<> somebody_listens(const std::filesystem::path& socket) {
  asio::io_context io;
  asio::local::stream_protocol::socket probe{io};
  boost::system::error_code error;
  if (socket.native().size() >= sizeof(sockaddr_un::sun_path))
    return fail("{}: too long for a socket's path", socket.native());
  probe.connect(socket.native(), error);
  if (!error) return {};
  if (error == boost::system::errc::permission_denied) {
    return fail("{}: permission denied: be root or in the group ballast", socket.native());
  }
  return fail("no ballastd at {}: is it running? (systemctl status ballastd)", socket.native());
}

}  // namespace

Session::Session(const std::filesystem::path& socket, std::vector<std::string> prefixes,
                 std::function<void(const bus::Event&)> event)
    : awaited_(prefixes.begin(), prefixes.end()),
      client_(io_, {.socket = socket, .role = "ctl", .subscriptions = std::move(prefixes), .configuration = false},
              handlers(std::move(event))) {
  awaited_.erase("events");  // nothing of them is retained
}

Session::~Session() = default;

bus::ClientHandlers Session::handlers(std::function<void(const bus::Event&)> event) {
  bus::ClientHandlers handlers;
  handlers.update = [this](const std::string& topic, const nlohmann::json& value) {
    changed_ = true;
    if (value.is_null())
      topics_.erase(topic);
    else
      topics_[topic] = value;
  };
  handlers.snapshot_end = [this](const std::string& prefix) { awaited_.erase(prefix); };
  handlers.event = [this, event = std::move(event)](const bus::Event& happened) {
    changed_ = true;
    if (event) event(happened);
  };
  handlers.connected = [this](bool connected) { connected_ = connected; };
  return handlers;
}

Result<std::unique_ptr<Session>> Session::open(const std::filesystem::path& run_dir, std::vector<std::string> prefixes,
                                               std::function<void(const bus::Event&)> event,
                                               std::chrono::milliseconds patience) {
  const auto socket = run_dir / "bus.sock";
  if (const auto listening = somebody_listens(socket); !listening) return listening.error();
  std::unique_ptr<Session> session{new Session{socket, std::move(prefixes), std::move(event)}};
  session->client_.start();
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (!session->connected_ || !session->awaited_.empty()) {
    if (session->io_.run_one_until(limit) == 0) {
      if (session->connected_)
        return fail("ballastd at {} has not told all it knows within {:g} s", socket.native(),
                    std::chrono::duration<double>{patience}.count());
      const auto why = session->request("ballastd", "config", nlohmann::json::object(), std::chrono::milliseconds{100});
      return fail("ballastd at {} does not take us: {}", socket.native(), why ? "too late" : why.error().message);
    }
  }
  return session;
}

Result<nlohmann::json> Session::request(const std::string& to, const std::string& method, nlohmann::json params,
                                        std::chrono::milliseconds timeout) {
  std::optional<Result<nlohmann::json>> reply;
  asio::co_spawn(io_, client_.request(to, method, std::move(params), timeout),
                 [&](const std::exception_ptr& failure, Result<nlohmann::json> result) {
                   if (failure) std::rethrow_exception(failure);
                   reply = std::move(result);
                 });
  io_.restart();
  while (!reply && io_.run_one() > 0) {
  }
  if (!reply) return fail("no reply from {}", to);
  return *reply;
}

void Session::follow() {
  asio::signal_set signals{io_, SIGINT, SIGTERM};
  signals.async_wait([this](auto, int) { io_.stop(); });
  io_.restart();
  io_.run();
}

bool Session::await(const std::function<bool()>& holds, std::chrono::steady_clock::time_point limit) {
  changed_ = true;
  for (;;) {
    // What came together is looked at once.
    io_.restart();
    io_.poll();
    if (std::exchange(changed_, false) && holds()) return true;
    if (changed_) continue;
    if (std::chrono::steady_clock::now() >= limit) return false;
    io_.restart();
    io_.run_one_until(limit);
  }
}

}  // namespace ballast::ctl
