#include "bench/datapath/figures.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace ballast::bench {
namespace {

/// A case beside its yardstick.
struct Comparison {
  Yardstick yardstick;
  double scaled = 0;  ///< what Katran would need here, by the floors
  double ratio = 0;   ///< of medians, to that
  double ratio_by_lookup = 0;
};

std::optional<Comparison> compare(const Figures& figures, const Figure& row) {
  const auto yardstick = yardstick_of(*row.measured);
  if (!yardstick) return std::nullopt;
  const double here = figures.mac_swap.best / published_mac_swap.best;
  const double by_lookup = figures.clock_and_lookup.best / published_clock_and_lookup.best;
  const double unscaled = row.cost.best / yardstick->katran.best;
  return Comparison{*yardstick, yardstick->katran.best * here, unscaled / here, unscaled / by_lookup};
}

std::string flows_of(const Case& measured) {
  return measured.kind == Kind::established ? std::to_string(measured.stream.flows) : "";
}

void print_row(const std::string& name, const std::string& flows, const Spread& cost) {
  std::printf("%-26s %7s %8.1f %8.1f %8.1f", name.c_str(), flows.c_str(), cost.median, cost.best, cost.worst);
}

double rounded(double value) { return std::round(value * 1000) / 1000; }

nlohmann::json json_of(const Spread& spread) {
  return {{"best", rounded(spread.best)}, {"median", rounded(spread.median)}, {"worst", rounded(spread.worst)}};
}

const char* word_of(Kind kind) {
  switch (kind) {
    case Kind::established:
      return "established";
    case Kind::fresh:
      return "new";
    case Kind::evicting:
      return "evicting";
    default:
      return "foreign";
  }
}

nlohmann::json json_of(const Figures& figures, const Figure& row) {
  const auto& measured = *row.measured;
  auto json = json_of(row.cost);
  json["name"] = measured.name();
  json["mode"] = name_of(measured.subject->service.mode);
  json["family"] = measured.subject->service.vip.address.is_v4() ? 4 : 6;
  json["kind"] = word_of(measured.kind);
  json["answer"] = measured.stream.from == From::server;
  json["tells"] = measured.subject->tells;
  json["flows"] = measured.kind == Kind::established ? measured.stream.flows : 0;
  if (const auto compared = compare(figures, row)) {
    json["katran"] = {{"best", compared->yardstick.katran.best}, {"median", compared->yardstick.katran.median}};
    json["scaled"] = rounded(compared->scaled);
    json["ratio"] = rounded(compared->ratio);
    json["ratio_by_lookup"] = rounded(compared->ratio_by_lookup);
    json["bar"] = compared->yardstick.bar;
  }
  return json;
}

}  // namespace

Spread Spread::of(std::vector<double> values) {
  std::ranges::sort(values);
  const auto half = values.size() / 2;
  const double median = values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {values.front(), median, values.back()};
}

void print(const Figures& figures) {
  std::printf(
      "ns a packet by BPF_PROG_RUN on CPU %u, %u packets a run, %u runs of all in turn; frames of %d (IPv4) and %d "
      "bytes (IPv6);\nservices of %d servers, rr, each with %u connections; making each packet anew (%.1f ns) is "
      "taken off, and where it grows making it short again (%.1f ns).\nkatran: its TUN row, published, times this "
      "run's MAC swap / %.0f ns; ratio: of bests; by look-up: scaled by clock and look-up / %.0f ns instead\n\n",
      figures.cpu, figures.packets, figures.runs, FEED_FRAME4, FEED_FRAME6, FEED_SERVERS, figures.connections,
      figures.feeding, figures.growing, published_mac_swap.best, published_clock_and_lookup.best);
  std::printf("%-26s %7s %8s %8s %8s %8s %6s %10s %5s\n", "", "flows", "median", "best", "worst", "katran", "ratio",
              "by look-up", "bar");
  for (const auto& [name, cost] :
       {std::pair{"MAC swap and transmit", &figures.mac_swap},
        std::pair{"clock and array look-up", &figures.clock_and_lookup}, std::pair{"memory: one line", &figures.line},
        std::pair{"memory: two buckets", &figures.buckets}}) {
    print_row(name, "", *cost);
    std::printf("\n");
  }
  for (const auto& row : figures.rows) {
    print_row(row.measured->name(), flows_of(*row.measured), row.cost);
    if (const auto compared = compare(figures, row)) {
      std::printf(" %8.1f %6.2f %10.2f %5.1f%s", compared->scaled, compared->ratio, compared->ratio_by_lookup,
                  compared->yardstick.bar, compared->ratio > compared->yardstick.bar ? "  over" : "");
    }
    std::printf("\n");
  }
}

std::string to_json(const Figures& figures) {
  nlohmann::json json{{"cpu", figures.cpu},
                      {"runs", figures.runs},
                      {"packets", figures.packets},
                      {"connections", figures.connections},
                      {"servers", FEED_SERVERS},
                      {"feeding", rounded(figures.feeding)},
                      {"growing", rounded(figures.growing)},
                      {"mac_swap", json_of(figures.mac_swap)},
                      {"clock_and_lookup", json_of(figures.clock_and_lookup)},
                      {"line", json_of(figures.line)},
                      {"buckets", json_of(figures.buckets)},
                      {"published_mac_swap", published_mac_swap.best},
                      {"published_clock_and_lookup", published_clock_and_lookup.best},
                      {"rows", nlohmann::json::array()}};
  for (const auto& row : figures.rows) json["rows"].push_back(json_of(figures, row));
  return json.dump() + "\n";
}

}  // namespace ballast::bench
