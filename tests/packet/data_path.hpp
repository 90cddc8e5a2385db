#pragma once
// The XDP program over small maps, with the real planner and writer before it and no interface behind it: packets go in
// and come out through BPF_PROG_RUN.
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "daemons/forwardd/xdp/census.hpp"
#include "daemons/forwardd/xdp/flow_table.hpp"
#include "daemons/forwardd/xdp/load_table.hpp"
#include "daemons/forwardd/xdp/map_writer.hpp"
#include "daemons/forwardd/xdp/migration.hpp"
#include "daemons/forwardd/xdp/planner.hpp"
#include "tests/packet/packet.hpp"
#include "tests/packet/program.hpp"

namespace ballast::packet {

namespace layout = forwardd::xdp::layout;

enum class Verdict : std::uint32_t { aborted, drop, pass, transmit, redirect };

struct Outcome {
  Verdict verdict = Verdict::aborted;
  std::string reason;  ///< of a drop, as counted
  Bytes frame;         ///< empty after a drop
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out);

Outcome passed(const Packet& packet);
Outcome dropped(std::string reason);
/// Sent back through the interface that it came by, and through another.
Outcome transmitted(const Packet& packet);
Outcome redirected(const Packet& packet);

/// A connection as the table has it.
struct Connection {
  std::string state;  ///< as IPVS's tools name it
  std::string server;
  bool proved = false;  ///< the client has shown that it is there: no flood can evict it
  bool operator==(const Connection&) const = default;
};
void PrintTo(const Connection& connection, std::ostream* out);

struct Load {
  std::uint32_t active = 0;
  std::uint32_t inactive = 0;
  bool operator==(const Load&) const = default;
};
void PrintTo(const Load& load, std::ostream* out);

struct Sweep {
  std::uint32_t flows = 0;
  std::uint32_t half_open = 0;
  std::uint32_t expired = 0;
  bool operator==(const Sweep&) const = default;
};
void PrintTo(const Sweep& sweep, std::ostream* out);

class DataPath {
 public:
  /// Why this machine cannot load BPF programs, in words; empty where it can.
  static std::string missing();

  explicit DataPath(const Sizes& sizes);
  ~DataPath();
  DataPath(const DataPath&) = delete;
  DataPath& operator=(const DataPath&) = delete;

  /// Makes the maps agree with the state, as forwardd does.
  void set(const forwardd::DesiredState& desired, const forwardd::xdp::NextHops& hops);

  /// One packet in. Checks what holds of every packet: one that passes is untouched and uncounted, a drop is counted
  /// once, and the checksums of one that is sent on are right if they were.
  Outcome send(const Bytes& frame);
  Outcome send(const Packet& packet) { return send(packet.bytes()); }
  /// As send, with nothing looked at but the verdict. May be called from several threads.
  Verdict replay(const Bytes& frame) const;

  [[nodiscard]] std::optional<Connection> connection(const Packet& from_client) const;
  [[nodiscard]] std::optional<layout::flow> flow(const Packet& from_client) const;
  /// Connections in the table.
  [[nodiscard]] std::size_t entries() const;
  /// Before making connections for let_pass, on a machine that may have booted just now.
  static void await_uptime(std::uint32_t seconds);
  /// Makes the connections of a packet's client as if their last packets were so long ago.
  void let_pass(const Packet& from_client, std::uint32_t seconds);
  /// Takes a connection away as an eviction does.
  void forget(const Packet& from_client);
  /// Makes what is remembered of clients older.
  void age_persistence(std::uint32_t seconds);
  /// The way to the client that the connection has cached.
  [[nodiscard]] layout::hop hop(const layout::flow& flow) const;
  [[nodiscard]] std::uint64_t events(const std::string& name) const;
  /// The sweep, at a time so far ahead. Census and load differ afterwards only where the program counts wrong.
  Sweep sweep(std::uint32_t seconds_ahead);
  /// The sweep by the kernel's own clock.
  Sweep sweep_now() { return sweep_at(0); }
  /// Puts loads right by the last census, as forwardd does after each sweep.
  void correct();
  [[nodiscard]] Load census(const std::string& server) const;
  [[nodiscard]] Load load(const std::string& server) const;
  /// Over all indices, of servers past and present.
  [[nodiscard]] Load total_load() const;
  [[nodiscard]] layout::server_stats stats(const std::string& server) const;
  /// Networks of clients whose connections failed, roughly; forgotten then.
  unsigned take_failed_clients(const std::string& server);
  [[nodiscard]] std::uint64_t drops(const std::string& reason) const;
  void change_routes();
  /// Moves connections into a table for so many, as forwardd does it. `meanwhile` happens after they were copied and
  /// before the program is changed.
  forwardd::xdp::Migration::Outcome resize(std::uint32_t connections, const std::function<void()>& meanwhile);
  /// A device that stands on another one, which frames leave by.
  void stands_on(std::uint32_t device, const forwardd::xdp::Exit& below);
  /// The steps of a trace, by short name; nothing is changed by it.
  std::vector<bus::TraceStep> trace(const Packet& packet) const;
  /// LIPs' ports that are given to connections.
  [[nodiscard]] std::size_t ports_in_use() const;
  /// Connections of which sequence numbers are remembered.
  [[nodiscard]] std::size_t details() const;

  /// Of a server of one service only.
  [[nodiscard]] std::uint32_t index_of(const std::string& server) const;
  /// The server to which a client's packet was sent; empty: none.
  [[nodiscard]] std::string server_of(const Packet& from_client) const;
  [[nodiscard]] const forwardd::xdp::Plan& plan() const { return plan_; }

 private:
  [[nodiscard]] std::vector<std::uint64_t> read_drops() const;
  [[nodiscard]] Bytes run(const Bytes& frame, Verdict& verdict) const;
  Sweep sweep_at(std::uint32_t seconds);

  std::unique_ptr<Program> program_;
  std::unique_ptr<forwardd::xdp::Object> resized_;
  const forwardd::xdp::Object* object_;
  forwardd::xdp::LoadTable load_;
  forwardd::xdp::LoadTable census_;
  forwardd::xdp::FlowTable flows_;
  forwardd::xdp::MappedArray<std::uint64_t> failed_clients_;
  forwardd::xdp::DriftFinder drift_;
  forwardd::xdp::Mirror mirror_;
  forwardd::xdp::Plan plan_;
};

}  // namespace ballast::packet
