#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// A file that uses whatever the model can hold.
std::string everything() {
  return R"(
global_defs {
  router_id "lb \"one\" \\ ${NOT} # !"
  script_user nobody "no group"
  enable_script_security
  lb_interfaces eth0 eth1
  xdp_mode generic
  connection_table_size 2048
  lvs_timeouts tcp 60.5 tcpfin 10 udp 20
  expire_nodest
  sloppy_tcp
  vrrp_startup_delay 1.5
  vrrp_delay_after_boot 20
  nftables lb_filter
  nftables_priority -7
  nftables_counters
  vmac_prefix vm
  vmac_addr_prefix va
  notification_email {
    "A name <a@example.com>" b@example.com
  }
  notification_email_from lb@example.com
  smtp_server mail.example.com 587
  smtp_helo_name lb.example.com
  smtp_connect_timeout 7.5
  no_email_faults
  smtp_alert
  smtp_alert_checker
  no_checker_emails
  checker_log_all_failures
  lvs_notify_fifo /run/lvs nobody
  lvs_notify_fifo_script "/bin/reader 'a b'"
  rs_init_notifies
  webhook https://example.com/a?b {
    events vrrp config
    header_file /etc/h
    ca_file /etc/ca
    tls_verify off
    timeout 1.5
    tries 2
  }
  webhook http://192.0.2.1/ {
  }
}
SSL {
  ca /etc/ca.pem
  certificate /etc/c.pem
  key /etc/k.pem
}
vrrp_track_file load {
  file /run/load
  weight 2 reverse
}
track_group TG {
  group {
    V6
  }
}
static_ipaddress {
  192.0.2.7/24 dev eth1 track_group TG
  192.0.2.8 peer 198.51.100.1/30 dev eth1
}
static_routes {
  10.0.0.0/8 via 192.0.2.1 dev eth1 track_group TG
  blackhole fd00::/8
}
static_rules {
  from 10.0.0.0/8 table 1 track_group TG preference 5
}
vrrp_instance "VI 1" {
  description "the office: a{b}c"
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 250
  advert_int 0.25
  version 3
  nopreempt
  preempt_delay 1.000001
  unicast_src_ip 192.0.2.1
  unicast_peer {
    192.0.2.2
    192.0.2.3
  }
  v3_checksum_as_v2
  no_accept
  use_vmac vmac0 02:00:00:00:00:01 group 3
  use_vmac_addr
  vmac_xmit_base
  dont_track_primary
  track_src_ip
  promote_secondaries
  virtual_routes {
    10.1.0.0/16 src 192.0.2.100 via 192.0.2.1 onlink tos 0x10 table 100 metric 7 scope link realms 4/5 mtu lock 1400 rtt 100ms features ecn congctl lock cubic append
    2001:db8:1::/48 from 2001:db8::/32 via fd00::1 pref high no_track proto 4
    10.2.0.0/16 nexthop via 192.0.2.1 dev eth1 weight 2 realms 1/2 nexthop via 192.0.2.2 dev eth1 onlink
    throw default table 9 add
  }
  virtual_rules {
    not from 10.1.0.0/16 to 10.2.0.0/16 tos 0x10 fwmark 1/2 iif eth0 oif eth1 table 100 suppress_prefixlength 0 suppress_ifgroup 3 uidrange 1-2 ip_proto 6 sport 1-2 dport 3-4 tun_id 5 realms 6/7 preference 100
    inet6 fwmark 7 l3mdev preference 101 no_track protocol 4
    from 10.3.0.0/16 goto 20000
    from 10.4.0.0/16 prohibit
  }
  garp_master_delay 1
  garp_master_repeat 2
  garp_master_refresh 3
  garp_master_refresh_repeat 4
  garp_lower_prio_delay 5
  garp_lower_prio_repeat 6
  garp_interval 0.007
  gna_interval 0.008
  garp_extra_if all 60
  down_timer_adverts 5
  lower_prio_no_advert
  higher_prio_send_advert
  skip_check_adv_addr
  virtual_ipaddress {
    192.0.2.100/24 brd + dev eth1 label eth1:a scope link
    192.0.2.101 no_track autojoin noprefixroute
  }
  virtual_ipaddress_excluded {
    2001:db8::1/64 home -nodad mngtmpaddr preferred_lft 300
    192.0.2.102 peer 192.0.2.103 use_vmac preferred_lft forever
  }
  track_interface {
    eth1 weight -5 reverse
    eth2
  }
}
vrrp_instance V6 {
  state MASTER
  interface eth0
  virtual_router_id 51
  mcast_src_ip fe80::5
  virtual_ipaddress {
    fe80::1/64
  }
}
vrrp_instance EMPTY {
  interface eth9
  virtual_router_id 1
  native_ipv6
}
vrrp_sync_group "G 1" {
  group {
    "VI 1"
    V6
  }
  track_interface {
    eth3 weight 9
  }
}
virtual_server_group FRONT {
  192.0.2.100-101 80
  192.0.2.104/31 81
}
virtual_server group FRONT {
  protocol TCP
  real_server 10.0.0.1 8080 {
  }
}
virtual_server group FRONT {
  protocol UDP
  sorry_server 10.0.0.9 9
  real_server 10.0.0.1 8080 {
    weight 0
  }
}
virtual_server 192.0.2.100 443 {
  protocol TCP
  lvs_sched mh
  lvs_method DR
  alpha
  omega
  quorum 3
  hysteresis 1
  lvs_timeouts tcp 5
  sorry_server 192.0.2.9 444
  sorry_server_lvs_method NAT
  delay_loop 1.5
  real_server 192.0.2.21 443 {
    weight 5
    inhibit_on_failure
    TCP_CHECK {
      connect_ip 192.0.2.77
      connect_port 9
      bindto 192.0.2.1
      bind_port 2000
      connect_timeout 0.5
      retry 0
      delay_before_retry 0
      warmup 0
      alpha off
    }
    HTTP_GET {
      virtualhost www.example.com
      bind_port 2001
      url {
        path "/a?b=$c{d}"
        status_code 200-299 404
        digest 0123456789abcdef0123456789abcdef
        virtualhost other
      }
      url {
      }
    }
  }
  real_server 192.0.2.22 444 {
    lvs_method NAT
    any_check
    notify_up "/bin/up a" nobody nogroup
    notify_down /bin/down
    smtp_alert off
    SSL_GET {
      http_protocol 2
      enable_sni
      tls_server_name www.example.com
      tls_verify
      tls_ca_file /etc/other.pem
      tls_expiry_warning 3
      rise 2
      fall 4
      log_all_failures off
      bind_if eth1
      fwmark 9
      url {
        regex "a \\d {2}"
        regex_no_match
        regex_options caseless dotall
        regex_min_offset 1
        regex_max_offset 100
      }
    }
    SMTP_CHECK {
      helo_name lb1
      tls
      host {
        connect_ip 192.0.2.25
        connect_port 25
      }
      host {
        connect_ip 192.0.2.26
        bindto 192.0.2.1
      }
    }
    DNS_CHECK {
      type AAAA
      name www.example.com
    }
    UDP_CHECK {
      payload 0a 1B 2
      require_reply 0x xx
      min_reply_length 2
      max_reply_length 1000
    }
    PING_CHECK {
      connect_ip 192.0.2.99
    }
    MISC_CHECK {
      misc_path "/bin/check 'a b' c"
      misc_timeout 2.5
      misc_dynamic
      user nobody nogroup
    }
    FILE_CHECK {
      track_file load
      weight -3 reverse
      dynamic
    }
    AGENT_CHECK {
      connect_port 9999
      agent_send "hello\\n"
    }
    GRPC_CHECK {
      grpc_service a.B
      grpc_authority x.example.com
    }
  }
  slow_start 30
  when_all_down all
  ha_suspend
  sorry_server_inhibit
  quorum_up "/bin/up" nobody
  quorum_down "/bin/down 'x y'"
  smtp_alert
  passive_check {
    failures 9
    ratio 10
    clients 2
    most_down 30
    interval 1.5
    hold 20
  }
  real_servers_from dns_srv _http._tcp.example.com {
    nameserver 192.0.2.53
    nameserver 2001:db8::53 5353
    interval 5
    most 9
    weight 7
    lvs_method NAT
    inhibit_on_failure
    notify_up /bin/up
    TCP_CHECK {
      connect_port 8080
    }
    HTTP_GET {
      url {
      }
    }
  }
  real_servers_from etcd /web/ {
    endpoint http://192.0.2.60:2379 https://192.0.2.61:2379
    ca_file /etc/etcd.pem
  }
  real_servers_from file /etc/servers 81 {
  }
}
local_address_group LOCAL {
  10.0.0.50-52
  2001:db8::50
}
virtual_server 192.0.2.102 {
  protocol TCP
  lvs_sched sh
  sh-port
  sh-fallback
  lvs_method TUN type gue port 6080 csum
  persistence_timeout 50
  persistence_granularity 255.255.240.0
  expire_nodest off
  sorry_server 2001:db8::99
  sorry_server_lvs_method TUN type gre
  real_server 192.0.2.21 {
    uthreshold 10
    lthreshold 5
    TCP_CHECK {
      connect_port 80
    }
  }
  real_server 2001:db8::22 {
    lvs_method TUN
  }
}
virtual_server 192.0.2.103 80 {
  protocol TCP
  lvs_sched mh
  mh-port
  lvs_method FNAT
  laddr_group_name LOCAL
  client_address proxy_v2
  sloppy_tcp off
  real_server 10.0.0.1 8080 {
  }
}
virtual_server 192.0.2.104 80 {
  protocol TCP
  lvs_method FNAT
  laddr_group_name LOCAL
  real_server 10.0.0.1 8081 {
  }
}
virtual_server 2001:db8::101 80 {
  protocol TCP
  lvs_method FULLNAT
  laddr_group_name LOCAL
  client_address none
  persistence_timeout
  persistence_granularity 56
  real_server 10.0.0.1 8082 {
  }
  real_server 2001:db8::23 8082 {
  }
}
virtual_server 2001:db8::100 53 {
  protocol UDP
  ops
  lvs_sched rr
  real_server 2001:db8::21 5353 {
    HTTP_GET {
      connect_ip 192.0.2.5
      bind_port 7
      url {
        path /
      }
    }
  }
}
)";
}

std::string at_each(const std::string& text) { return fmt::format("{}", fmt::join(errors(read_text(text)), "\n")); }

TEST(RoundTrip, WhatIsPrintedReadsAsTheSameModel) {
  const auto loaded = read_text(everything());
  ASSERT_THAT(errors(loaded), IsEmpty());
  const auto text = print(loaded.model);
  const auto again = read_text(text);
  EXPECT_EQ(at_each(text), "") << text;
  EXPECT_EQ(nlohmann::json(again.model), nlohmann::json(loaded.model)) << text;
  EXPECT_EQ(print(again.model), text) << "printing is stable";
}

TEST(RoundTrip, AnEmptyFileIsADefaultConfiguration) {
  const auto loaded = read_text("");
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model, Model{});
  EXPECT_EQ(read_text(print(loaded.model)).model, Model{});
}

TEST(RoundTrip, NamesMayHoldWhateverTheLanguageUses) {
  for (const std::string name :
       {"a b",     "a{b", "}", "#",    "!",    "a\\b", "\\",   "$A",    "${A}",   "$", "@lb2", "~SEQ(N, 1, 2)",
        "include", "äöü", "'", "a\"b", "\\\"", "\\#",  "$A=b", "group", "fwmark", "{", "on",   "\t"}) {
    Model model;
    model.global.router_id = name;
    VrrpInstance instance;
    instance.name = name;
    instance.interface = "eth0";
    instance.virtual_router_id = 5;
    instance.description = name + name;
    model.vrrp_instances.push_back(instance);
    model.vrrp_sync_groups.push_back({name, {name}, {}});
    const auto again = read_text("$A=wrong\n" + print(model));
    EXPECT_THAT(errors(again), IsEmpty()) << name << '\n' << print(model);
    EXPECT_EQ(again.model, model) << name << '\n' << print(model);
  }
}

TEST(RoundTrip, TheJsonOfAModelGivesTheModel) {
  const auto model = read_text(everything()).model;
  const auto text = nlohmann::json(model).dump();
  EXPECT_EQ(nlohmann::json::parse(text).get<Model>(), model);
}

TEST(RoundTrip, AMissingFieldOfTheJsonIsNamedAndAnUnknownOneIgnored) {
  auto json = nlohmann::json(read_text(everything()).model);
  json["vrrp_instances"][0]["shoe_size"] = 43;
  EXPECT_NO_THROW(json.get<Model>());
  json["vrrp_instances"][0].erase("priority");
  try {
    static_cast<void>(json.get<Model>());
    FAIL() << "nothing was missed";
  } catch (const nlohmann::json::exception& missing) {
    EXPECT_THAT(missing.what(), HasSubstr("priority"));
  }
}

}  // namespace
}  // namespace ballast::config
