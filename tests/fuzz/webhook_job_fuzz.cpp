// Any bytes as what ballast-webhook reads: whatever is taken makes one request of one target, and no header ends early.
#include <algorithm>
#include <cstdint>

#include "tests/fuzz/require.hpp"
#include "tools/webhook/job.hpp"

namespace {

void check_headers(const std::vector<ballast::webhook::Header>& headers) {
  for (const auto& [name, value] : headers) {
    require(!name.empty() && name.find_first_of(" :\r\n") == std::string::npos, "a name is a token");
    require(value.find_first_of("\r\n") == std::string::npos, "a value is one line");
  }
}

void check_url(const ballast::webhook::Url& url) {
  require(!url.host.empty() && !url.port.empty(), "there is somebody to connect to");
  require(url.target.starts_with('/'), "a target is a path");
  require(std::ranges::all_of(url.target, [](unsigned char c) { return c > ' ' && c < 0x7f; }), "and one word");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast::webhook;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto headers = parse_headers(bytes); headers) check_headers(*headers);
  if (const auto url = parse_url(bytes); url) check_url(*url);
  if (const auto job = parse_job(bytes); job) {
    check_url(job->url);
    check_headers(job->headers);
    require(job->tries >= 1 && job->timeout.count() > 0, "it ends");
  }
  return 0;
}
