#pragma once
// etcd's answers (version 3, by its JSON gateway) and what they say of servers. Pure.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "daemons/checkd/sources/source_memory.hpp"

namespace ballast::checkd {

/// http://HOST:PORT or https://HOST:PORT
struct EtcdUrl {
  bool tls = false;
  std::string host;  ///< a name or an address without brackets
  std::string port;
  static Result<EtcdUrl> parse(std::string_view text);
};

std::string to_base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);

/// The keys below a prefix, as of a revision.
class EtcdView {
 public:
  enum class News : std::uint8_t { none, changed, compacted };

  /// `port` is that of a value that names none.
  EtcdView(std::string prefix, std::uint16_t port) : prefix_{std::move(prefix)}, port_{port} {}

  /// Bodies of the requests to /v3/kv/range and, from the revision read, /v3/watch.
  [[nodiscard]] std::string range_request() const;
  [[nodiscard]] std::string watch_request() const;

  /// All of them, anew. An answer that cannot be read changes nothing.
  Result<> on_range(std::string_view answer);
  /// One message of a watch. `compacted`: the revision is gone, all are to be read anew.
  Result<News> on_watch(std::string_view message);

  /// A value that names no server is left out, and noted.
  [[nodiscard]] Found found() const;
  [[nodiscard]] std::int64_t revision() const { return revision_; }

 private:
  std::string prefix_;
  std::uint16_t port_;
  std::map<std::string, std::string> values_;  ///< by key
  std::int64_t revision_ = 0;
  bool more_ = false;
};

}  // namespace ballast::checkd
