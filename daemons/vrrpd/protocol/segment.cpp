#include "daemons/vrrpd/protocol/segment.hpp"

#include <algorithm>

namespace ballast::vrrpd {
namespace {

constexpr std::size_t header_length = 8;
constexpr std::size_t v2_authentication_length = 8;
constexpr std::size_t most_kept = 32;  ///< different senders and forms: whoever forges them fills no memory

bool same(const Heard& left, const Heard& right) {
  return left.source == right.source && left.vrid == right.vrid && left.version == right.version &&
         left.priority == right.priority && left.multicast == right.multicast && left.ttl == right.ttl &&
         left.mac == right.mac && left.interval == right.interval && left.refused == right.refused &&
         left.addresses == right.addresses;
}

void count(std::vector<Heard>& all, Heard heard) {
  const auto found = std::ranges::find_if(all, [&](const Heard& other) { return same(other, heard); });
  if (found != all.end()) {
    ++found->count;
    found->skew = heard.skew;
    return;
  }
  if (all.size() >= most_kept) return;
  heard.count = 1;
  all.push_back(std::move(heard));
}

config::Duration interval_of(std::span<const std::uint8_t> payload, std::uint8_t version) {
  if (version == 2) return std::chrono::seconds{payload[5]};
  return std::chrono::milliseconds{10} * ((payload[4] & 0xf) << 8 | payload[5]);
}

}  // namespace

std::optional<Heard> overhear(const Datagram& datagram, const net::MacAddress& from) {
  const auto& payload = datagram.payload;
  if (payload.size() < header_length) return std::nullopt;
  Heard heard;
  heard.source = datagram.source;
  heard.mac = from;
  heard.multicast = datagram.destination.is_multicast();
  heard.ttl = datagram.ttl;
  heard.version = static_cast<std::uint8_t>(payload[0] >> 4);
  heard.vrid = payload[1];
  heard.priority = payload[2];
  heard.interval = interval_of(payload, heard.version);
  const std::size_t each = datagram.source.is_v4() ? 4 : 16;
  const std::size_t length = header_length + payload[3] * each + (heard.version == 2 ? v2_authentication_length : 0);
  heard.trailer = payload.size() == length + trailer_length;
  if (payload.size() < length) return heard;
  for (std::size_t i = 0; i < payload[3]; ++i) {
    const auto address = net::IpAddress::from_bytes(payload.subspan(header_length + i * each, each));
    if (address) heard.addresses.push_back(*address);
  }
  return heard;
}

Ear::Ear(const config::VrrpInstance& settings) : settings_{settings} {
  if (settings_.auth_hmac) authenticator_.emplace(*settings_.auth_hmac);
}

Arrival* Ear::arrival_of(const net::IpAddress& source) {
  const auto found = std::ranges::find(arrivals_, source, &Arrival::source);
  if (found != arrivals_.end()) return &*found;
  if (arrivals_.size() >= most_kept) return nullptr;
  return &arrivals_.emplace_back(Arrival{source, 0, 0, {}});
}

Heard Ear::judge(const Datagram& datagram, const net::MacAddress& from, WallTime now) {
  auto heard = *overhear(datagram, from);
  const bool unicast = !settings_.unicast_peers.empty();
  if (heard.multicast == unicast) return heard;
  const auto decoded = decode(datagram, {settings_.version, settings_.virtual_router_id,
                                         std::chrono::duration_cast<Duration>(settings_.advert_interval), !unicast,
                                         settings_.auth_pass.text, authenticator_ ? &*authenticator_ : nullptr, now,
                                         settings_.unicast_peers, settings_.check_unicast_source});
  if (!decoded) {
    heard.refused = decoded.error().check;
    heard.refusal = decoded.error().message;
    return heard;
  }
  if (settings_.version == 3 && datagram.source.is_v4()) {
    heard.pseudo_header = decoded->checksum == ChecksumForm::pseudo_header;
  }
  if (decoded->skew) heard.skew = static_cast<int>(decoded->skew->count());
  return heard;
}

void Ear::on_wire(const Datagram& datagram, const net::MacAddress& from, WallTime now) {
  count(heard_, judge(datagram, from, now));
  if (auto* arrival = arrival_of(datagram.source)) ++arrival->on_wire;
}

void Ear::received(const Datagram& datagram) {
  if (auto* arrival = arrival_of(datagram.source)) ++arrival->received;
}

Ear& Segment::listen(const config::VrrpInstance& settings) {
  auto& ear = ears_[settings.virtual_router_id];
  if (!ear) ear = std::make_unique<Ear>(settings);
  return *ear;
}

void Segment::on_wire(const Datagram& datagram, const net::MacAddress& from, bool outgoing, WallTime now) {
  const auto vrid = peek_vrid(datagram.payload);
  if (!vrid) return;
  if (auto& ear = ears_[*vrid]) return outgoing ? ear->left() : ear->on_wire(datagram, from, now);
  if (outgoing) return;
  if (auto heard = overhear(datagram, from)) count(strangers_, std::move(*heard));
}

void Segment::received(const Datagram& datagram) {
  const auto vrid = peek_vrid(datagram.payload);
  if (vrid && ears_[*vrid]) ears_[*vrid]->received(datagram);
}

void Segment::answered(const NeighbourAnswer& answer) {
  const auto found = owners_.find(answer.address);
  if (found != owners_.end() && found->second.size() < most_kept) found->second.insert(answer.mac);
}

std::vector<Heard> Segment::strangers_with(const std::vector<net::IpAddress>& addresses) const {
  std::vector<Heard> found;
  std::ranges::copy_if(strangers_, std::back_inserter(found), [&](const Heard& heard) {
    return std::ranges::find_first_of(heard.addresses, addresses) != heard.addresses.end();
  });
  return found;
}

std::set<net::MacAddress> Segment::owners(const net::IpAddress& address) const {
  const auto found = owners_.find(address);
  return found == owners_.end() ? std::set<net::MacAddress>{} : found->second;
}

}  // namespace ballast::vrrpd
