// What instances track besides interfaces.
#include <limits>

#include "common/config/options.hpp"
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr int most_weight = 254;
constexpr int most_file_weight = 1'000'000;
constexpr std::size_t most_words = 1'000;
constexpr unsigned most_processes = 65'535;

TrackedDraft<TrackedFile>& file(Binder& binder) { return binder.draft().tracking.files.back(); }
TrackedDraft<TrackedProcess>& process(Binder& binder) { return binder.draft().tracking.processes.back(); }

template <auto get>
auto definition_of(auto member) {
  return [member](Binder & binder) -> auto& { return get(binder).definition.*member; };
}

// weight NUMBER [reverse]
template <auto get>
Value default_weight(int most) {
  return custom(
      fmt::format("NUMBER (-{0} to {0}) [reverse]", most), 1, 2, [most](Binder& binder, const Statement& line) {
        const auto parse = [most](std::string_view text) { return parse_integer(text, -most, most); };
        if (const auto weight = read<int>(binder, line.words[1], parse)) get(binder).weight = *weight;
        get(binder).reverse = line.words.size() > 2 && line.words[2].text == "reverse";
        if (line.words.size() > 2 && !get(binder).reverse) {
          binder.report().error(line.words[2].at, fmt::format("'{}' is not reverse", shorten(line.words[2].text)));
        }
      });
}

void open_file(Binder& binder, const Statement& line) {
  TrackedDraft<TrackedFile> draft{{line.words[1].text, line.words[1].at}};
  draft.weight = 1;
  binder.draft().tracking.files.push_back(std::move(draft));
}

void open_process(Binder& binder, const Statement& line) {
  binder.draft().tracking.processes.push_back({{line.words[1].text, line.words[1].at}});
}

// file PATH
void set_path(Binder& binder, const Statement& line) {
  if (!line.words[1].text.starts_with('/')) {
    binder.report().error(line.words[1].at, fmt::format("'{}' is no absolute path", shorten(line.words[1].text)));
    return;
  }
  file(binder).definition.path = line.words[1].text;
}

// init_file [VALUE] [overwrite]
void set_initial(Binder& binder, const Statement& line) {
  auto& made = file(binder).definition;
  made.initial = 0;
  for (std::size_t i = 1; i < line.words.size(); ++i) {
    if (line.words[i].text == "overwrite") {
      made.overwrite = true;
      continue;
    }
    using Limits = std::numeric_limits<int>;
    const auto parse = [](std::string_view text) { return parse_integer(text, Limits::min(), Limits::max()); };
    if (const auto value = read<int>(binder, line.words[i], parse)) made.initial = *value;
  }
}

// process NAME [ARGUMENT …]
void set_process(Binder& binder, const Statement& line) {
  auto& words = process(binder).definition.words;
  words.clear();
  for (std::size_t i = 1; i < line.words.size(); ++i) words.push_back(line.words[i].text);
}

void set_both_delays(Binder& binder, const Statement& line) {
  const auto parse = [](std::string_view text) { return parse_seconds(text, 0s, 3'600s); };
  const auto delay = read<Duration>(binder, line.words[1], parse);
  if (!delay) return;
  process(binder).definition.fork_delay = *delay;
  process(binder).definition.terminate_delay = *delay;
}

void add_file_keywords(Table& table) {
  using enum Context;
  table
      .block("vrrp_track_file", top, track_file, custom("NAME", 1, 1, open_file),
             "A number in a file, times a weight added to the priority.")
      .aliases = {"track_file"};
  table.value("file", {track_file}, custom("PATH", 1, 1, set_path), "Where it is.");
  table.value("weight", {track_file}, default_weight<file>(most_file_weight),
              "Of those who track it and do not say; default 1; 0: another number than 0 is FAULT.");
  table.value("init_file", {track_file}, custom("[NUMBER] [overwrite]", 0, 2, set_initial),
              "Write this (default 0) where the file is missing, or in any case.");
}

void add_process_keywords(Table& table) {
  using enum Context;
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {track_process}, std::move(value), doc);
  };
  table.block("vrrp_track_process", top, track_process, custom("NAME", 1, 1, open_process),
              "Up while processes of a name run.");
  add("process", custom("NAME [ARGUMENT …]", 1, most_words, set_process), "The process's name and its arguments.");
  add("param_match", choice<ArgumentMatch>(definition_of<process>(&TrackedProcess::arguments)),
      "All arguments, the first ones, or the beginning of the last one; default exact if there are any.");
  add("full_command", flag([](Binder& binder, const Statement&) { process(binder).definition.full_command = true; }),
      "Compare the command line, not the name that the kernel has.");
  add("weight", default_weight<process>(most_weight),
      "Of those who track it and do not say; 0 (default): FAULT while it is down.");
  add("quorum", number(1, most_processes, definition_of<process>(&TrackedProcess::quorum)),
      "So many must run; default 1.");
  add("quorum_max", number(0, most_processes, definition_of<process>(&TrackedProcess::quorum_max)),
      "No more may run; default: any number.");
  add("fork_delay", seconds(0s, 3'600s, definition_of<process>(&TrackedProcess::fork_delay)),
      "It is up after so long only; default 0.");
  add("terminate_delay", seconds(0s, 3'600s, definition_of<process>(&TrackedProcess::terminate_delay)),
      "It is down after so long only; default 0.");
  add("delay", custom("SECONDS (0 to 3600)", 1, 1, set_both_delays), "Both.");
}

std::vector<TrackDraft>& tracks(Binder& binder) {
  return binder.context() == Context::vrrp_instance ? binder.instance().tracks : binder.sync_group().tracks;
}

bool set_option(Binder& binder, Options& options, const Word& option, TrackDraft& draft) {
  if (option.text == "reverse" || option.text == "noreverse" || option.text == "no_reverse") {
    draft.reverse = option.text == "reverse";
    return true;
  }
  const bool via = draft.kind == TrackKind::route && option.text == "via";
  const bool device = draft.kind == TrackKind::gateway && option.text == "dev";
  if (option.text != "weight" && !via && !device) return false;
  const auto* value = options.value_of(option);
  if (value == nullptr) return true;
  if (via) {
    if (const auto gateway = read<net::IpAddress>(binder, *value, net::IpAddress::parse)) draft.via = *gateway;
  } else if (device) {
    if (auto name = read<std::string>(binder, *value, parse_interface)) draft.interface = std::move(*name);
  } else {
    const int most = draft.kind == TrackKind::file ? most_file_weight : most_weight;
    const auto parse = [most](std::string_view text) { return parse_integer(text, -most, most); };
    if (const auto weight = read<int>(binder, *value, parse)) draft.weight = At<int>{*weight, value->at};
  }
  return true;
}

void add_track(Binder& binder, const Statement& record, TrackKind kind) {
  constexpr std::size_t service_words = 3;  // ADDRESS PORT PROTOCOL
  const std::size_t most = kind == TrackKind::service ? service_words : 1;
  TrackDraft draft{kind, {}, {}, {}, {}, {}};
  Options options{binder, record, 0};
  while (const auto* word = options.next()) {
    if (!draft.words.empty() && set_option(binder, options, *word, draft)) continue;
    if (draft.words.size() == most) {
      options.unknown(*word, kind == TrackKind::route     ? "via ADDRESS, weight NUMBER or reverse"
                             : kind == TrackKind::gateway ? "dev INTERFACE, weight NUMBER or reverse"
                                                          : "weight NUMBER or reverse");
      return;
    }
    draft.words.push_back({word->text, word->at});
  }
  tracks(binder).push_back(std::move(draft));
}

}  // namespace

void add_tracking_keywords(Table& table) {
  using enum Context;
  add_file_keywords(table);
  add_process_keywords(table);
  const auto add = [&](std::string_view name, TrackKind kind, std::string_view doc) {
    for (const auto context : {vrrp_instance, vrrp_sync_group}) {
      table.records(
          name, context, {}, [kind](Binder& binder, const Statement& record) { add_track(binder, record, kind); }, doc);
    }
  };
  // Members with different weights are nothing that has to be allowed here: a group's trackers are all its members'.
  for (const auto* name : {"global_tracking", "sync_group_tracking_weight"}) {
    table.value(name, {vrrp_sync_group}, flag([](Binder&, const Statement&) {}), "Read for keepalived's sake.");
  }
  add("track_script", TrackKind::script, "NAME [weight NUMBER] [reverse]: vrrp_scripts.");
  add("track_file", TrackKind::file, "NAME [weight NUMBER] [reverse]: vrrp_track_files.");
  add("track_process", TrackKind::process, "NAME [weight NUMBER] [reverse]: vrrp_track_processes.");
  add("track_service", TrackKind::service,
      "ADDRESS PORT [PROTOCOL] or group NAME [weight NUMBER] [reverse]: virtual servers; it is down without its "
      "quorum.");
  add("track_route", TrackKind::route,
      "PREFIX|default [via ADDRESS] [weight NUMBER] [reverse]: routes of the main table.");
  add("track_gateway", TrackKind::gateway,
      "ADDRESS [dev INTERFACE] [weight NUMBER] [reverse]: neighbours that must answer ARP or neighbour solicitations.");
}

}  // namespace ballast::config
