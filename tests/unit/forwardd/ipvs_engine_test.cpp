// The engine against a kernel of memory: what is ours, what is others', and what they do to ours.
#include <gmock/gmock.h>
#include <netinet/in.h>

#include <cerrno>
#include <fstream>

#include "daemons/forwardd/engines.hpp"

namespace ballast::forwardd::ipvs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

net::Endpoint endpoint(const char* text) { return *net::Endpoint::parse(text); }

/// What a machine's kernel holds, whichever forwardd comes and goes.
struct Machine {
  Table table;
  Timeouts timeouts{900, 120, 300};
  std::vector<Syncer> syncers;
  std::vector<std::string> told;
  std::string refused;  ///< what it does not do
};

class MemoryKernel final : public Kernel {
 public:
  explicit MemoryKernel(Machine& machine) : machine_{machine} {}
  Result<Table> services() override {
    Table all;
    for (const auto& [key, service] : machine_.table) all[key].settings = service.settings;
    return all;
  }
  Result<std::vector<Seen>> destinations(const ServiceKey& service) override {
    std::vector<Seen> all;
    const auto found = machine_.table.find(service);
    if (found == machine_.table.end()) return all;
    for (const auto& [server, destination] : found->second.destinations)
      all.push_back({server, destination, {.active = 1, .connections = 2}});
    return all;
  }
  std::vector<int> apply(std::span<const Change> changes) override {
    std::vector<int> results;
    for (const auto& change : changes) {
      const bool refuses = !machine_.refused.empty() && change.to_string().find(machine_.refused) != std::string::npos;
      const bool known = change.kind == Change::Kind::add_service || machine_.table.contains(change.service);
      results.push_back(refuses ? ENOENT : known ? 0 : ESRCH);
      if (results.back() != 0) continue;
      machine_.told.push_back(change.to_string());
      carry_out(change, machine_.table);
    }
    return results;
  }
  Result<Timeouts> timeouts() override { return machine_.timeouts; }
  Result<> set_timeouts(const Timeouts& timeouts) override {
    machine_.timeouts = timeouts;
    return {};
  }
  Result<std::vector<Syncer>> syncers() override { return machine_.syncers; }
  Result<> start(const Syncer& syncer) override {
    machine_.syncers.push_back(syncer);
    return {};
  }
  Result<> stop(const Syncer& syncer) override {
    std::erase_if(machine_.syncers, [&](const auto& each) { return each.tells == syncer.tells; });
    return {};
  }

 private:
  Machine& machine_;
};

class IpvsEngineTest : public ::testing::Test {
 protected:
  IpvsEngineTest() {
    std::filesystem::create_directories(folder / "vs");
    restart();
  }
  ~IpvsEngineTest() override { std::filesystem::remove_all(folder); }

  void restart() {
    engine = std::make_unique<IpvsEngine>(
        io, EngineOptions{
                .record = folder / "ipvs.json",
                .open = [this]() -> Result<std::unique_ptr<Kernel>> { return std::make_unique<MemoryKernel>(machine); },
                .tell = [this](const bus::Event& event) { events.push_back(event.message); },
                .failed = [this] { ++asked_again; },
                .sysctls = folder / "vs",
                .connections = folder / "connections"});
  }
  static DesiredService service(const std::string& vip) {
    DesiredService made;
    made.name = "tcp:" + vip;
    made.engine = config::EngineKind::ipvs;
    made.endpoints = {endpoint(vip.c_str())};
    made.scheduler = config::Scheduler::rr;
    for (const auto* server : {"10.0.0.1:80", "10.0.0.2:80"})
      made.servers.push_back({.endpoint = endpoint(server), .weight = 1, .status = bus::ServerStatus::up});
    return made;
  }
  static ServiceKey key(const char* vip) { return {net::Family::ipv4, 0, IPPROTO_TCP, endpoint(vip)}; }
  /// What the kernel was told; no error came of it.
  std::vector<std::string> reconcile() {
    machine.told.clear();
    for (const auto& error : engine->reconcile(desired)) ADD_FAILURE() << error.message;
    return machine.told;
  }
  void have(std::initializer_list<const char*> vips) {
    desired.services.clear();
    for (const auto* vip : vips) desired.services.push_back(service(vip));
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("ballast-ipvs-{}", getpid());
  boost::asio::io_context io;
  Machine machine;
  std::vector<std::string> events;
  int asked_again = 0;
  std::unique_ptr<IpvsEngine> engine;
  DesiredState desired;
};

TEST_F(IpvsEngineTest, OnlyWhatChangedIsTold) {
  have({"192.0.2.1:80", "192.0.2.2:80"});
  EXPECT_THAT(reconcile(), SizeIs(6));
  EXPECT_THAT(reconcile(), IsEmpty());
  auto changed = service("192.0.2.2:80");
  changed.servers[1].weight = 7;
  desired.services.put(1, changed);
  EXPECT_THAT(reconcile(), ElementsAre("change server 10.0.0.2:80 of tcp 192.0.2.2:80"));
  have({"192.0.2.1:80"});
  EXPECT_THAT(reconcile(), ElementsAre("remove service tcp 192.0.2.2:80"));
}

TEST_F(IpvsEngineTest, ARestartTouchesNothingAndForgetsNothing) {
  have({"192.0.2.1:80", "192.0.2.2:80"});
  reconcile();
  restart();
  EXPECT_THAT(reconcile(), IsEmpty());
  restart();
  have({"192.0.2.1:80"});
  EXPECT_THAT(reconcile(), ElementsAre("remove service tcp 192.0.2.2:80"))
      << "gone from the file while nobody was there";
}

TEST_F(IpvsEngineTest, OthersServicesAreLeftAlone) {
  machine.table[key("192.0.2.9:80")].settings.scheduler = "wlc";
  have({"192.0.2.1:80"});
  reconcile();
  engine->look();
  have({});
  reconcile();
  EXPECT_EQ(machine.table.size(), 1U);
  EXPECT_TRUE(machine.table.contains(key("192.0.2.9:80")));
}

TEST_F(IpvsEngineTest, WhatSomebodyClearsComesBackAndIsTold) {
  have({"192.0.2.1:80"});
  reconcile();
  const auto before = machine.table;
  machine.table.clear();
  engine->look();
  EXPECT_EQ(machine.table, before);
  EXPECT_THAT(
      events,
      ElementsAre("service tcp:192.0.2.1:80: somebody else changed IPVS (tcp 192.0.2.1:80 removed): put right"));
}

TEST_F(IpvsEngineTest, AWeightThatSomebodyChangesIsPutRightAndTold) {
  have({"192.0.2.1:80"});
  reconcile();
  const auto before = machine.table;
  machine.table[key("192.0.2.1:80")].destinations[endpoint("10.0.0.2:80")].weight = 7;
  machine.table[key("192.0.2.1:80")].destinations[endpoint("10.0.0.9:80")] = {};
  engine->look();
  EXPECT_EQ(machine.table, before);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_THAT(events[0], HasSubstr("server 10.0.0.2:80 with weight 7 instead of 1"));
  events.clear();
  engine->look();
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(IpvsEngineTest, WhatCannotBePutRightIsAskedForAgain) {
  have({"192.0.2.1:80"});
  reconcile();
  const auto before = machine.table;
  machine.table.clear();
  machine.refused = "add service";
  engine->look();
  EXPECT_EQ(asked_again, 1);
  machine.refused.clear();
  reconcile();
  EXPECT_EQ(machine.table, before);
}

TEST_F(IpvsEngineTest, ARecordThatCannotBeReadIsPassedOver) {
  have({"192.0.2.1:80"});
  for (const auto* text :
       {"", "{", "[]", "7", R"({"services":[{}],"sync_daemon":false})",
        R"({"services":[{"family":"inet","fwmark":-1,"protocol":"x","endpoint":"?"}],"sync_daemon":1})"}) {
    std::ofstream{folder / "ipvs.json"} << text;
    restart();
    machine.table.clear();
    EXPECT_THAT(reconcile(), SizeIs(3)) << text;
  }
}

TEST_F(IpvsEngineTest, AMissingSchedulerIsNamedAndTriedAgain) {
  have({"192.0.2.1:80"});
  machine.refused = "add service";
  const auto errors = engine->reconcile(desired);
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_EQ(errors[0].message, "service tcp:192.0.2.1:80: this kernel's IPVS has no module ip_vs_rr");
  machine.refused.clear();
  EXPECT_THAT(reconcile(), SizeIs(3));
}

TEST_F(IpvsEngineTest, AKernelWithoutIpvsIsAnError) {
  engine = std::make_unique<IpvsEngine>(
      io, EngineOptions{.record = folder / "none",
                        .open = []() -> Result<std::unique_ptr<Kernel>> { return fail("no IPVS"); }});
  EXPECT_THAT(engine->reconcile(desired), IsEmpty()) << "nobody asks for it";
  have({"192.0.2.1:80"});
  EXPECT_THAT(engine->reconcile(desired), SizeIs(1));
}

TEST_F(IpvsEngineTest, TimeoutsAndSysctlsAreSet) {
  have({"192.0.2.1:80"});
  desired.timeouts.udp = std::chrono::seconds{7};
  reconcile();
  EXPECT_EQ(machine.timeouts, (Timeouts{900, 120, 7}));
  std::string said;
  std::ifstream{folder / "vs/expire_nodest_conn"} >> said;
  EXPECT_EQ(said, "1");
  machine.timeouts.tcp = 1;
  engine->look();
  EXPECT_EQ(machine.timeouts.tcp, 900U);
}

TEST_F(IpvsEngineTest, TheSyncDaemonFollowsItsInstance) {
  have({"192.0.2.1:80"});
  desired.sync_daemon = config::SyncDaemon{.interface = "eth1", .instance = "VI_1", .id = 7, .group = {}};
  reconcile();
  EXPECT_THAT(machine.syncers, IsEmpty()) << "nobody knows the role yet";
  ASSERT_TRUE(engine->set_roles({{"VI_1", {.forwarding = false, .known = true}}}));
  ASSERT_THAT(machine.syncers, SizeIs(1));
  EXPECT_FALSE(machine.syncers[0].tells);
  ASSERT_TRUE(engine->set_roles({{"VI_1", {.forwarding = true, .known = true}}}));
  ASSERT_THAT(machine.syncers, SizeIs(1));
  EXPECT_TRUE(machine.syncers[0].tells);
  desired.sync_daemon.reset();
  reconcile();
  EXPECT_THAT(machine.syncers, IsEmpty());
}

TEST_F(IpvsEngineTest, ASyncDaemonOfSomebodyElseStaysWhereNoneIsAskedFor) {
  machine.syncers.push_back({.tells = true, .settings = {}});
  have({"192.0.2.1:80"});
  reconcile();
  EXPECT_THAT(machine.syncers, SizeIs(1));
}

TEST_F(IpvsEngineTest, CountersAndConnectionsAreOfTheServices) {
  have({"192.0.2.1:80"});
  reconcile();
  EXPECT_EQ(engine->counters("tcp:192.0.2.1:80").at("10.0.0.2:80").connections, 2U);
  std::ofstream{folder / "connections"} << "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires\n"
                                           "TCP C6336407 9C40 C0000201 0050 0A000001 0050 ESTABLISHED 899\n"
                                           "TCP C6336407 9C41 C0000209 0050 0A000001 0050 ESTABLISHED 899\n";
  const auto all = engine->connections({});
  ASSERT_THAT(all, SizeIs(1)) << "the other is of nobody's service here";
  EXPECT_EQ(all[0].client, "198.51.100.7:40000");
  EXPECT_EQ(all[0].service, "tcp:192.0.2.1:80");
  EXPECT_EQ(all[0].method, "NAT");
}

TEST_F(IpvsEngineTest, UnloadingRemovesOursAlone) {
  machine.table[key("192.0.2.9:80")].settings.scheduler = "wlc";
  have({"192.0.2.1:80"});
  reconcile();
  restart();
  ASSERT_TRUE(engine->unload());
  EXPECT_EQ(machine.table.size(), 1U);
  EXPECT_FALSE(engine->has_record());
}

/// In the place of XDP: what it was asked for.
class Other final : public Engine {
 public:
  std::vector<Error> reconcile(const DesiredState& desired) override {
    services.clear();
    for (const auto& service : desired.services) services.push_back(service.name);
    ++reconciled;
    return {};
  }
  Result<> set_roles(const std::map<std::string, RoleState>&) override { return {}; }
  std::map<std::string, ServerCounters> counters(const std::string&) override { return {{"other", {}}}; }
  std::vector<bus::Connection> connections(const ConnectionFilter& filter) override {
    return std::vector<bus::Connection>(std::min<std::size_t>(filter.limit, 2));
  }
  std::vector<bus::DropCount> drops() override { return {}; }
  Result<std::vector<bus::TraceStep>> trace(const TraceQuery&) override { return fail("other"); }
  nlohmann::json about() override { return {{"engine", "xdp"}}; }
  Result<> unload() override { return {}; }

  std::vector<std::string> services;
  int reconciled = 0;
};

class EnginesTest : public IpvsEngineTest {
 protected:
  Other other;
};

TEST_F(EnginesTest, EachServiceGoesToTheEngineThatItNames) {
  Engines engines{other, *engine, false};
  have({"192.0.2.1:80", "192.0.2.2:80"});
  desired.services[1].engine = config::EngineKind::xdp;
  EXPECT_THAT(engines.reconcile(desired), IsEmpty());
  EXPECT_THAT(other.services, ElementsAre("tcp:192.0.2.2:80"));
  EXPECT_EQ(machine.table.size(), 1U);
  EXPECT_TRUE(engines.counters("tcp:192.0.2.2:80").contains("other"));
  EXPECT_TRUE(engines.counters("tcp:192.0.2.1:80").contains("10.0.0.1:80"));
  EXPECT_FALSE(engines.trace({.source = {}, .destination = endpoint("192.0.2.2:80")}));
  EXPECT_TRUE(engines.trace({.source = {}, .destination = endpoint("192.0.2.1:80")}));
}

TEST_F(EnginesTest, WhereAllIsIpvssXdpIsNotTouchedUnlessItIsThere) {
  have({"192.0.2.1:80"});
  Engines engines{other, *engine, false};
  engines.reconcile(desired);
  EXPECT_EQ(other.reconciled, 0);
  Engines after{other, *engine, true};
  after.reconcile(desired);
  EXPECT_EQ(other.reconciled, 1);
  EXPECT_THAT(other.services, IsEmpty()) << "what a former forwardd left is taken out";
}

TEST_F(EnginesTest, TheLimitOfConnectionsIsOfBoth) {
  have({"192.0.2.1:80"});
  Engines engines{other, *engine, true};
  engines.reconcile(desired);
  std::ofstream{folder / "connections"} << "TCP C6336407 9C40 C0000201 0050 0A000001 0050 ESTABLISHED 899\n"
                                           "TCP C6336407 9C41 C0000201 0050 0A000001 0050 ESTABLISHED 899\n";
  EXPECT_THAT(engines.connections({}), SizeIs(4));
  EXPECT_THAT(engines.connections({.service = "", .client = "", .server = "", .limit = 3}), SizeIs(3));
  EXPECT_THAT(engines.connections({.service = "", .client = "", .server = "", .limit = 1}), SizeIs(1));
}

}  // namespace
}  // namespace ballast::forwardd::ipvs
