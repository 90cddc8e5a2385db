#pragma once
// Changes of what a configuration says about its services: one at a time, applied to a model or written as text.
#include "common/config/model.hpp"

namespace ballast::config {

enum class AmendKind : std::uint8_t { add_server, remove_server, server_weight, add_service, remove_service };
constexpr auto enum_names(AmendKind*) {
  using enum AmendKind;
  return std::array{pair{add_server, string_view{"add_server"}}, pair{remove_server, string_view{"remove_server"}},
                    pair{server_weight, string_view{"server_weight"}}, pair{add_service, string_view{"add_service"}},
                    pair{remove_service, string_view{"remove_service"}}};
}

struct Amendment {
  AmendKind kind = AmendKind::add_server;
  std::string service;                            ///< VirtualServer::name
  net::Endpoint server;                           ///< of the kinds that are about one
  int weight = 0;                                 ///< server_weight
  std::optional<RealServer> real_server{};        ///< add_server
  std::optional<VirtualServer> virtual_server{};  ///< add_service
  bool operator==(const Amendment&) const = default;
};
void to_json(nlohmann::json& json, const Amendment& value);
void from_json(const nlohmann::json& json, Amendment& value);

[[nodiscard]] constexpr bool is_about_server(AmendKind kind) {
  return kind != AmendKind::add_service && kind != AmendKind::remove_service;
}
/// `server 10.0.0.5:80 added`, `weight of server 10.0.0.5:80 is 3`, `removed`: without the service's name.
std::string in_words(const Amendment& amendment);

/// A server at that endpoint that is otherwise like another: probes of the other's address or port go to its own.
/// `like` may be that of a ServerSource, whose unspecified address and port 0 stand for those of the server.
RealServer instantiate(const RealServer& like, const net::Endpoint& endpoint);

/// Whether a service can have that server besides those it has: not twice, of a family and port that its method can
/// forward to, with ports to probe. The error says why not.
Result<> may_have(const VirtualServer& service, const RealServer& server);
/// FNAT: whether the service has a local address for that server.
Result<> has_local_address(const VirtualServer& service, const RealServer& server);

/// Names of services that `typed` may mean: the whole name, or the name without its protocol.
Result<std::string> find_service(const Model& model, const std::string& typed);

enum class Amended : std::uint8_t { done, so_already };
struct AmendOutcome {
  Amended amended = Amended::done;
  std::optional<int> weight_before{};  ///< server_weight
};
/// Changes the model; an error says why it cannot be, and then nothing has changed.
Result<AmendOutcome> amend(Model& model, const Amendment& amendment);

/// What makes `to` of `from` in services, their servers and weights. An error names a service that differs in more.
Result<std::vector<Amendment>> difference(const Model& from, const Model& to);

/// Amendments as text that can be included after what they change: virtual_server blocks and `amend` blocks, in that
/// order. `global`: that of the configuration that they belong to.
std::string print(const std::vector<Amendment>& amendments, const Global& global);

}  // namespace ballast::config
