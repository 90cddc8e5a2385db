#include <algorithm>

#include "common/config/address_record.hpp"
#include "common/config/options.hpp"
#include "common/config/table.hpp"
#include "common/config/values.hpp"

namespace ballast::config {
namespace {

constexpr std::size_t most_heartbeats = 8;
constexpr int most_weight = 253;  ///< a priority stays within 1 to 254

void set_broadcast(Binder& binder, const Word& word, VirtualAddress& address) {
  if (word.text == "-") return;
  if (word.text != "+") {
    if (const auto value = read<net::IpAddress>(binder, word, net::IpAddress::parse)) address.broadcast = *value;
    return;
  }
  auto bytes = address.prefix.address.mapped();
  for (unsigned bit = address.prefix.length; bit < 32; ++bit) {
    bytes[12 + bit / 8] = static_cast<std::uint8_t>(bytes[12 + bit / 8] | (0x80U >> (bit % 8)));
  }
  address.broadcast = net::IpAddress::v6(bytes);
}

void check_address(Binder& binder, const AddressDraft& draft) {
  const auto& address = draft.address;
  if (address.prefix.address.is_v6() && (address.broadcast || !address.label.empty())) {
    binder.report().error(draft.at, "an IPv6 address has no broadcast address and no label");
  }
  if (address.broadcast && address.broadcast->is_v6()) {
    binder.report().error(draft.at, fmt::format("{} is no IPv4 broadcast address", *address.broadcast));
  }
  if (address.prefix.address.is_multicast() || address.prefix.address.is_unspecified()) {
    binder.report().error(draft.at, fmt::format("{} cannot be a virtual address", address.prefix.address));
  }
}

constexpr std::array scopes{string_view{"global"}, string_view{"site"}, string_view{"link"}, string_view{"host"},
                            string_view{"nowhere"}};

void set_scope(Binder& binder, const Word& word, VirtualAddress& address) {
  if (std::ranges::find(scopes, word.text) == scopes.end()) {
    binder.report().error(word.at, fmt::format("'{}' is none of global|site|link|host|nowhere", shorten(word.text)));
    return;
  }
  address.scope = word.text == "global" ? "" : word.text;
}

void set_address_option(Binder& binder, Options& options, const Word& option, AddressDraft& draft, AddressUse use) {
  const auto& name = option.text;
  if (set_kernel_option(binder, options, option, draft.address, use)) return;
  if (name != "dev" && name != "label" && name != "scope" && name != "brd" && name != "broadcast") {
    return options.unknown(option, "dev INTERFACE, label LABEL, scope SCOPE, brd ADDRESS or another of the manual's");
  }
  const auto* value = options.value_of(option);
  if (value == nullptr) return;
  if (name == "scope") return set_scope(binder, *value, draft.address);
  if (name == "brd" || name == "broadcast") return set_broadcast(binder, *value, draft.address);
  if (name == "dev") {
    if (auto device = read<std::string>(binder, *value, parse_interface))
      draft.interface = {std::move(*device), value->at};
  } else if (constexpr std::size_t longest = 15; value->text.empty() || value->text.size() > longest) {
    binder.report().error(value->at, fmt::format("a label has 1 to {} characters", longest));
  } else {
    draft.address.label = value->text;
  }
}

}  // namespace

// ADDRESS[/LENGTH] [dev INTERFACE] [label LABEL] [scope SCOPE] [brd ADDRESS] …
void add_address_record(Binder& binder, const Statement& record, std::vector<AddressDraft>& list, AddressUse use) {
  const auto prefix = read<net::Prefix>(binder, record.words[0], net::Prefix::parse);
  if (!prefix) return;
  AddressDraft draft;
  draft.address.prefix = *prefix;
  draft.at = record.at();
  Options options{binder, record};
  while (const auto* option = options.next()) set_address_option(binder, options, *option, draft, use);
  check_address(binder, draft);
  list.push_back(std::move(draft));
}

namespace {

// INTERFACE [weight -253..253] [reverse]
void add_tracked(Binder& binder, const Statement& record, std::vector<At<TrackInterface>>& list) {
  auto name = read<std::string>(binder, record.words[0], parse_interface);
  if (!name) return;
  TrackInterface tracked{std::move(*name), 0, false};
  Options options{binder, record};
  while (const auto* option = options.next()) {
    if (option->text == "reverse" || option->text == "noreverse" || option->text == "no_reverse") {
      tracked.reverse = option->text == "reverse";
    } else if (option->text == "weight") {
      const auto* value = options.value_of(*option);
      if (value == nullptr) continue;
      const auto parse = [](std::string_view text) { return parse_integer(text, -most_weight, most_weight); };
      if (const auto weight = read<int>(binder, *value, parse)) tracked.weight = *weight;
    } else {
      options.unknown(*option, "weight NUMBER or reverse");
    }
  }
  const bool again =
      std::ranges::any_of(list, [&](const auto& other) { return other.value.interface == tracked.interface; });
  if (again)
    binder.report().warning(record.at(),
                            fmt::format("interface '{}' is tracked twice: the first one counts", tracked.interface));
  else
    list.push_back({std::move(tracked), record.at()});
}

void add_peer(Binder& binder, const Statement& record) {
  const auto peer = read<net::IpAddress>(binder, record.words[0], net::IpAddress::parse);
  UnicastPeer made;
  Options options{binder, record};
  while (const auto* option = options.next()) {
    if (option->text == "min_ttl" || option->text == "max_ttl") {
      const auto* value = options.value_of(*option);
      const auto parse = [](std::string_view text) { return parse_number(text, 0, 255); };
      const auto ttl = value == nullptr ? std::nullopt : read<unsigned>(binder, *value, parse);
      if (ttl) (option->text == "min_ttl" ? made.min_ttl : made.max_ttl) = static_cast<std::uint8_t>(*ttl);
    } else {
      options.unknown(*option, "min_ttl NUMBER or max_ttl NUMBER; one address a line");
    }
  }
  if (!peer) return;
  made.address = *peer;
  if (made.min_ttl > made.max_ttl) binder.report().error(record.at(), "min_ttl is above max_ttl");
  auto& peers = binder.instance().peers;
  const bool again = std::ranges::any_of(peers, [&](const auto& other) { return other.value.address == *peer; });
  if (again)
    binder.report().warning(record.at(), fmt::format("{} is listed twice", *peer));
  else
    peers.push_back({made, record.at()});
}

void add_member(Binder& binder, const Statement& record) {
  for (const auto& word : record.words) binder.sync_group().members.push_back({word.text, word.at});
}

void open_instance(Binder& binder, const Statement& statement) {
  InstanceDraft draft;
  draft.block = statement.at();
  if (statement.words.size() > 1) draft.name = {statement.words[1].text, statement.words[1].at};
  binder.draft().instances.push_back(std::move(draft));
}

void open_sync_group(Binder& binder, const Statement& statement) {
  SyncGroupDraft draft;
  draft.name.at = statement.at();
  if (statement.words.size() > 1) draft.name = {statement.words[1].text, statement.words[1].at};
  binder.draft().sync_groups.push_back(std::move(draft));
}

void add_advertised_address(Binder& binder, const Statement& record) {
  binder.instance().addresses_given = true;
  add_address_record(binder, record, binder.instance().addresses, AddressUse::moving);
}

void add_excluded_address(Binder& binder, const Statement& record) {
  add_address_record(binder, record, binder.instance().excluded, AddressUse::moving);
}

// heartbeat_interface INTERFACE …
void add_heartbeats(Binder& binder, const Statement& line) {
  auto& list = binder.instance().heartbeats;
  for (std::size_t i = 1; i < line.words.size(); ++i) {
    auto name = read<std::string>(binder, line.words[i], parse_interface);
    if (!name) continue;
    if (std::ranges::any_of(list, [&](const auto& other) { return other.value == *name; })) {
      binder.report().warning(line.words[i].at, fmt::format("{} is listed twice", *name));
    } else {
      list.push_back({std::move(*name), line.words[i].at});
    }
  }
}

void add_instance_keywords(Table& table) {
  const auto own = member_of(&Binder::instance);
  const auto add = [&](std::string_view name, Value value, std::string_view doc) {
    table.value(name, {Context::vrrp_instance}, std::move(value), doc);
  };
  add("state", choice<InitialState>(own(&InstanceDraft::state)), "The state to begin in; default BACKUP.");
  add("interface", interface_name(own(&InstanceDraft::interface)), "Where it speaks, and where its addresses are put.");
  table
      .value("heartbeat_interface", {Context::vrrp_instance}, custom("INTERFACE …", 1, most_heartbeats, add_heartbeats),
             "Advertise and listen there, too: who is alive there is not dead.")
      .repeats = true;
  auto router_id = number(1, 255, own(&InstanceDraft::virtual_router_id));
  router_id.set = [set = router_id.set](Binder& binder, const Statement& statement) {
    set(binder, statement);
    // What is written and wrong is not missing, too.
    auto& made = binder.instance().virtual_router_id;
    if (!made) made = {0, statement.words[1].at};
  };
  add("virtual_router_id", router_id, "The same on all its routers, and unique on the link.");
  add("priority", number(1, 255, own(&InstanceDraft::priority)),
      "The highest wins; 255: the owner of the addresses; default 100.");
  add("advert_int", seconds(10ms, 255s, own(&InstanceDraft::advert_interval)),
      "Between advertisements; version 2: whole seconds, version 3: 0.01 to 40.95; default 1.");
  add("version", number(2, 3, own(&InstanceDraft::version)), "VRRP version; default vrrp_version, and 3 for IPv6.");
  add("preempt", flag([](Binder& binder, const Statement&) { binder.instance().nopreempt.reset(); }),
      "Take over from a master of lower priority (default).");
  add("nopreempt", flag([](Binder& binder, const Statement& at) { binder.instance().nopreempt = at.at(); }),
      "Leave a master of lower priority its role.");
  add("preempt_delay", seconds(0s, 1'000s, own(&InstanceDraft::preempt_delay)),
      "Wait so long before taking over; default 0.");
  add("unicast_src_ip", address(own(&InstanceDraft::unicast_source)),
      "Source address of advertisements to unicast peers.");
  add("mcast_src_ip", address(own(&InstanceDraft::multicast_source)), "Source address of multicast advertisements.");
  add("unicast_ttl", number(0, 255, own(&InstanceDraft::unicast_ttl)),
      "TTL or hop limit of advertisements to unicast peers; default 255.");
  table.value("check_unicast_src", {Context::vrrp_instance}, boolean(own(&InstanceDraft::check_unicast_source)),
              "Hear unicast peers only; on with any min_ttl or max_ttl.");
  table.value("vrrp_check_unicast_src", {Context::global_defs},
              boolean(member_of(&Binder::draft)(&Draft::check_unicast_source)), "The same for all instances.");
  add("v3_checksum_as_v2", boolean(own(&InstanceDraft::checksum_as_v2)),
      "Version 3 over IPv4: checksum over the message alone, as RFC 9568 has it.");
  add("native_ipv6", boolean(own(&InstanceDraft::native_ipv6)), "IPv6, where the addresses do not tell.");
  add("accept", boolean(own(&InstanceDraft::accept)), "Answer packets to the addresses (default).");
  add("no_accept", flag([](Binder& binder, const Statement&) { binder.instance().accept = false; }),
      "Do not answer packets to the addresses, unless their owner.");
  add("description", text("TEXT", own(&InstanceDraft::description)), "For people.");
}

}  // namespace

void add_vrrp_keywords(Table& table) {
  using enum Context;
  table.block("vrrp_instance", top, vrrp_instance, custom("NAME", 1, 1, open_instance), "One virtual router.");
  add_instance_keywords(table);
  table.records(
      "unicast_peer", vrrp_instance, {}, add_peer,
      "ADDRESS [min_ttl NUMBER] [max_ttl NUMBER]: the other routers, one a line: unicast instead of multicast.");
  table.records(
      "virtual_ipaddress", vrrp_instance, {}, add_advertised_address,
      "ADDRESS[/LENGTH] [dev INTERFACE] [label LABEL] [scope SCOPE] [brd ADDRESS] …, one a line, of one family.");
  table.records("virtual_ipaddress_excluded", vrrp_instance, {}, add_excluded_address,
                "Addresses that move with the others but are not advertised.");
  table.records(
      "track_interface", vrrp_instance, {},
      [](Binder& binder, const Statement& record) { add_tracked(binder, record, binder.instance().tracked); },
      "INTERFACE [weight NUMBER] [reverse]: its loss is FAULT, or changes the priority.");

  table.block("vrrp_sync_group", top, vrrp_sync_group, custom("NAME", 1, 1, open_sync_group),
              "Instances that change state together.");
  table.records("group", vrrp_sync_group, {}, add_member, "The instances' names.");
  table.records(
      "track_interface", vrrp_sync_group, {},
      [](Binder& binder, const Statement& record) { add_tracked(binder, record, binder.sync_group().tracked); },
      "As in vrrp_instance, for all members.");
}

}  // namespace ballast::config
