#pragma once
#include <map>

#include "common/net/dns_message.hpp"
#include "tests/unit/checkd/local_server.hpp"

namespace ballast::checkd::test {
using asio::ip::udp;

using Bytes = std::vector<std::uint8_t>;

inline void put(Bytes& out, unsigned value, int bytes = 2) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

inline void put_name(Bytes& out, std::string_view name) {
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out.push_back(0);
}

/// A record of a zone, as it goes into an answer.
struct ZoneRecord {
  std::string name;
  std::uint16_t type;
  unsigned ttl;
  Bytes data;
};

inline ZoneRecord a_record(std::string name, std::string_view address, unsigned ttl = 0) {
  const auto parsed = net::IpAddress::parse(address).value();
  const auto type = parsed.is_v4() ? net::dns_type::a : net::dns_type::aaaa;
  return {std::move(name), type, ttl, {parsed.bytes().begin(), parsed.bytes().end()}};
}

inline ZoneRecord srv_record(std::string name, unsigned priority, unsigned weight, unsigned port,
                             std::string_view target, unsigned ttl = 0) {
  ZoneRecord record{std::move(name), net::dns_type::srv, ttl, {}};
  for (const auto each : {priority, weight, port}) put(record.data, each);
  put_name(record.data, target);
  return record;
}

inline ZoneRecord cname_record(std::string name, std::string_view target, unsigned ttl = 0) {
  ZoneRecord record{std::move(name), net::dns_type::cname, ttl, {}};
  put_name(record.data, target);
  return record;
}

/// A nameserver of one zone on a free port of 127.0.0.1, by UDP and TCP, with whatever misbehaviour a scenario asks
/// for.
class LocalDns {
 public:
  struct Manners {
    bool silent = false;
    bool wrong_id = false;        ///< a reply with another id, and then the right one
    bool garbage = false;         ///< bytes that are no reply, and then the right one
    bool only_wrong = false;      ///< … and no right one
    bool other_question = false;  ///< replies to another name
    bool truncates = false;       ///< by UDP
    bool tcp_hangs = false;
    std::uint8_t rcode = 0;
    bool additional = true;  ///< an SRV's addresses come along
  };

  explicit LocalDns(asio::io_context& io) : state_(std::make_shared<State>(io)) {
    asio::co_spawn(io, serve_udp(state_), asio::detached);
    asio::co_spawn(io, serve_tcp(state_), asio::detached);
  }
  ~LocalDns() { close(); }
  LocalDns(const LocalDns&) = delete;
  LocalDns& operator=(const LocalDns&) = delete;

  [[nodiscard]] net::Endpoint endpoint() const {
    return {net::IpAddress::parse("127.0.0.1").value(), state_->udp_socket.local_endpoint().port()};
  }
  std::vector<ZoneRecord>& zone() { return state_->zone; }
  Manners& manners() { return state_->manners; }
  [[nodiscard]] const std::vector<std::string>& asked() const { return state_->asked; }
  [[nodiscard]] const std::vector<std::uint16_t>& ids() const { return state_->ids; }
  [[nodiscard]] const std::vector<std::uint16_t>& ports() const { return state_->ports; }
  [[nodiscard]] unsigned by_tcp() const { return state_->by_tcp; }
  void close() {
    boost::system::error_code ignored;
    state_->udp_socket.close(ignored);
    state_->acceptor.close(ignored);
  }

 private:
  struct State {
    explicit State(asio::io_context& io) : udp_socket(io), acceptor(io) {
      while (!open(io)) continue;
    }
    /// One port for both; false: somebody else has it by TCP.
    bool open(asio::io_context& io) {
      const auto loopback = asio::ip::address_v4::loopback();
      udp_socket = udp::socket{io, {loopback, 0}};
      try {
        acceptor = tcp::acceptor{io, {loopback, udp_socket.local_endpoint().port()}};
      } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::address_in_use) throw;
        return false;
      }
      return true;
    }
    udp::socket udp_socket;
    tcp::acceptor acceptor;
    std::vector<ZoneRecord> zone;
    Manners manners;
    std::vector<std::string> asked;
    std::vector<std::uint16_t> ids;
    std::vector<std::uint16_t> ports;
    unsigned by_tcp = 0;
  };
  struct Query {
    std::uint16_t id = 0;
    std::string name;
    std::uint16_t type = 0;
    Bytes question;
  };

  static Query read(std::span<const std::uint8_t> bytes) {
    Query query;
    const auto at = [&](std::size_t i) { return static_cast<std::uint16_t>(bytes[i] << 8 | bytes[i + 1]); };
    query.id = at(0);
    std::size_t i = 12;
    while (bytes[i] != 0) {
      if (!query.name.empty()) query.name += '.';
      query.name.append(reinterpret_cast<const char*>(&bytes[i + 1]), bytes[i]);
      i += bytes[i] + 1U;
    }
    query.type = at(i + 1);
    query.question.assign(bytes.begin() + 12, bytes.begin() + static_cast<std::ptrdiff_t>(i) + 5);
    return query;
  }

  static void put_record(Bytes& out, const ZoneRecord& record) {
    put_name(out, record.name);
    put(out, record.type);
    put(out, 1);
    put(out, record.ttl, 4);
    put(out, static_cast<unsigned>(record.data.size()));
    out.insert(out.end(), record.data.begin(), record.data.end());
  }

  static Bytes reply(const State& state, const Query& query, bool whole) {
    std::vector<const ZoneRecord*> answers;
    std::vector<const ZoneRecord*> more;
    bool known = false;
    auto name = query.name;
    for (int step = 0; step < 3; ++step) {
      auto next = name;
      for (const auto& record : state.zone) {
        if (record.name != name) continue;
        known = true;
        if (record.type == query.type || record.type == net::dns_type::cname) answers.push_back(&record);
        if (record.type == net::dns_type::cname) next = cname_of(record);
      }
      if (next == name) break;
      name = next;
    }
    if (query.type == net::dns_type::srv && state.manners.additional) {
      for (const auto& record : state.zone) {
        if (record.type == net::dns_type::a || record.type == net::dns_type::aaaa) more.push_back(&record);
      }
    }
    const bool cut = state.manners.truncates && !whole;
    const unsigned rcode = state.manners.rcode != 0 ? state.manners.rcode : known ? 0 : 3;
    if (cut || rcode != 0) answers.clear(), more.clear();
    Bytes out;
    put(out, query.id);
    put(out, 0x8180U | rcode | (cut ? 0x0200U : 0U));
    for (const auto count : {std::size_t{1}, answers.size(), std::size_t{0}, more.size()})
      put(out, static_cast<unsigned>(count));
    auto question = query.question;
    if (state.manners.other_question) question[1] ^= 1;
    out.insert(out.end(), question.begin(), question.end());
    for (const auto* record : answers) put_record(out, *record);
    for (const auto* record : more) put_record(out, *record);
    return out;
  }

  static std::string cname_of(const ZoneRecord& record) {
    std::string name;
    for (std::size_t i = 0; record.data[i] != 0; i += record.data[i] + 1U) {
      if (!name.empty()) name += '.';
      name.append(reinterpret_cast<const char*>(&record.data[i + 1]), record.data[i]);
    }
    return name;
  }

  static asio::awaitable<void> serve_udp(std::shared_ptr<State> state) {
    std::array<std::uint8_t, 2048> buffer{};
    while (state->udp_socket.is_open()) {
      udp::endpoint from;
      const auto [error, length] = co_await state->udp_socket.async_receive_from(asio::buffer(buffer), from,
                                                                                 asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      const auto query = read(std::span{buffer}.first(length));
      state->asked.push_back(query.name);
      state->ids.push_back(query.id);
      state->ports.push_back(from.port());
      const auto& manners = state->manners;
      if (manners.silent) continue;
      boost::system::error_code gone;
      auto bytes = reply(*state, query, false);
      if (manners.wrong_id) {
        auto other = bytes;
        other[0] ^= 0x55;
        state->udp_socket.send_to(asio::buffer(other), from, 0, gone);
      }
      if (manners.garbage) state->udp_socket.send_to(asio::buffer("garbage", 7), from, 0, gone);
      if (!manners.only_wrong) state->udp_socket.send_to(asio::buffer(bytes), from, 0, gone);
    }
  }

  static asio::awaitable<void> serve_tcp(std::shared_ptr<State> state) {
    while (state->acceptor.is_open()) {
      auto [error, socket] = co_await state->acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      asio::co_spawn(state->acceptor.get_executor(), treat(state, std::move(socket)), asio::detached);
    }
  }
  static asio::awaitable<void> treat(std::shared_ptr<State> state, tcp::socket socket) {
    constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);
    std::array<std::uint8_t, 2> size{};
    const auto [error, two] = co_await asio::async_read(socket, asio::buffer(size), awaiting);
    if (error) co_return;
    Bytes bytes(static_cast<std::size_t>(size[0] << 8 | size[1]));
    const auto [cut, length] = co_await asio::async_read(socket, asio::buffer(bytes), awaiting);
    if (cut) co_return;
    ++state->by_tcp;
    if (state->manners.tcp_hangs) {
      co_await asio::async_read(socket, asio::buffer(size), awaiting);
      co_return;
    }
    const auto answer = reply(*state, read(bytes), true);
    Bytes out;
    put(out, static_cast<unsigned>(answer.size()));
    out.insert(out.end(), answer.begin(), answer.end());
    co_await asio::async_write(socket, asio::buffer(out), awaiting);
  }

  std::shared_ptr<State> state_;
};

}  // namespace ballast::checkd::test
