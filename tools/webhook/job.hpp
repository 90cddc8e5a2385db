#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/webhook/url.hpp"

namespace ballast::webhook {

using Header = std::pair<std::string, std::string>;

/// One POST.
struct Job {
  Url url;
  std::vector<Header> headers;
  std::string ca_file;  ///< PEM; empty: the system's authorities
  bool verify = true;
  std::chrono::milliseconds timeout{5'000};  ///< of one try
  unsigned tries = 5;
  std::string body;
};

/// `Name: value` lines; empty ones and those that begin with `#` are left out. Errors: no name, a character that none
/// has, a header that is ours (Content-Length, Transfer-Encoding, Connection). They do not quote a value.
Result<std::vector<Header>> parse_headers(std::string_view text);

/// What scriptd writes: `{url, headers?, ca_file?, verify?, timeout?, tries?, body}`, JSON.
Result<Job> parse_job(std::string_view text);

}  // namespace ballast::webhook
