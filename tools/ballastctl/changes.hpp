#pragma once
// What differs from the configuration's file, for people. Pure.
#include <optional>
#include <string>
#include <vector>

#include "common/bus/change.hpp"

namespace ballast::ctl {

/// `by root 5 min ago, for 4 min more`. `now` is unix time.
std::string whose(const std::string& by, double since, double until, double now);

/// `10.0.0.5:80 added`, `tcp:…: removed`, `10.0.0.5:80 weighs 5 (file: 1)`.
std::string what(const bus::Change& change);

/// The list of `ballastctl changes`.
std::string render_changes(const std::vector<bus::Change>& changes, double now, bool colours);

/// The last change of a kind about a service, and a server where one is given (Endpoint text); null: none.
const bus::Change* find_change(const std::vector<bus::Change>& changes, config::AmendKind kind,
                               const std::string& service, const std::string& server = {});

/// A change without what an added server or service is like.
nlohmann::json brief(const bus::Change& change);

}  // namespace ballast::ctl
