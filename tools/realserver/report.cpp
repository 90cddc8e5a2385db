#include "tools/realserver/report.hpp"

#include <algorithm>

#include "tools/realserver/record.hpp"
#include "tools/realserver/settings.hpp"

namespace ballast::realserver {
namespace {

std::string link_name(const Found& found, int index) {
  const auto link = std::ranges::find(found.links, index, &netlink::Link::index);
  return link == found.links.end() ? fmt::format("interface {}", index) : link->name;
}

bool is_wanted(const Record& record, const net::IpAddress& address) {
  return record.wanted && record.wanted->mode != Mode::fnat &&
         std::ranges::find(record.wanted->vips, address) != record.wanted->vips.end();
}

void inspect_addresses(const Record& record, const Found& found, std::vector<Item>& items) {
  for (const auto& vip :
       record.wanted&& record.wanted->mode != Mode::fnat ? record.wanted->vips : std::vector<net::IpAddress>{}) {
    Item item{fmt::format("{} on lo", vip), "missing", false};
    for (const auto& address : found.addresses) {
      if (address.prefix.address != vip) continue;
      const auto link = link_name(found, address.link);
      if (link == "lo") {
        item.good = true;
        item.state = address.protocol == address_mark ? "set up" : "there, by somebody else";
      } else {
        items.push_back({fmt::format("{} on {}", vip, link), "put there by somebody else, and announced there", false});
      }
    }
    items.push_back(std::move(item));
  }
  for (const auto& address : found.addresses) {
    if (address.protocol == address_mark && !is_wanted(record, address.prefix.address)) {
      items.push_back(
          {fmt::format("{} on {}", address.prefix.address, link_name(found, address.link)), "left over", false});
    }
  }
}

void inspect_settings(const Record& record, const Found& found, std::vector<Item>& items) {
  const auto needed = record.wanted ? requirements(*record.wanted, found.settings) : std::vector<Requirement>{};
  for (const auto& requirement : needed) {
    const auto changed = std::ranges::find(record.settings, requirement.name, &ChangedSetting::name);
    auto state = fmt::format("{}", requirement.now);
    if (!requirement.met) {
      state += fmt::format(", should be {}", requirement.value);
    } else if (changed == record.settings.end()) {
      state += ", as it was";
    } else if (changed->ours == requirement.now) {
      state += fmt::format(", set up (was {})", changed->before);
    } else {
      state += ", by somebody else";
    }
    items.push_back({"/proc/sys/" + requirement.name, std::move(state), requirement.met});
  }
  for (const auto& changed : record.settings) {
    if (std::ranges::find(needed, changed.name, &Requirement::name) != needed.end()) continue;
    const auto now = found.settings.find(changed.name);
    if (now == found.settings.end() || now->second != changed.ours || changed.ours == changed.before) continue;
    items.push_back(
        {"/proc/sys/" + changed.name, fmt::format("{}, not put back to {}", now->second, changed.before), false});
  }
}

void inspect_tunnels(const Record& record, const Found& found, std::vector<Item>& items) {
  const bool tunnels = record.wanted && record.wanted->mode == Mode::tun;
  const auto interfaces = tunnels ? record.wanted->interfaces : std::vector<std::string>{};
  for (const auto& interface : interfaces) {
    const auto found_one = found.attachments.find(interface);
    const auto attachment = found_one == found.attachments.end() ? Attachment{} : found_one->second;
    Item item{fmt::format("tunnels on {}", interface), "missing", false};
    if (attachment.holder == Holder::another) {
      item.state = fmt::format("missing: another XDP program is there, {}", attachment.program);
    } else if (attachment.holder == Holder::us) {
      item.good = true;
      item.state = attachment.native ? "set up (native XDP)" : "set up (generic XDP, slower)";
    }
    items.push_back(std::move(item));
  }
  for (const auto& pinned : found.tunnel_pins) {
    if (std::ranges::find(interfaces, pinned) == interfaces.end()) {
      items.push_back({fmt::format("tunnels on {}", pinned), "left over", false});
    }
  }
}

void inspect_clients(const Record& record, const Found& found, std::vector<Item>& items) {
  if (record.wanted && record.wanted->mode == Mode::fnat) {
    items.push_back({fmt::format("clients' addresses in {}", record.wanted->cgroup),
                     found.clients_attached ? "set up" : "missing", found.clients_attached});
  } else if (found.client_pins) {
    items.push_back({"clients' addresses", "left over", false});
  }
}

nlohmann::json to_json(const std::vector<Count>& counts) {
  auto json = nlohmann::json::object();
  for (const auto& count : counts) json[count.name] = count.value;
  return json;
}

void append(std::string& text, const char* heading, const std::vector<Count>& counts) {
  bool is_first = true;
  for (const auto& count : counts) {
    if (count.value == 0) continue;
    if (is_first) text += fmt::format("{}:\n", heading);
    is_first = false;
    text += fmt::format("  {:>12}  {}\n", count.value, count.words);
  }
}

}  // namespace

bool Report::is_whole() const { return !mode.empty() && std::ranges::all_of(items, &Item::good); }

Report inspect(const Record& record, const Found& found, Counters counters) {
  Report report;
  if (record.wanted) report.mode = name_of(record.wanted->mode);
  inspect_addresses(record, found, report.items);
  inspect_settings(record, found, report.items);
  inspect_tunnels(record, found, report.items);
  inspect_clients(record, found, report.items);
  report.counters = std::move(counters);
  return report;
}

nlohmann::json to_json(const Report& report) {
  auto items = nlohmann::json::array();
  for (const auto& item : report.items) {
    items.push_back({{"what", item.what}, {"state", item.state}, {"good", item.good}});
  }
  return {{"mode", report.mode},
          {"whole", report.is_whole()},
          {"items", items},
          {"unwrapped", to_json(report.counters.unwrapped)},
          {"dropped", to_json(report.counters.dropped)},
          {"clients", to_json(report.counters.clients)}};
}

std::string to_text(const Report& report) {
  std::string text =
      report.mode.empty()
          ? "nothing is set up\n"
          : fmt::format("mode {}: {}\n", report.mode, report.is_whole() ? "whole" : "NOT WHOLE, `up` again repairs it");
  for (const auto& item : report.items) {
    text += fmt::format("  {} {}: {}\n", item.good ? " " : "!", item.what, item.state);
  }
  append(text, "packets unwrapped", report.counters.unwrapped);
  append(text, "packets for a VIP dropped", report.counters.dropped);
  append(text, "connections", report.counters.clients);
  return text;
}

}  // namespace ballast::realserver
