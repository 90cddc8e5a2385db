#pragma once
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "common/config/model.hpp"
#include "common/result.hpp"
#include "daemons/checkd/channel.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// OpenSSL's contexts, one for each set of files, shared by all checks that want the same.
class TlsContexts {
 public:
  using Context = std::shared_ptr<boost::asio::ssl::context>;
  /// Files are looked at so often at the most.
  explicit TlsContexts(std::chrono::milliseconds look_every = std::chrono::seconds{1}) : look_every_{look_every} {}
  /// The context for that, made anew when one of its files has changed. A change that cannot be read is told in the
  /// log, and the former context goes on; without a former one it is an error.
  Result<Context> get(const config::TlsClient& tls);

 private:
  using Key = std::tuple<bool, std::string, std::string, std::string>;
  struct Stamp {
    std::string file;
    std::int64_t seconds = 0, nanoseconds = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Entry {
    Context context;
    std::vector<Stamp> stamps;
    std::chrono::nanoseconds looked{};
  };
  static std::vector<Stamp> stamps_of(const config::TlsClient& tls);

  std::chrono::milliseconds look_every_;
  std::map<Key, Entry> entries_;
};

/// What ALPN offers and asks for (RFC 7301).
enum class Alpn : std::uint8_t { nothing, h2 };

/// What a handshake came to.
struct Tls {
  Verdict verdict;                   ///< passed, or why there is no TLS; with certificate_until once one was shown
  std::unique_ptr<Channel> channel;  ///< over the stream, which must outlive it; null unless passed
};

/// A TLS client's handshake, as the check's `tls` says, over a stream that is connected; it ends when the stream's own
/// time (`expires_after`) is over. `name` is what the server is called where tls_server_name says nothing, perhaps with
/// a port (a Host header); empty: nothing but the target's address.
boost::asio::awaitable<Tls> handshake(boost::beast::tcp_stream& stream, TlsContexts& contexts,
                                      const config::Check& check, const std::string& name, Alpn alpn = Alpn::nothing);

/// A Host header without its port and brackets.
std::string bare_host(std::string_view host);

}  // namespace ballast::checkd
