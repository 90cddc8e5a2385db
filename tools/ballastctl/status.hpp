#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/change.hpp"
#include "common/bus/messages.hpp"

namespace ballast::ctl {

/// Retained values by topic, as the bus handed them over.
using Topics = std::map<std::string, nlohmann::json>;

/// What a node's status is made from.
struct Sources {
  std::string host;                                     ///< this machine's name
  Topics topics;                                        ///< node/, vrrp/, health/, service/, admin/, change/
  std::optional<std::vector<bus::ServiceState>> fresh;  ///< forwardd's answer, if it answered
  std::optional<config::Model> model;                   ///< the configuration in force, if it was asked for
};

struct DaemonStatus {
  std::string role;
  std::optional<bus::NodeState> running;
};

/// A node as a whole: one structure, of which table and JSON are renderings.
struct Status {
  std::string name;
  std::string version;
  double since = 0;  ///< unix time of ballastd's start; 0: unknown
  std::vector<DaemonStatus> daemons;
  std::vector<bus::VrrpState> vrrp;
  std::vector<bus::ServiceState> services;
  std::vector<bus::Change> changes{};  ///< what differs from the file, in the order in which it was changed
};

/// Services come from forwardd's answer, else from its topics, else (it never ran) from configuration and health.
/// Values that cannot be read are left out.
Status gather(const Sources& sources);

nlohmann::json to_json(const Status& status);

/// The table a person reads. `now` is unix time.
std::string render(const Status& status, double now, bool colours);

/// All values below a prefix that can be read as T, in order of the topics.
template <class T>
std::vector<T> values_of(const Topics& topics, const std::string& prefix) {
  std::vector<T> values;
  for (auto entry = topics.lower_bound(prefix); entry != topics.end() && entry->first.starts_with(prefix); ++entry) {
    if (auto value = bus::decode<T>(entry->second)) values.push_back(std::move(*value));
  }
  return values;
}

}  // namespace ballast::ctl
