#pragma once
// A configuration on its way from ballastd to the daemons: typed objects, a commit with their count and digest, an
// acknowledgement, apply.
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/bus/framing.hpp"
#include "common/config/model.hpp"

namespace ballast::bus {

/// One typed object on its way: `vrrp_instance/VI_1` and its JSON.
struct ConfigObject {
  std::string name;
  std::uint64_t digest = 0;  ///< of the text
  std::shared_ptr<const std::string> text;
};

/// A configuration as frames: `config` for each object (`config/<generation>/vrrp_instance/VI_1`), then `commit`.
struct ConfigOffer {
  std::uint64_t generation = 0;
  std::string digest;                                  ///< of all names and digests in their order
  std::vector<ConfigObject> objects;                   ///< the services last
  config::SharedList<config::VirtualServer> services;  ///< those that the last objects are of

  /// All of it.
  [[nodiscard]] std::vector<FrameBytes> frames() const;
  /// For who runs `base`: what is new or another than there; the commit says which objects there are, if they are
  /// others or in another order.
  [[nodiscard]] std::vector<FrameBytes> frames_since(const ConfigOffer& base) const;
};
/// What has not changed since `before` is taken from there.
ConfigOffer make_offer(const config::Model& model, std::uint64_t generation, const ConfigOffer* before = nullptr);

/// A configuration as a daemon runs it: the model, and the objects it was made of.
struct ConfigInForce {
  struct Entry {
    std::string name;
    std::uint64_t digest = 0;
  };
  config::Model model;
  std::vector<Entry> objects;
  std::string digest;
};

/// Puts a model together from objects, in the order in which they come, or in that of the commit.
class ConfigAssembler {
 public:
  /// `object`: what follows `config/<generation>/`. Errors name the object and the field.
  Result<> add(std::string_view object, const nlohmann::json& value);
  /// The whole model, if what the `commit` frame says agrees with what came. `running`: what a commit of changes since
  /// a base (`base`, its digest) is about.
  Result<ConfigInForce> finish(const nlohmann::json& commit, const ConfigInForce& running);

 private:
  struct Came {
    std::uint64_t digest = 0;
    std::size_t index = 0;  ///< among the objects of its kind
  };
  config::Model came_;
  std::vector<std::string> order_;
  std::unordered_map<std::string, Came> objects_;
};

/// A daemon's part in transactions.
class ConfigParticipant {
 public:
  using Validate = std::function<Result<>(const config::Model&)>;
  explicit ConfigParticipant(Validate validate) : validate_{std::move(validate)} {}

  /// A `config` frame. What is wrong with it is told at the commit.
  void object(const nlohmann::json& frame);
  /// A `commit` frame: the `ack` to send.
  nlohmann::json commit(const nlohmann::json& frame);
  /// An `apply` frame: the model to run, if it differs from the one that runs; valid until the next one.
  const config::Model* apply(const nlohmann::json& frame);
  void abort();
  [[nodiscard]] bool has_applied() const { return !running_.digest.empty(); }

 private:
  struct Pending {
    std::uint64_t generation = 0;
    ConfigAssembler assembler;
    std::string error;
    std::optional<ConfigInForce> made;  ///< set by the commit
  };
  Result<> check(const nlohmann::json& frame);

  Validate validate_;
  std::optional<Pending> pending_;
  ConfigInForce running_;  ///< what was last applied
};

}  // namespace ballast::bus
