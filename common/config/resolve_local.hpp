#pragma once
#include <unordered_map>
#include <unordered_set>

#include "common/config/binder.hpp"

namespace ballast::config {

/// Addresses that vrrp_instances own.
using FloatingAddresses = std::unordered_set<net::IpAddress>;

/// The local_address_groups, expanded.
class LocalGroups {
 public:
  /// Expands all of them; reports what cannot be a local address.
  explicit LocalGroups(Binder& binder);

  /// The addresses of a group; null: there is none of that name, which is reported. `floats`: the VIP of the service
  /// that asks belongs to a vrrp_instance.
  const std::vector<net::IpAddress>* find(const At<std::string>& name, bool floats);
  /// What to write into a service that lacks a group.
  [[nodiscard]] std::string suggestion() const;
  /// Compares all of them with the services' and servers' addresses, and with those that float.
  void check(const Model& model, const FloatingAddresses& floating);

 private:
  struct Group {
    const LocalGroupDraft* draft = nullptr;
    std::vector<net::IpAddress> addresses;
    bool floats = false;
  };
  void expand(Group& group);

  Binder& binder_;
  Report& report_;
  std::unordered_map<std::string_view, Group> groups_;
  std::vector<std::string_view> names_;
  std::size_t expanded_ = 0;
};

}  // namespace ballast::config
