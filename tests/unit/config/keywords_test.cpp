// Every keyword: its default, what it takes, what it refuses.
#include "common/config/keywords.hpp"

#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// Where a line is put, and where in the model's JSON its value is found.
struct Place {
  std::string before, after, pointer;
};

std::string address_group() { return "\nvirtual_server_group G {\n192.0.2.100 80\n}\n"; }

Place global(const std::string& field) { return {"global_defs {\n", "\n}\n", "/global/" + field}; }
Place vrrp(const std::string& field) {
  return {"vrrp_instance A {\ninterface eth0\nvirtual_router_id 9\nversion 3\n",
          "\nvirtual_ipaddress {\n192.0.2.100\n}\n}\n", "/vrrp_instances/0/" + field};
}
Place virtual_server(const std::string& field) {
  return {"virtual_server 192.0.2.100 80 {\nprotocol TCP\n",
          "\nreal_server 192.0.2.9 80 {\nweight 1000\nTCP_CHECK {\n}\n}\n}\n", "/virtual_servers/0/" + field};
}
Place real_server(const std::string& field) {
  return {"virtual_server 192.0.2.100 80 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\n", "\n}\n}\n",
          "/virtual_servers/0/real_servers/0/" + field};
}
/// A service with further lines before the one in question.
Place service_with(const std::string& lines, const std::string& field, const std::string& address = "192.0.2.100",
                   const std::string& server = "192.0.2.9") {
  return {fmt::format("virtual_server {} 80 {{\n{}\n", address, lines),
          fmt::format("\nreal_server {} 80 {{\n}}\n}}\nlocal_address_group L {{\n192.0.2.50\n}}\n", server),
          "/virtual_servers/0/" + field};
}
Place check(const std::string& kind, const std::string& field) {
  const auto url = kind == "HTTP_GET" ? "url {\n}\n" : "";
  return {"virtual_server 192.0.2.100 80 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\n" + kind + " {\n",
          fmt::format("\n{}}}\n}}\n}}\n", url), "/virtual_servers/0/real_servers/0/checks/0/" + field};
}
Place url(const std::string& field) {
  return {"virtual_server 192.0.2.100 80 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\nHTTP_GET {\nurl {\n",
          "\n}\n}\n}\n}\n", "/virtual_servers/0/real_servers/0/checks/0/http/urls/0/" + field};
}

struct Case {
  std::string keyword;
  Place place;
  std::string standard;                                     ///< the model's JSON without the keyword
  std::vector<std::pair<std::string, std::string>> values;  ///< what is written, and the model's JSON
  std::vector<std::string> refused;
};

const std::vector<std::pair<std::string, std::string>> booleans{{"", "true"},      {"on", "true"},   {"yes", "true"},
                                                                {"true", "true"},  {"off", "false"}, {"no", "false"},
                                                                {"false", "false"}};
const std::vector<std::string> no_seconds{"", "-1", "x", "1s", "1..2", ".", "99999999", "99999999999999999999"};

std::string sync_daemon(const std::string& interface, const std::string& id) {
  return fmt::format(R"({{"group":null,"id":{},"instance":"","interface":"{}","maxlen":0,"port":0,"ttl":0}})", id,
                     interface);
}

std::vector<Case> global_cases() {
  return {
      {"router_id", global("router_id"), R"("")", {{"lb1", R"("lb1")"}, {"\"a b\"", R"("a b")"}}, {""}},
      {"script_user", global("script_user"), R"("")", {{"nobody", R"("nobody")"}, {"a b", R"("a b")"}}, {""}},
      {"enable_script_security", global("enable_script_security"), "false", booleans, {"maybe"}},
      {"lb_engine", global("lb_engine"), R"("xdp")", {{"xdp", R"("xdp")"}, {"ipvs", R"("ipvs")"}}, {"", "dpdk"}},
      {"lvs_sync_daemon",
       global("sync_daemon"),
       "null",
       {{"eth0", sync_daemon("eth0", "0")},
        {"eth0 id 255 maxlen 1400 port 8849 ttl 2 group 224.0.0.82",
         R"({"group":"224.0.0.82","id":255,"instance":"","interface":"eth0","maxlen":1400,"port":8849,"ttl":2})"}},
       {"", "eth0 VI_9", "eth0 inst VI_9", "eth0 id 256", "eth0 id", "eth0 maxlen 0", "eth0 maxlen 65508",
        "eth0 port 0", "eth0 port 65536", "eth0 ttl 0", "eth0 ttl 256", "eth0 group 192.0.2.1", "eth0 group x"}},
      {"lb_interfaces",
       global("lb_interfaces"),
       "[]",
       {{"eth0 eth1 eth0", R"(["eth0","eth1"])"}},
       {"", "a/b", "sixteen-letters0"}},
      {"xdp_mode",
       global("xdp_mode"),
       R"("auto")",
       {{"native", R"("native")"}, {"generic", R"("generic")"}},
       {"", "NATIVE"}},
      {"connection_table_size",
       global("connection_table_size"),
       "1000000",
       {{"1024", "1024"}, {"100000000", "100000000"}},
       {"", "1023", "100000001", "-1", "1e6"}},
      {"lvs_timeouts",
       global("lvs_timeouts"),
       R"({"tcp":900.0,"tcp_fin":120.0,"udp":300.0})",
       {{"tcp 60", R"({"tcp":60.0,"tcp_fin":120.0,"udp":300.0})"},
        {"udp 1 tcpfin 2 tcp 3", R"({"tcp":3.0,"tcp_fin":2.0,"udp":1.0})"}},
       {"", "tcp", "tcp 0", "sctp 5", "tcp 5 udp"}},
      {"expire_nodest", global("expire_nodest"), "false", booleans, {"maybe"}},
      {"sloppy_tcp", global("sloppy_tcp"), "false", booleans, {"maybe"}},
  };
}

std::vector<Case> vrrp_cases() {
  return {
      {"state",
       vrrp("initial_state"),
       R"("BACKUP")",
       {{"MASTER", R"("MASTER")"}, {"BACKUP", R"("BACKUP")"}},
       {"", "FAULT", "master"}},
      {"priority", vrrp("priority"), "100", {{"1", "1"}, {"255", "255"}}, {"", "0", "256", "-1", "1.5"}},
      {"advert_int",
       vrrp("advert_interval"),
       "1.0",
       {{"0.01", "0.01"}, {"40.95", "40.95"}, {".5", "0.5"}, {"2", "2.0"}},
       {"", "0", "0.009", "40.96", "256", "1s"}},
      {"nopreempt", vrrp("preempt"), "true", {{"", "false"}}, {}},
      {"preempt", vrrp("preempt"), "true", {{"", "true"}}, {}},
      {"preempt_delay",
       vrrp("preempt_delay"),
       "0.0",
       {{"0", "0.0"}, {"1000", "1000.0"}, {"2.25", "2.25"}},
       {"", "1001", "-1"}},
      {"mcast_src_ip", vrrp("source"), "null", {{"192.0.2.1", R"("192.0.2.1")"}}, {"", "192.0.2", "2001:db8::1"}},
      {"unicast_src_ip", vrrp("source"), "null", {{"192.0.2.1", R"("192.0.2.1")"}}, {"", "192.0.2", "2001:db8::1"}},
      {"unicast_ttl", vrrp("unicast_ttl"), "255", {{"0", "0"}, {"64", "64"}}, {"", "256", "-1"}},
      {"check_unicast_src", vrrp("check_unicast_source"), "false", booleans, {"maybe"}},
      {"v3_checksum_as_v2", vrrp("v3_checksum_as_v2"), "false", booleans, {"maybe"}},
      {"accept", vrrp("accept"), "true", booleans, {"maybe"}},
      {"no_accept", vrrp("accept"), "true", {{"", "false"}}, {}},
      {"description", vrrp("description"), R"("")", {{"\"the office\"", R"("the office")"}}, {""}},
      {"garp_master_delay", vrrp("announce/delay"), "5.0", {{"0", "0.0"}, {"1.5", "1.5"}}, no_seconds},
      {"garp_master_repeat", vrrp("announce/repeat"), "5", {{"0", "0"}, {"1000", "1000"}}, {"", "1001", "x"}},
      {"garp_master_refresh", vrrp("announce/refresh"), "0.0", {{"60", "60.0"}}, no_seconds},
      {"garp_master_refresh_repeat", vrrp("announce/refresh_repeat"), "1", {{"2", "2"}}, {"", "1001"}},
      {"garp_lower_prio_delay", vrrp("announce/lower_prio_delay"), "5.0", {{"10", "10.0"}}, no_seconds},
      {"garp_lower_prio_repeat", vrrp("announce/lower_prio_repeat"), "5", {{"1", "1"}}, {"", "1001"}},
      {"garp_interval", vrrp("announce/garp_interval"), "0.0", {{"0.000001", "1e-06"}, {"10", "10.0"}}, no_seconds},
      {"gna_interval", vrrp("announce/gna_interval"), "0.0", {{"0.1", "0.1"}}, no_seconds},
  };
}

std::string tunnel(const std::string& type, int port = 0, const std::string& checksum = "nocsum") {
  return fmt::format(R"({{"checksum":"{}","port":{},"type":"{}"}})", checksum, port, type);
}

/// Every scheduler is itself.
std::vector<std::pair<std::string, std::string>> schedulers() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [value, name] : enum_names(static_cast<Scheduler*>(nullptr)))
    all.emplace_back(name, fmt::format("\"{}\"", name));
  return all;
}

std::vector<Case> forwarding_cases() {
  const std::string fnat = "protocol TCP\nlvs_method FNAT\nladdr_group_name L";
  std::vector<Case> all{
      {"lvs_sched", virtual_server("scheduler"), R"("wlc")", schedulers(), {"", "best", "RR"}},
      {"lb_algo", virtual_server("scheduler"), R"("wlc")", {{"rr", R"("rr")"}}, {"", "best"}},
      {"lvs_method",
       service_with("protocol TCP\nladdr_group_name L", "method"),
       R"("NAT")",
       {{"DR", R"("DR")"}, {"NAT", R"("NAT")"}, {"TUN", R"("TUN")"}, {"FNAT", R"("FNAT")"}, {"FULLNAT", R"("FNAT")"}},
       {"", "dr", "IPIP"}},
      {"lvs_method",
       virtual_server("tunnel"),
       tunnel("ipip"),
       {{"TUN", tunnel("ipip")},
        {"TUN type ipip", tunnel("ipip")},
        {"TUN nocsum", tunnel("ipip")},
        {"TUN type gre", tunnel("gre")},
        {"TUN type gre csum", tunnel("gre", 0, "csum")},
        {"TUN type gue port 6080", tunnel("gue", 6080)},
        {"TUN type gue port 65535 csum", tunnel("gue", 65535, "csum")},
        {"TUN csum port 6080 type gue", tunnel("gue", 6080, "csum")},
        {"TUN type gre csum nocsum", tunnel("gre")}},
       {"TUN type", "TUN type foo", "TUN gue port 6080", "TUN type gue", "TUN type gue port", "TUN type gue port 0",
        "TUN type gue port 65536", "TUN port 6080", "TUN type gre port 6080", "TUN csum", "TUN type ipip remcsum",
        "TUN type gre remcsum"}},
      {"lvs_method", real_server("tunnel"), tunnel("ipip"), {{"TUN type gre", tunnel("gre")}}, {"TUN type"}},
      {"persistence_timeout",
       virtual_server("persistence_timeout"),
       "0.0",
       {{"", "360.0"}, {"1", "1.0"}, {"2678400", "2678400.0"}},
       {"0", "2678401", "1.5", "x", "-1"}},
      {"persistence_granularity",
       service_with("protocol TCP\npersistence_timeout", "persistence_prefix4"),
       "32",
       {{"255.255.255.0", "24"}, {"255.255.255.255", "32"}, {"128.0.0.0", "1"}, {"0.0.0.0", "0"}},
       {"", "24", "255.0.255.0", "0.0.0.255", "x", "ffff::"}},
      {"persistence_granularity",
       service_with("protocol TCP\npersistence_timeout", "persistence_prefix6", "2001:db8::100", "2001:db8::9"),
       "128",
       {{"64", "64"}, {"1", "1"}, {"128", "128"}},
       {"", "0", "129", "255.255.255.0"}},
      {"ops", service_with("protocol UDP", "one_packet"), "false", booleans, {"maybe"}},
      {"expire_nodest", virtual_server("expire_nodest"), "false", booleans, {"maybe"}},
      {"sloppy_tcp", virtual_server("sloppy_tcp"), "false", booleans, {"maybe"}},
      {"client_address",
       service_with(fnat, "client_address"),
       R"("toa")",
       {{"toa", R"("toa")"}, {"proxy_v1", R"("proxy_v1")"}, {"proxy_v2", R"("proxy_v2")"}, {"none", R"("none")"}},
       {"", "proxy", "TOA"}},
      {"laddr_group_name",
       service_with("protocol TCP\nlvs_method FNAT\nladdr_group_name L", "local_addresses"),
       R"(["192.0.2.50"])",
       {{"L", R"(["192.0.2.50"])"}},
       {"M"}},
      {"uthreshold",
       real_server("upper_threshold"),
       "0",
       {{"0", "0"}, {"4294967295", "4294967295"}},
       {"", "4294967296", "-1", "x"}},
      {"lthreshold",
       real_server("lower_threshold"),
       "0",
       {{"0", "0"}, {"4294967295", "4294967295"}},
       {"", "4294967296", "-1", "x"}},
  };
  for (const std::string scheduler : {"sh", "mh"}) {
    const auto place = [&](const std::string& field) {
      return service_with("protocol TCP\nlvs_sched " + scheduler, field);
    };
    for (const std::string name : {"sh-port", "mh-port", "flag-2"})
      all.push_back({name, place("hash_port"), "false", booleans, {"maybe"}});
    for (const std::string name : {"sh-fallback", "mh-fallback", "flag-1"})
      all.push_back({name, place("hash_fallback"), "false", booleans, {"maybe"}});
  }
  return all;
}

std::string sorry_server(const std::string& endpoint) {
  return fmt::format(R"({{"endpoint":"{}","inhibit":false,"method":"NAT","tunnel":{}}})", endpoint, tunnel("ipip"));
}

std::vector<Case> service_cases() {
  return {
      {"lb_kind", virtual_server("method"), R"("NAT")", {{"DR", R"("DR")"}}, {""}},
      {"lb_engine", virtual_server("engine"), R"("xdp")", {{"xdp", R"("xdp")"}, {"ipvs", R"("ipvs")"}}, {"", "dpdk"}},
      {"protocol", virtual_server("protocol"), R"("tcp")", {{"SCTP", R"("sctp")"}, {"UDP", R"("udp")"}}, {"", "ICMP"}},
      {"ip_family", virtual_server("family"), R"("ipv4")", {{"inet", R"("ipv4")"}}, {"", "ipv6", "inet6"}},
      {"persistence_engine",
       service_with("protocol UDP\npersistence_timeout 60", "persistence_engine"),
       R"("")",
       {{"sip", R"("sip")"}},
       {"", "a-name-that-is-too-long"}},
      {"omega", virtual_server("omega"), "false", booleans, {"maybe"}},
      {"alpha", virtual_server("alpha"), "false", booleans, {"maybe"}},
      {"quorum", virtual_server("quorum"), "1", {{"1", "1"}, {"1000", "1000"}}, {"", "0", "1000000001"}},
      {"hysteresis", virtual_server("hysteresis"), "0", {{"0", "0"}}, {"", "-1"}},
      {"sorry_server",
       virtual_server("sorry_server"),
       "null",
       {{"192.0.2.5 81", sorry_server("192.0.2.5:81")},
        {"192.0.2.5", sorry_server("192.0.2.5:80")},
        {"192.0.2.5 0", sorry_server("192.0.2.5:80")}},
       {"", "192.0.2", "192.0.2.5 65536", "2001:db8::1 80"}},
      {"sorry_server_lvs_method", virtual_server("sorry_server"), "null", {{"DR", "null"}}, {"", "dr", "TUN type"}},
      {"sorry_server_lvs_method",
       service_with("protocol TCP\nsorry_server 192.0.2.5", "sorry_server/tunnel"),
       tunnel("ipip"),
       {{"TUN type gue port 99", tunnel("gue", 99)}},
       {"TUN type gue"}},
      {"lvs_timeouts",
       virtual_server("timeouts"),
       "null",
       {{"tcp 60", R"({"tcp":60.0,"tcp_fin":120.0,"udp":300.0})"}},
       {"", "tcp"}},
      {"delay_loop",
       virtual_server("real_servers/0/checks/0/delay_loop"),
       "60.0",
       {{"0.001", "0.001"}, {"86400", "86400.0"}},
       {"", "0", "86401"}},
      {"inhibit_on_failure", virtual_server("real_servers/0/inhibit_on_failure"), "false", booleans, {"maybe"}},
      {"weight", real_server("weight"), "1", {{"0", "0"}, {"65535", "65535"}}, {"", "-1", "65536"}},
      {"inhibit_on_failure", real_server("inhibit_on_failure"), "false", booleans, {"maybe"}},
      {"lvs_method", real_server("method"), R"("NAT")", {{"DR", R"("DR")"}, {"TUN", R"("TUN")"}}, {"", "FNAT", "tun"}},
  };
}

std::vector<Case> check_cases() {
  std::vector<Case> all;
  for (const std::string kind : {"TCP_CHECK", "HTTP_GET"}) {
    const auto of = [&](const std::string& field) { return check(kind, field); };
    const std::string pause = kind == "HTTP_GET" ? "3.0" : "1.0";
    const std::vector<Case> both{
        {"connect_ip", of("target"), R"("192.0.2.9:80")", {{"192.0.2.7", R"("192.0.2.7:80")"}}, {"", "x"}},
        {"connect_port",
         of("target"),
         R"("192.0.2.9:80")",
         {{"1", R"("192.0.2.9:1")"}, {"65535", R"("192.0.2.9:65535")"}},
         {"", "0", "65536"}},
        {"bindto", of("bind"), "null", {{"192.0.2.7", R"("192.0.2.7:0")"}}, {"", "x", "2001:db8::1"}},
        {"bind_port", of("bind"), "null", {{"99", R"("0.0.0.0:99")"}}, {"", "0", "65536"}},
        {"delay_loop", of("delay_loop"), "60.0", {{"1.5", "1.5"}}, {"", "0"}},
        {"connect_timeout", of("connect_timeout"), "5.0", {{"0.001", "0.001"}}, {"", "0"}},
        {"retry", of("retry"), "1", {{"0", "0"}, {"1000", "1000"}}, {"", "1001", "-1"}},
        {"nb_get_retry", of("retry"), "1", {{"3", "3"}}, {""}},
        {"delay_before_retry", of("delay_before_retry"), pause, {{"0", "0.0"}}, {"", "x"}},
        {"warmup", of("warmup"), "60.0", {{"0", "0.0"}}, {"", "x"}},
        {"alpha", of("alpha"), "false", booleans, {"maybe"}}};
    all.insert(all.end(), both.begin(), both.end());
  }
  const std::string md5 = "0123456789abcdef0123456789abcdef";
  const std::vector<Case> http{
      {"virtualhost",
       check("HTTP_GET", "http/virtualhost"),
       R"("")",
       {{"www.example.com", R"("www.example.com")"}},
       {""}},
      {"path", url("path"), R"("/")", {{"/health?deep=1", R"("/health?deep=1")"}}, {"", "health", "\"/a b\""}},
      {"status_code",
       url("status"),
       "[]",
       {{"200", R"([{"first":200,"last":200}])"},
        {"200-299 404", R"([{"first":200,"last":299},{"first":404,"last":404}])"}},
       {"", "99", "1000", "299-200", "200-", "ok"}},
      {"digest",
       url("digest"),
       R"("")",
       {{md5, '"' + md5 + '"'}, {"0123456789ABCDEF0123456789ABCDEF", '"' + md5 + '"'}},
       {"", "0123", md5 + "0", "g123456789abcdef0123456789abcdef"}},
      {"virtualhost", url("virtualhost"), R"("")", {{"www.example.com", R"("www.example.com")"}}, {""}}};
  all.insert(all.end(), http.begin(), http.end());
  return all;
}

std::vector<Case> policy_cases() {
  const auto of = [](const std::string& field) { return check("TCP_CHECK", field); };
  return {{"fall", of("retry"), "1", {{"1", "0"}, {"3", "2"}}, {"", "0", "1001"}},
          {"rise", of("rise"), "1", {{"3", "3"}}, {"", "0", "1001"}},
          {"log_all_failures", of("log_all"), "false", booleans, {"maybe"}},
          {"bind_if", of("bind_interface"), R"("")", {{"eth1", R"("eth1")"}}, {"", "a/b"}},
          {"fwmark", of("fwmark"), "0", {{"7", "7"}, {"4294967295", "4294967295"}}, {"", "-1", "4294967296"}},
          {"any_check", real_server("any_check"), "false", booleans, {"maybe"}},
          {"when_all_down", virtual_server("when_all_down"), R"("refuse")", {{"all", R"("all")"}}, {"", "none"}},
          {"slow_start", virtual_server("slow_start"), "0.0", {{"30", "30.0"}}, {"", "3601"}},
          {"ha_suspend", virtual_server("ha_suspend"), "false", booleans, {"maybe"}},
          {"quorum_up",
           virtual_server("quorum_up"),
           R"({"group":"","user":"","words":[]})",
           {{"\"/bin/up 1\" nobody", R"({"group":"","user":"nobody","words":["/bin/up","1"]})"}},
           {"", "\"'\""}},
          {"notify_down",
           real_server("notify_down"),
           "null",
           {{"/bin/down", R"({"group":"","user":"","words":["/bin/down"]})"}},
           {""}},
          {"checker_log_all_failures",
           {"global_defs {\n",
            "\n}\nvirtual_server 192.0.2.100 80 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\nTCP_CHECK {\n}\n}\n}\n",
            "/virtual_servers/0/real_servers/0/checks/0/log_all"},
           "false",
           booleans,
           {"maybe"}}};
}

Place passive(const std::string& field) {
  return {"virtual_server 192.0.2.100 80 {\nprotocol TCP\npassive_check {\n", "\n}\nreal_server 192.0.2.9 80 {\n}\n}\n",
          "/virtual_servers/0/passive_check/" + field};
}

Place source(const std::string& first, const std::string& field) {
  return {"virtual_server 192.0.2.100 80 {\nprotocol TCP\nreal_servers_from " + first + " {\n", "\n}\n}\n",
          "/virtual_servers/0/sources/0/" + field};
}

Place webhook(const std::string& field) {
  return {"global_defs {\nwebhook https://example.com/x {\n", "\n}\n}\n", "/global/scripts/webhooks/0/" + field};
}

std::vector<Case> block_cases() {
  return {{"failures", passive("failures"), "5", {{"9", "9"}}, {"", "0"}},
          {"ratio", passive("ratio"), "50", {{"100", "100"}}, {"", "0", "101"}},
          {"clients", passive("clients"), "3", {{"64", "64"}}, {"", "0", "65"}},
          {"most_down", passive("most_down"), "50", {{"99", "99"}}, {"", "0", "100"}},
          {"interval", passive("interval"), "2.0", {{"0.5", "0.5"}}, {"", "0"}},
          {"hold", passive("hold"), "10.0", {{"0.5", "0.5"}}, {"", "0"}},
          {"interval", source("dns web.example.com", "query/interval"), "1.0", {{"5", "5.0"}}, {"", "0"}},
          {"most", source("dns web.example.com", "query/most"), "256", {{"9", "9"}}, {"", "0", "4097"}},
          {"nameserver",
           source("dns web.example.com", "query/nameservers"),
           "[]",
           {{"192.0.2.53", R"(["192.0.2.53:53"])"}, {"192.0.2.53 5353", R"(["192.0.2.53:5353"])"}},
           {"", "ns1", "192.0.2.53 0"}},
          {"weight", source("dns web.example.com", "like/weight"), "1", {{"9", "9"}}, {"", "-1"}},
          {"ca_file", source("dns web.example.com", "query/ca_file"), R"("")", {{"/a", R"("/a")"}}, {""}},
          {"events", webhook("kinds"), "[]", {{"vrrp health", R"(["vrrp","health"])"}}, {"", "all"}},
          {"header_file", webhook("header_file"), R"("")", {{"/a", R"("/a")"}}, {""}},
          {"tls_verify", webhook("verify"), "true", booleans, {"maybe"}},
          {"timeout", webhook("timeout"), "5.0", {{"1", "1.0"}}, {"", "0", "61"}},
          {"tries", webhook("tries"), "5", {{"1", "1"}}, {"", "0", "101"}},
          {"rs_init_notifies", global("scripts/initial_servers"), "false", booleans, {"maybe"}},
          {"no_checker_emails", global("mail/checkers"), "true", {{"", "false"}}, {}}};
}

/// Of the kinds of checkers that came later: what each has of its own.
std::vector<Case> kind_cases() {
  const auto udp = [](const std::string& field) { return check("UDP_CHECK", "udp/" + field); };
  const auto tls = [](const std::string& field) {
    return Place{"virtual_server 192.0.2.100 80 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\nSSL_GET {\nurl {\n}\n",
                 "\n}\n}\n}\n", "/virtual_servers/0/real_servers/0/checks/0/tls/" + field};
  };
  const auto misc = [](const std::string& lines, const std::string& field) {
    return Place{"virtual_server 192.0.2.100 80 {\nprotocol TCP\nreal_server 192.0.2.9 80 {\nMISC_CHECK {\n" + lines,
                 "\n}\n}\n}\n", "/virtual_servers/0/real_servers/0/checks/0/misc/" + field};
  };
  const auto file = [](const std::string& field) {
    return Place{
        "track_file load {\nfile /run/load\nweight 3\n}\nvirtual_server 192.0.2.100 80 {\nprotocol TCP\n"
        "real_server 192.0.2.9 80 {\nFILE_CHECK {\ntrack_file load\n",
        "\n}\n}\n}\n", "/virtual_servers/0/real_servers/0/checks/0/file/" + field};
  };
  return {
      {"helo_name", check("SMTP_CHECK", "smtp/helo_name"), R"("")", {{"lb1", R"("lb1")"}}, {""}},
      {"type", check("DNS_CHECK", "dns/type"), R"("SOA")", {{"AAAA", R"("AAAA")"}}, {"", "SRV"}},
      {"name", check("DNS_CHECK", "dns/name"), R"(".")", {{"a.example", R"("a.example")"}}, {""}},
      {"retry", check("DNS_CHECK", "retry"), "3", {{"0", "0"}}, {""}},
      {"delay_before_retry", check("DNS_CHECK", "delay_before_retry"), "60.0", {{"1", "1.0"}}, {""}},
      {"payload", udp("payload"), R"("")", {{"Ab12f 3 456", R"("ab120f034506")"}}, {"", "xy", std::string(2'802, 'a')}},
      {"require_reply", udp("reply"), R"("")", {{"", R"("")"}, {"0Xx1", R"("0xx1")"}}, {"gg"}},
      {"min_reply_length", udp("min_reply"), "0", {{"255", "255"}}, {"", "65508", "256"}},
      {"max_reply_length", udp("max_reply"), "255", {{"65507", "65507"}}, {"", "65508"}},
      {"agent_send", check("AGENT_CHECK", "agent/send"), R"("")", {{"\"a b\"", R"("a b")"}}, {""}},
      {"tls", check("GRPC_CHECK", "rise"), "1", {{"on", "1"}}, {"maybe"}},
      {"grpc_service", check("GRPC_CHECK", "grpc/service"), R"("")", {{"a.B", R"("a.B")"}}, {""}},
      {"grpc_authority", check("GRPC_CHECK", "grpc/authority"), R"("")", {{"a.b", R"("a.b")"}}, {""}},
      {"http_protocol", check("HTTP_GET", "http/version"), R"("1.1")", {{"1.0C", R"("1.0C")"}, {"2", R"("2")"}}, {"3"}},
      {"enable_sni", tls("sni"), "false", booleans, {"maybe"}},
      {"tls_server_name", tls("server_name"), R"("")", {{"a.b", R"("a.b")"}}, {""}},
      {"tls_verify", tls("verify"), "false", booleans, {"maybe"}},
      {"tls_ca_file", tls("ca_file"), R"("")", {{"/ca", R"("/ca")"}}, {"", "ca"}},
      {"tls_certificate", tls("certificate"), R"("")", {{"/c\ntls_key /k", R"("/c")"}}, {"/c", "c"}},
      {"tls_expiry_warning", tls("expiry_warning"), "1209600.0", {{"0", "0.0"}, {"1", "86400.0"}}, {"", "3651"}},
      {"misc_path", misc("", "command/words"), "", {{"\"/bin/a 'b c'\"", R"(["/bin/a","b c"])"}}, {}},
      {"misc_timeout", misc("misc_path /bin/a\n", "timeout"), "60.0", {{"2", "2.0"}}, {"", "0"}},
      {"misc_dynamic", misc("misc_path /bin/a\n", "dynamic"), "false", booleans, {"maybe"}},
      {"user", misc("misc_path /bin/a\n", "command/user"), R"("")", {{"nobody nogroup", R"("nobody")"}}, {""}},
      {"weight", file("weight"), "3", {{"-5", "-5"}, {"0", "0"}}, {"", "1000001", "1 back"}},
      {"weight", file("reverse"), "false", {{"5 reverse", "true"}, {"5", "false"}}, {}},
      {"dynamic", file("dynamic"), "false", booleans, {"maybe"}},
      {"regex",
       url("regex"),
       "null",
       {{"\"a b\"", R"({"max_offset":0,"min_offset":0,"must_not_match":false,"options":[],"pattern":"a b"})"}},
       {""}},
      {"regex_options",
       url("regex"),
       "null",
       {{"caseless dotall\nregex x",
         R"({"max_offset":0,"min_offset":0,"must_not_match":false,"options":["caseless","dotall"],"pattern":"x"})"}},
       {"", "fast\nregex x", "caseless"}}};
}

std::string value_at(const Place& place, const std::string& line, std::vector<std::string>& faulty) {
  const auto loaded = read_text(place.before + line + place.after + address_group());
  faulty = errors(loaded);
  if (!faulty.empty()) return {};
  return nlohmann::json(loaded.model).at(nlohmann::json::json_pointer{place.pointer}).dump();
}

/// Each has its default, takes what is right and refuses the rest with one error.
void expect_cases(const std::vector<Case>& cases) {
  std::vector<std::string> faulty;
  for (const auto& [keyword, place, standard, values, refused] : cases) {
    EXPECT_EQ(value_at(place, "", faulty), standard) << keyword << " by default";
    for (const auto& [written, expected] : values) {
      EXPECT_EQ(value_at(place, keyword + " " + written, faulty), expected) << keyword << ' ' << written;
      EXPECT_THAT(faulty, IsEmpty()) << keyword << ' ' << written;
    }
    for (const auto& written : refused) {
      value_at(place, keyword + " " + written, faulty);
      EXPECT_EQ(faulty.size(), 1U) << keyword << ' ' << written;
    }
  }
}

TEST(Keywords, OfGlobalDefsHaveTheirDefaultsAndRanges) { expect_cases(global_cases()); }
TEST(Keywords, OfAnInstanceHaveTheirDefaultsAndRanges) { expect_cases(vrrp_cases()); }
TEST(Keywords, OfAServiceHaveTheirDefaultsAndRanges) { expect_cases(service_cases()); }
TEST(Keywords, OfForwardingHaveTheirDefaultsAndRanges) { expect_cases(forwarding_cases()); }
TEST(Keywords, OfAProbeHaveTheirDefaultsAndRanges) { expect_cases(check_cases()); }
TEST(Keywords, OfPoliciesHaveTheirDefaultsAndRanges) { expect_cases(policy_cases()); }
TEST(Keywords, OfPassiveChecksSourcesAndWebhooksHaveTheirDefaultsAndRanges) { expect_cases(block_cases()); }
TEST(Keywords, OfEachKindOfCheckHaveTheirDefaultsAndRanges) { expect_cases(kind_cases()); }

TEST(Keywords, EachHasAMeaningAndASyntaxAndNoContextKnowsANameTwice) {
  std::map<std::pair<Context, std::string_view>, int> known;
  for (const auto& keyword : keywords()) {
    EXPECT_FALSE(keyword.doc.empty()) << keyword.name;
    EXPECT_TRUE(keyword.value.most == 0 || !keyword.value.syntax.empty()) << keyword.name;
    for (const auto context : keyword.contexts) {
      EXPECT_EQ(++known[std::pair(context, keyword.name)], 1) << keyword.name;
      for (const auto alias : keyword.aliases) EXPECT_EQ(++known[std::pair(context, alias)], 1) << alias;
    }
  }
  EXPECT_GT(known.size(), 80U);
}

TEST(Keywords, NoneIsBothDoneAndToCome) {
  for (const auto& keyword : keywords()) {
    for (const auto context : keyword.contexts) {
      EXPECT_EQ(find_undone(context, keyword.name), nullptr) << keyword.name;
      for (const auto alias : keyword.aliases) EXPECT_EQ(find_undone(context, alias), nullptr) << alias;
    }
  }
}

TEST(Keywords, EachIsFoundAgainAfterASlipOfTheFinger) {
  for (const auto& keyword : keywords()) {
    if (keyword.name.size() < 6) continue;
    auto misspelt = std::string{keyword.name};
    std::swap(misspelt[2], misspelt[3]);
    if (misspelt == keyword.name) misspelt.erase(3, 1);
    EXPECT_EQ(suggest(keyword.contexts.front(), misspelt), keyword.name) << misspelt;
  }
}

TEST(Keywords, NothingNearIsNoSuggestion) {
  EXPECT_EQ(suggest(Context::top, "zzzzzzzzzzzz"), "");
  EXPECT_EQ(suggest(Context::top, std::string(10'000, 'v')), "");
  EXPECT_EQ(suggest(Context::vrrp_instance, ""), "");
}

}  // namespace
}  // namespace ballast::config
