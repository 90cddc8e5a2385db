#pragma once
// A configuration on its way from ballastd to the daemons: typed objects, a commit with their count and digest, an
// acknowledgement, apply.
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/bus/framing.hpp"
#include "common/config/model.hpp"

namespace ballast::bus {

/// FNV-1a over the objects in their order: tells one configuration from another, and a whole transfer from a torn one.
class ConfigDigest {
 public:
  void add(std::string_view object, const nlohmann::json& value);
  [[nodiscard]] std::string text() const;

 private:
  std::uint64_t hash_ = 14695981039346656037ULL;
};

/// A configuration as frames: `config` for each object (`config/<generation>/vrrp_instance/VI_1`), then `commit`.
struct ConfigOffer {
  std::uint64_t generation = 0;
  std::string digest;
  std::size_t count = 0;
  std::vector<FrameBytes> frames;
};
ConfigOffer make_offer(const config::Model& model, std::uint64_t generation);

/// Puts a model together from its objects, in the order in which they come.
class ConfigAssembler {
 public:
  /// `object`: what follows `config/<generation>/`. Errors name the object and the field.
  Result<> add(std::string_view object, const nlohmann::json& value);
  /// The whole model, if count and digest agree with what came.
  Result<config::Model> finish(std::size_t count, const std::string& digest);

 private:
  config::Model model_;
  ConfigDigest digest_;
  std::size_t count_ = 0;
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
  /// An `apply` or `abort` frame: the model to run, if it differs from the one that runs.
  std::optional<config::Model> apply(const nlohmann::json& frame);
  void abort();
  [[nodiscard]] bool has_applied() const { return !running_.empty(); }

 private:
  struct Pending {
    std::uint64_t generation = 0;
    ConfigAssembler assembler;
    std::string error;
    std::string digest;
    std::optional<config::Model> model;  ///< set by the commit
  };
  Result<> check(const nlohmann::json& frame);

  Validate validate_;
  std::optional<Pending> pending_;
  std::string running_;  ///< digest of what was last applied
};

}  // namespace ballast::bus
