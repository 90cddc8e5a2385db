// Any bytes as etcd's answers: an error in words or a view of servers, whatever comes after whatever.
#include <cstdint>
#include <nlohmann/json.hpp>

#include "daemons/checkd/sources/etcd_view.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  checkd::EtcdView view{"/web/", 80};
  const auto text_of = [](const std::string& message) { nlohmann::json{message}.dump(); };  // throws on what is no text
  for (bool first = true; !text.empty(); first = false) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (first) {
      if (const auto read = view.on_range(line); !read) text_of(read.error().message);
    } else if (const auto news = view.on_watch(line); !news) {
      text_of(news.error().message);
    }
    const auto found = view.found();
    require(found.servers.size() <= size, "no more servers than bytes");
    text_of(found.note);
    nlohmann::json::parse(view.watch_request());
  }
  if (const auto bytes = checkd::from_base64({reinterpret_cast<const char*>(data), size}))
    require(checkd::from_base64(checkd::to_base64(*bytes)).value() == *bytes, "base64 there and back");
  return 0;
}
