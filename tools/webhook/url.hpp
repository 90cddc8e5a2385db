#pragma once
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace ballast::webhook {

/// An http or https URL, cut up (RFC 9110 section 4.2).
struct Url {
  bool tls = true;
  std::string host;    ///< without the brackets of an IPv6 address
  std::string port;    ///< a number: written, or 443 or 80
  std::string target;  ///< path and query; `/` at least
  bool operator==(const Url&) const = default;
};

/// Errors do not quote the URL: parts of it may be a secret.
Result<Url> parse_url(std::string_view text);

/// The Host header: the port only where it is not the scheme's.
std::string authority(const Url& url);

}  // namespace ballast::webhook
