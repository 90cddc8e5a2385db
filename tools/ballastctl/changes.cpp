#include "tools/ballastctl/changes.hpp"

#include <algorithm>

#include "tools/ballastctl/table.hpp"

namespace ballast::ctl {

using config::AmendKind;

std::string whose(const std::string& by, double since, double until, double now) {
  auto text = fmt::format("by {} {} ago", by, age(now - since));
  if (until > 0) text += fmt::format(", for {} more", age(until - now));
  return text;
}

std::string what(const bus::Change& change) {
  const auto& about = change.amendment;
  if (about.kind != AmendKind::server_weight) return config::in_words(about);
  const auto file = change.weight_before ? fmt::format(" (file: {})", *change.weight_before) : std::string{};
  return fmt::format("server {} weighs {}{}", about.server, about.weight, file);
}

std::string render_changes(const std::vector<bus::Change>& changes, double now, bool colours) {
  if (changes.empty()) return "nothing differs from the file\n";
  Table table{{{"NUMBER", true}, {"SERVICE"}, {"CHANGE"}, {"BY"}, {"AGO"}, {"FOR"}, {"SAVED"}}, 0};
  for (const auto& change : changes) {
    table.row({fmt::format("{}", change.number), change.amendment.service, what(change), change.by,
               age(now - change.since),
               change.until > 0 ? age(change.until - now) + " more" : std::string{"until undone"},
               change.saved ? "yes" : "no"});
  }
  return table.render(colours);
}

const bus::Change* find_change(const std::vector<bus::Change>& changes, AmendKind kind, const std::string& service,
                               const std::string& server) {
  const auto found = std::find_if(changes.rbegin(), changes.rend(), [&](const auto& change) {
    const auto& about = change.amendment;
    return about.kind == kind && about.service == service && (server.empty() || about.server.to_string() == server);
  });
  return found == changes.rend() ? nullptr : &*found;
}

nlohmann::json brief(const bus::Change& change) {
  nlohmann::json json = change;
  json["amendment"].erase("real_server");
  json["amendment"].erase("virtual_server");
  return json;
}

}  // namespace ballast::ctl
