// Any bytes as a file of servers: a list or an error in words, and what is read can be remembered.
#include <cstdint>

#include "daemons/checkd/sources/server_line.hpp"
#include "daemons/checkd/sources/source_memory.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ballast;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  auto list = checkd::parse_server_list(text, "/servers", 80);
  if (!list) {
    require(list.error().message.starts_with("/servers:"), "an error names its line");
    nlohmann::json{list.error().message}.dump();  // throws on what is no text
    return 0;
  }
  require(list->size() <= size, "no more servers than bytes");
  config::SourceQuery query;
  query.kind = config::SourceKind::file;
  query.name = "/servers";
  query.most = 8;
  checkd::SourceMemory memory{"tcp:10.0.0.100:80", 0, query, {true, (size & 1) != 0}};
  memory.on_found({*list, {}}, {});
  memory.on_found({{}, {}}, {});
  const auto& state = memory.state();
  require(state.servers.size() <= query.most, "no more than most");
  for (std::size_t i = 1; i < state.servers.size(); ++i)
    require(state.servers[i - 1].endpoint < state.servers[i].endpoint, "sorted, and each once");
  const auto back = nlohmann::json(state).get<bus::SourceState>();
  require(back.servers == state.servers, "the bus carries it");
  return 0;
}
