#pragma once
// How a real server is probed: one Check a checker, every value resolved.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/boxed.hpp"
#include "common/config/duration.hpp"
#include "common/config/model_scripts.hpp"
#include "common/net/ip_address.hpp"

namespace ballast::config {

enum class CheckKind : std::uint8_t { tcp, http, ssl, smtp, dns, udp, ping, misc, file, agent, grpc };
constexpr auto enum_names(CheckKind*) {
  using enum CheckKind;
  using std::pair;
  using std::string_view;
  return std::array{pair{tcp, string_view{"TCP_CHECK"}},   pair{http, string_view{"HTTP_GET"}},
                    pair{ssl, string_view{"SSL_GET"}},     pair{smtp, string_view{"SMTP_CHECK"}},
                    pair{dns, string_view{"DNS_CHECK"}},   pair{udp, string_view{"UDP_CHECK"}},
                    pair{ping, string_view{"PING_CHECK"}}, pair{misc, string_view{"MISC_CHECK"}},
                    pair{file, string_view{"FILE_CHECK"}}, pair{agent, string_view{"AGENT_CHECK"}},
                    pair{grpc, string_view{"GRPC_CHECK"}}};
}

/// What is spoken; http2 over TLS by ALPN, else with prior knowledge (RFC 9113 section 3.3).
enum class HttpVersion : std::uint8_t { http10, http10_close, http11, http2 };
constexpr auto enum_names(HttpVersion*) {
  using std::pair;
  using std::string_view;
  return std::array{pair{HttpVersion::http10, string_view{"1.0"}}, pair{HttpVersion::http10_close, string_view{"1.0C"}},
                    pair{HttpVersion::http11, string_view{"1.1"}}, pair{HttpVersion::http2, string_view{"2"}}};
}

enum class DnsType : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, mx = 15, txt = 16, aaaa = 28 };
constexpr auto enum_names(DnsType*) {
  using enum DnsType;
  using std::pair;
  using std::string_view;
  return std::array{pair{a, string_view{"A"}},      pair{ns, string_view{"NS"}}, pair{cname, string_view{"CNAME"}},
                    pair{soa, string_view{"SOA"}},  pair{mx, string_view{"MX"}}, pair{txt, string_view{"TXT"}},
                    pair{aaaa, string_view{"AAAA"}}};
}

struct StatusRange {
  std::uint16_t first = 200;
  std::uint16_t last = 299;
  bool operator==(const StatusRange&) const = default;
};

/// A search in the body, by PCRE2.
struct BodyRegex {
  std::string pattern;
  std::vector<std::string> options;  ///< PCRE2's names in small letters, as in keepalived: `caseless`, `dotall`
  bool must_not_match = false;       ///< regex_no_match
  std::uint32_t min_offset = 0;      ///< bytes: the search begins here
  std::uint32_t max_offset = 0;      ///< bytes: a match begins before this; 0: anywhere
  bool operator==(const BodyRegex&) const = default;
};

/// One `url { }` of HTTP_GET and SSL_GET.
struct HttpUrl {
  std::string path = "/";
  std::vector<StatusRange> status;  ///< empty: any 2xx, unless a digest is given
  std::string digest;               ///< lower-case hex MD5 of the body; empty: not compared
  std::string virtualhost;          ///< the Host header; empty: the check's, then the service's, then the address
  std::optional<BodyRegex> regex{};
  bool operator==(const HttpUrl&) const = default;
};

struct HttpCheck {
  HttpVersion version = HttpVersion::http11;
  std::string virtualhost;    ///< as in HttpUrl
  bool fast_recovery = true;  ///< a server that comes up: its urls are probed one after the other without delay_loop
  std::vector<HttpUrl> urls;  ///< all must pass
  bool operator==(const HttpCheck&) const = default;
};

/// How TLS is spoken by a checker that speaks it.
struct TlsClient {
  bool sni = false;         ///< enable_sni: send the name of the server
  std::string server_name;  ///< that name, which a verified certificate must have; empty: the Host header's, else none
  bool verify = false;      ///< an answer counts only over a certificate that a known authority has signed
  std::string ca_file;      ///< PEM; empty: the system's authorities
  std::string certificate;  ///< PEM of ours; empty: none
  std::string key;          ///< PEM, not encrypted
  Duration expiry_warning{std::chrono::hours{24 * 14}};  ///< told so long ahead; 0: never
  bool operator==(const TlsClient&) const = default;
};

struct SmtpCheck {
  std::string helo_name;  ///< empty: `localhost`
  bool operator==(const SmtpCheck&) const = default;
};

struct DnsCheck {
  DnsType type = DnsType::soa;
  std::string name = ".";
  bool operator==(const DnsCheck&) const = default;
};

/// Bytes are lower-case hexadecimal; in `reply` an `x` stands for four bits that do not matter.
struct UdpCheck {
  std::string payload;  ///< empty: 16 random bytes, as long as keepalived's
  bool require_reply = false;
  std::string reply;  ///< what it begins with; empty: anything
  unsigned min_reply = 0;
  unsigned max_reply = 255;
  bool operator==(const UdpCheck&) const = default;
};

struct MiscCheck {
  Command command;
  Duration timeout{0};   ///< then it is killed and has failed; 0: delay_loop
  bool dynamic = false;  ///< exit status 2 to 255 is the weight, and 2 more
  bool operator==(const MiscCheck&) const = default;
};

struct FileCheck {
  std::string name;  ///< of the track_file
  std::string path;
  int weight = 1;        ///< the file's number is multiplied with it; 0: any number but 0 is a failure
  bool reverse = false;  ///< with the number's opposite
  bool dynamic = false;  ///< the product is added to the server's weight; else it changes nothing
  bool operator==(const FileCheck&) const = default;
};

/// HAProxy's agent protocol: a line such as `up 75%`, `drain`, `maint`.
struct AgentCheck {
  std::string send;  ///< text sent after connecting; empty: nothing
  bool operator==(const AgentCheck&) const = default;
};

/// grpc.health.v1.Health/Check.
struct GrpcCheck {
  std::string service;    ///< empty: the server as a whole
  std::string authority;  ///< empty: the address
  bool operator==(const GrpcCheck&) const = default;
};

/// One checker of one real server, every value resolved (checker, then real_server, then virtual_server, then default).
/// Of the parts that belong to one kind only those of its kind are there.
struct Check {
  CheckKind kind = CheckKind::tcp;
  net::Endpoint target;               ///< connect_ip/connect_port, else the real server
  std::optional<net::Endpoint> bind;  ///< bindto, bind_port
  std::string bind_interface;         ///< bind_if; empty: any
  std::uint32_t fwmark = 0;           ///< of the packets of probes; 0: none
  Duration delay_loop = 60s;          ///< between two probes
  Duration connect_timeout = 5s;
  unsigned retry = 1;  ///< further tries before a failure counts (`fall` less one)
  Duration delay_before_retry = 1s;
  unsigned rise = 1;     ///< successes in a row before one counts
  Duration warmup = 0s;  ///< random delay before the first probe
  bool alpha = false;    ///< down until the first success
  bool log_all = false;  ///< log_all_failures: those before the last try, too
  Boxed<HttpCheck> http;
  Boxed<TlsClient> tls;  ///< SSL_GET always; GRPC_CHECK, AGENT_CHECK and SMTP_CHECK where they ask for it
  Boxed<SmtpCheck> smtp;
  Boxed<DnsCheck> dns;
  Boxed<UdpCheck> udp;
  Boxed<MiscCheck> misc;
  Boxed<FileCheck> file;
  Boxed<AgentCheck> agent;
  Boxed<GrpcCheck> grpc;
  bool operator==(const Check&) const = default;
};

}  // namespace ballast::config
