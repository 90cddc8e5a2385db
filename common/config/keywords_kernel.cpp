// What VRRP programs into the kernel besides addresses.
#include "common/config/address_record.hpp"
#include "common/config/kernel_names.hpp"
#include "common/config/route_record.hpp"
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

/// A keyword without a value.
Value flag(Setter set) { return custom("", 0, 0, std::move(set)); }

/// `00:00:5e:00:01:33`, or its first five bytes; none: something else.
std::optional<std::vector<std::uint8_t>> parse_mac(std::string_view text) {
  constexpr std::size_t five_bytes = 14;
  const bool five = text.size() == five_bytes;
  const auto mac = net::MacAddress::parse(five ? std::string{text} + ":00" : std::string{text});
  if (!mac) return std::nullopt;
  return std::vector<std::uint8_t>{mac->bytes.begin(), mac->bytes.begin() + (five ? 5 : 6)};
}

void check_mac(Binder& binder, const Word& word, const std::vector<std::uint8_t>& mac) {
  if ((mac.front() & 1) != 0) binder.report().error(word.at, fmt::format("{} is a multicast MAC", word.text));
}

// [[name] NAME] [MAC] [netlink_notify_msg] [group GROUP]
void set_vmac(Binder& binder, const Statement& statement) {
  VmacDraft draft;
  Options options{binder, statement};
  const auto name_it = [&](const Word& word) {
    if (auto name = read<std::string>(binder, word, parse_interface)) draft.name = std::move(*name);
  };
  while (const auto* word = options.next()) {
    if (word->text == "netlink_notify_msg") continue;  // Ballast reads the link's state itself
    if (word->text == "name" || word->text == "group") {
      const auto* value = options.value_of(*word);
      if (value == nullptr) continue;
      if (word->text == "name")
        name_it(*value);
      else
        draft.link_group = read<std::uint32_t>(binder, *value, parse_link_group);
    } else if (auto mac = parse_mac(word->text)) {
      check_mac(binder, *word, *mac);
      draft.mac = std::move(*mac);
    } else {
      name_it(*word);
    }
  }
  binder.instance().kernel.vmac = {std::move(draft), statement.at()};
}

void add_role_keywords(Table& table) {
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {Context::vrrp_instance}, std::move(value), doc);
  };
  const auto set = [](auto KernelDraft::*member, bool to) {
    return flag([=](Binder& binder, const Statement&) { binder.instance().kernel.*member = to; });
  };
  add("use_vmac", custom("[[name] NAME] [MAC] [netlink_notify_msg] [group GROUP]", 0, 6, set_vmac),
      "Addresses and advertisements have the virtual MAC of RFC 9568, on a macvlan.");
  add("use_vmac_addr", set(&KernelDraft::vmac_for_addresses, true),
      "A virtual MAC for addresses on other interfaces and of the other family, too.");
  add("vmac_xmit_base",
      flag([](Binder& binder, const Statement& at) { binder.instance().kernel.transmit_from_base = at.at(); }),
      "Advertisements leave by the interface itself, with its MAC.");
  add("dont_track_primary", set(&KernelDraft::track_primary, false), "The interface's loss is no FAULT.");
  add("track_src_ip", set(&KernelDraft::track_source, true),
      "FAULT while the configured source address is not on this host.");
  add("promote_secondaries", set(&KernelDraft::promote_secondaries, true),
      "An address that goes takes no others of its network along.");
  table.records(
      "virtual_routes", Context::vrrp_instance, {},
      [](Binder& binder, const Statement& record) {
        add_route_record(binder, record, binder.instance().kernel.routes);
      },
      "Routes while MASTER, as `ip route add` has them, one a line.");
  table.records(
      "virtual_rules", Context::vrrp_instance, {},
      [](Binder& binder, const Statement& record) { add_rule_record(binder, record, binder.instance().kernel.rules); },
      "Rules while MASTER, as `ip rule add` has them, one a line.");
}

void open_track_group(Binder& binder, const Statement& statement) {
  TrackGroupDraft draft;
  draft.name.at = statement.at();
  if (statement.words.size() > 1) draft.name = {statement.words[1].text, statement.words[1].at};
  binder.draft().kernel.track_groups.push_back(std::move(draft));
}

void add_group_member(Binder& binder, const Statement& record) {
  for (const auto& word : record.words) {
    binder.draft().kernel.track_groups.back().members.push_back({word.text, word.at});
  }
}

void add_static_keywords(Table& table) {
  using enum Context;
  table.records(
      "static_ipaddress", top, {},
      [](Binder& binder, const Statement& record) {
        add_address_record(binder, record, binder.draft().static_addresses, AddressUse::fixed);
      },
      "Addresses that are there always, written as in virtual_ipaddress.");
  table.records(
      "static_routes", top, {},
      [](Binder& binder, const Statement& record) {
        add_route_record(binder, record, binder.draft().kernel.static_routes);
      },
      "Routes that are there always, written as in virtual_routes.");
  table.records(
      "static_rules", top, {},
      [](Binder& binder, const Statement& record) {
        add_rule_record(binder, record, binder.draft().kernel.static_rules);
      },
      "Rules that are there always, written as in virtual_rules.");
  table.block("track_group", top, track_group, custom("NAME", 1, 1, open_track_group),
              "Instances that are FAULT while a static object of the group cannot be there.");
  table.records("group", track_group, {}, add_group_member, "The instances' names.");
}

void set_firewall_table(Binder& binder, const Statement& statement) {
  if (statement.words.size() == 1) return;
  const auto& word = statement.words[1];
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  constexpr std::size_t longest = 31;
  const bool plain = !word.text.empty() && word.text.find_first_not_of(letters) == std::string::npos &&
                     std::isalpha(static_cast<unsigned char>(word.text.front())) != 0;
  if (!plain || word.text.size() > longest) {
    binder.report().error(word.at,
                          fmt::format("'{}' is no name of a table: letters, digits and _", shorten(word.text)));
    return;
  }
  binder.global().firewall.table = word.text;
}

void set_firewall_priority(Binder& binder, const Statement& statement) {
  constexpr int most = 1'000;
  const auto parse = [](std::string_view text) { return parse_integer(text, -most, most); };
  if (const auto value = read<int>(binder, statement.words[1], parse)) binder.global().firewall.priority = *value;
}

/// The beginning of links' names: with the VRID behind it a name has 15 characters at most.
Value prefix_of(std::string Global::*target) {
  return custom("NAME", 1, 1, [=](Binder& binder, const Statement& statement) {
    constexpr std::size_t longest = 9;
    const auto& word = statement.words[1];
    auto name = read<std::string>(binder, word, parse_interface);
    if (!name) return;
    if (name->size() > longest) {
      binder.report().error(word.at, fmt::format("a prefix of names has 1 to {} characters", longest));
      return;
    }
    binder.global().*target = std::move(*name);
  });
}

void add_node_keywords(Table& table) {
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {Context::global_defs}, std::move(value), doc);
  };
  add("default_interface",
      custom("INTERFACE", 1, 1,
             [](Binder& binder, const Statement& statement) {
               auto name = read<std::string>(binder, statement.words[1], parse_interface);
               if (name) binder.draft().kernel.default_interface = std::move(*name);
             }),
      "Of static addresses that name none; default eth0.");
  add("vmac_prefix", prefix_of(&Global::vmac_prefix), "Links of virtual MACs are called NAME.VRID; default vrrp.");
  add("vmac_addr_prefix", prefix_of(&Global::vmac_addr_prefix),
      "The same of links that only addresses need; default vmac_prefix.");
  add("nftables", custom("[TABLE]", 0, 1, set_firewall_table),
      "The nf_tables table for no_accept and virtual MACs; default ballast_vrrp.");
  add("nftables_priority", custom("NUMBER (-1000 to 1000)", 1, 1, set_firewall_priority),
      "Of its chains, before or behind those of others; default -1.");
  add("nftables_counters", flag([](Binder& binder, const Statement&) { binder.global().firewall.counters = true; }),
      "Its rules count packets.");
  add("nftables_ifindex", flag([](Binder&, const Statement&) {}),
      "Read and needless: interfaces are matched by name, and so through their re-creation.");
}

}  // namespace

void add_kernel_keywords(Table& table) {
  add_role_keywords(table);
  add_static_keywords(table);
  add_node_keywords(table);
}

}  // namespace ballast::config
