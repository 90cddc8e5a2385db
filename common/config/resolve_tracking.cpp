// What instances and sync groups track: names looked up, weights filled in.
#include <algorithm>
#include <unordered_map>

#include "common/config/resolve.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

/// An LB without healthy servers yields to one that has some, and where nobody has any the master stays.
constexpr int service_weight = -100;

struct Defaults {
  int weight = 0;
  bool reverse = false;
};
using Known = std::unordered_map<std::string_view, Defaults>;

class TrackResolver {
 public:
  TrackResolver(Binder& binder, Model& model) : binder_{binder}, report_{binder.report()}, model_{model} {}

  void run() {
    for (const auto& script : model_.vrrp_scripts) scripts_[script.name] = {script.weight, script.reverse};
    define(binder_.draft().tracking.files, files_, model_.tracking.files, "vrrp_track_file");
    define(binder_.draft().tracking.processes, processes_, model_.tracking.processes, "vrrp_track_process");
    check_definitions();
    const auto& instances = binder_.draft().instances;
    for (std::size_t i = 0; i < instances.size(); ++i) {
      auto& made = model_.vrrp_instances[i];
      for (const auto& draft : instances[i].tracks) add(draft, made.tracks, &made);
      if (made.priority != 255) continue;
      const auto weighted = [](const Track& track) { return track.weight != 0; };
      if (std::ranges::any_of(made.tracks, weighted)) {
        report_.warning(instances[i].block,
                        fmt::format("vrrp_instance {} owns the addresses (priority 255): weights of "
                                    "what it tracks mean nothing",
                                    made.name));
      }
    }
    const auto& groups = binder_.draft().sync_groups;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      for (const auto& draft : groups[i].tracks) add(draft, model_.vrrp_sync_groups[i].tracks, nullptr);
    }
  }

 private:
  template <class Definition>
  void define(const std::vector<TrackedDraft<Definition>>& drafts, Known& known, std::vector<Definition>& made,
              std::string_view keyword) {
    for (const auto& draft : drafts) {
      if (!known.emplace(draft.name.value, Defaults{draft.weight, draft.reverse}).second) {
        report_.error(draft.name.at, fmt::format("{} {} exists already", keyword, shorten(draft.name.value)));
        continue;
      }
      made.push_back(draft.definition);
      made.back().name = draft.name.value;
    }
  }

  void check_definitions() {
    for (const auto& draft : binder_.draft().tracking.files) {
      if (draft.definition.path.empty())
        report_.error(draft.name.at, fmt::format("vrrp_track_file {} has no file", shorten(draft.name.value)));
    }
    for (const auto& draft : binder_.draft().tracking.processes) {
      const auto& process = draft.definition;
      if (process.words.empty())
        report_.error(draft.name.at, fmt::format("vrrp_track_process {} has no process", shorten(draft.name.value)));
      if (process.quorum_max && *process.quorum_max != 0 && *process.quorum_max < process.quorum)
        report_.error(draft.name.at, "quorum_max is below quorum");
    }
  }

  void add(const TrackDraft& draft, std::vector<Track>& list, const VrrpInstance* instance) {
    Track track{draft.kind, draft.words.front().value, 0, false};
    const auto defaults = look_up(draft, track.name, instance);
    if (!defaults) return;
    track.weight = draft.weight ? draft.weight->value : defaults->weight;
    track.reverse = draft.reverse.value_or(defaults->reverse);
    const bool again = std::ranges::any_of(
        list, [&](const Track& other) { return other.kind == track.kind && other.name == track.name; });
    if (again) {
      report_.warning(draft.words.front().at,
                      fmt::format("{} {} is tracked twice: the first one counts", track.kind, track.name));
      return;
    }
    list.push_back(std::move(track));
  }

  /// The whole name, and what the definition says about weights; none after an error.
  std::optional<Defaults> look_up(const TrackDraft& draft, std::string& name, const VrrpInstance* instance) {
    switch (draft.kind) {
      case TrackKind::script:
        return find(draft, scripts_, "vrrp_script");
      case TrackKind::file:
        return find(draft, files_, "vrrp_track_file");
      case TrackKind::process:
        return find(draft, processes_, "vrrp_track_process");
      case TrackKind::service:
        return service(draft, name);
      case TrackKind::route:
        return route(draft, name, instance);
      case TrackKind::gateway:
        return gateway(draft, name, instance);
    }
    return std::nullopt;
  }

  std::optional<Defaults> find(const TrackDraft& draft, const Known& known, std::string_view keyword) {
    const auto& [name, at] = draft.words.front();
    if (const auto found = known.find(name); found != known.end()) return found->second;
    std::vector<std::string_view> names;
    for (const auto& each : known) names.push_back(each.first);
    suggest(at, fmt::format("there is no {} '{}'", keyword, shorten(name)), name, names);
    return std::nullopt;
  }

  void suggest(Position at, const std::string& message, std::string_view name,
               const std::vector<std::string_view>& names) {
    const auto near = nearest(name, names);
    report_.error(at, message, near.empty() ? "" : fmt::format("did you mean '{}'?", near));
  }

  // ADDRESS PORT [PROTOCOL], group NAME [PROTOCOL], or the name that `ballastctl status` shows
  std::optional<Defaults> service(const TrackDraft& draft, std::string& name) {
    const auto& words = draft.words;
    std::vector<std::string_view> names;
    for (const auto& each : model_.virtual_servers) names.push_back(each.name);
    const auto known = [&](const std::string& text) { return std::ranges::find(names, text) != names.end(); };
    std::vector<std::string> protocols;
    if (words.size() == 3)
      protocols = {to_lower(words[2].value)};
    else
      protocols = {"tcp", "udp"};
    for (const auto& protocol : protocols) {
      auto text = words.front().value;
      if (words.size() > 1) {
        const auto address = net::IpAddress::parse(words[0].value);
        const auto& second = words[1].value;
        text = words[0].value == "group"     ? fmt::format("{}:group:{}", protocol, second)
               : address && address->is_v6() ? fmt::format("{}:[{}]:{}", protocol, *address, second)
                                             : fmt::format("{}:{}:{}", protocol, words[0].value, second);
      }
      if (!known(text)) continue;
      name = text;
      return Defaults{service_weight, false};
    }
    const auto written = words.size() > 1 ? words[0].value + " " + words[1].value : words[0].value;
    suggest(words.front().at, fmt::format("there is no virtual_server {}", shorten(written)),
            words.size() > 1 ? fmt::format("{}:{}:{}", protocols.front(), words[0].value, words[1].value) : written,
            names);
    return std::nullopt;
  }

  static std::string to_lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  }

  std::optional<Defaults> route(const TrackDraft& draft, std::string& name, const VrrpInstance* instance) {
    const auto& [text, at] = draft.words.front();
    const bool six = draft.via ? draft.via->is_v6() : instance != nullptr && instance->family == net::Family::ipv6;
    const auto prefix = net::Prefix::parse(text == "default" ? (six ? "::/0" : "0.0.0.0/0") : text);
    if (!prefix) {
      report_.error(at, prefix.error().message);
      return std::nullopt;
    }
    if (draft.via && draft.via->family() != prefix->address.family()) {
      report_.error(at, fmt::format("{} and {} are of two IP versions", *prefix, *draft.via));
      return std::nullopt;
    }
    const auto destination = prefix->to_string();
    name = draft.via ? fmt::format("{} via {}", destination, *draft.via) : destination;
    insert(model_.tracking.routes, TrackedRoute{name, *prefix, draft.via});
    return Defaults{};
  }

  std::optional<Defaults> gateway(const TrackDraft& draft, std::string& name, const VrrpInstance* instance) {
    const auto& [text, at] = draft.words.front();
    const auto address = net::IpAddress::parse(text);
    if (!address) {
      report_.error(at, address.error().message);
      return std::nullopt;
    }
    auto interface = draft.interface.empty() && instance != nullptr ? instance->interface : draft.interface;
    if (interface.empty()) {
      report_.error(at, "a gateway that a sync group tracks needs its interface", "write ADDRESS dev INTERFACE");
      return std::nullopt;
    }
    name = fmt::format("{} dev {}", *address, interface);
    insert(model_.tracking.gateways, TrackedGateway{name, *address, std::move(interface)});
    return Defaults{};
  }

  template <class Definition>
  static void insert(std::vector<Definition>& list, Definition made) {
    if (std::ranges::find(list, made.name, &Definition::name) == list.end()) list.push_back(std::move(made));
  }

  Binder& binder_;
  Report& report_;
  Model& model_;
  Known scripts_, files_, processes_;
};

}  // namespace

void resolve_tracking(Binder& binder, Model& model) { TrackResolver{binder, model}.run(); }

}  // namespace ballast::config
