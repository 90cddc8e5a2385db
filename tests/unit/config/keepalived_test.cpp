// Files as people have them: they load without an error, and each warning has its reason.
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

/// The words in quotes of each warning: what is not done yet.
std::vector<std::string> not_yet(const Loaded& loaded) {
  std::vector<std::string> all;
  for (const auto& d : loaded.diagnostics) {
    const auto begin = d.message.find('\'');
    const bool to_come = d.message.find("not done yet") != std::string::npos && begin != std::string::npos;
    all.push_back(to_come ? d.message.substr(begin + 1, d.message.find('\'', begin + 1) - begin - 1) : d.message);
  }
  return all;
}

TEST(Keepalived, AProxyPairWithScripts) {
  const auto loaded = read_text(R"(! Configuration File for keepalived
global_defs {
   notification_email {
     ops@example.com
   }
   router_id LVS_DEVEL
   vrrp_skip_check_adv_addr
   vrrp_garp_interval 0
   vrrp_gna_interval 0
   script_user root
   enable_script_security
}
vrrp_script chk_proxy {
    script "/usr/bin/killall -0 haproxy"   # cheaper than pidof
    interval 2
    weight 2
    fall 2
}
vrrp_instance VI_1 {
        state MASTER
        interface eth0
        virtual_router_id 51
        priority 101                    # 101 on master, 100 on backup
        advert_int 1
        authentication {
              auth_type PASS
              auth_pass s3cr#t
        }
        virtual_ipaddress {
            192.168.1.100/24 brd 192.168.1.255 dev eth0 label eth0:vip
            192.168.1.101/24 brd + dev eth0 scope global
        }
        track_script {
            chk_proxy
        }
        track_interface {
            eth0
        }
        notify_master "/etc/keepalived/notify.sh master"
        notify "/etc/keepalived/notify.sh" root
        smtp_alert
        garp_master_delay 10
}
)");
  EXPECT_THAT(errors(loaded), IsEmpty());
  EXPECT_THAT(not_yet(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.vrrp_scripts.size(), 1U);
  const auto& made = loaded.model.vrrp_instances.at(0);
  EXPECT_EQ(made.priority, 101);
  EXPECT_TRUE(made.notify.mail);
  EXPECT_THAT(made.tracks, ElementsAre(Track{TrackKind::script, "chk_proxy", 2, false}));
  EXPECT_EQ(made.virtual_addresses.at(0).label, "eth0:vip");
  EXPECT_EQ(made.virtual_addresses.at(1).broadcast->to_string(), "192.168.1.255");
}

TEST(Keepalived, ARouterOfACloudWithExcludedAddresses) {
  const auto loaded = read_text(R"(vrrp_instance VR_217 {
    state BACKUP
    interface ha-3b6c3a1c-5f
    virtual_router_id 217
    priority 50
    garp_master_delay 60
    nopreempt
    advert_int 2
    track_interface {
        ha-3b6c3a1c-5f
    }
    virtual_ipaddress {
        169.254.0.217/24 dev ha-3b6c3a1c-5f
    }
    virtual_ipaddress_excluded {
        10.0.0.1/24 dev qr-d55b3a6d-0b
        fe80::f816:3eff:fe4e:7a1f/64 dev qr-d55b3a6d-0b scope link
        172.24.4.78/32 dev qg-2b6d1b7a-27 no_track
    }
    virtual_routes {
        0.0.0.0/0 via 172.24.4.1 dev qg-2b6d1b7a-27
    }
}
)");
  EXPECT_THAT(errors(loaded), IsEmpty());
  EXPECT_THAT(faults(loaded), IsEmpty());
  const auto& made = loaded.model.vrrp_instances.at(0);
  EXPECT_FALSE(made.preempt);
  EXPECT_EQ(made.kernel.routes.at(0).destination.to_string(), "0.0.0.0/0");
  EXPECT_FALSE(made.virtual_addresses_excluded.at(2).options.track);
  EXPECT_EQ(made.virtual_addresses_excluded.at(1).interface, "qr-d55b3a6d-0b");
  EXPECT_EQ(loaded.interfaces.size(), 3U);
}

TEST(Keepalived, AWebFarmInTheOldStyle) {
  const auto loaded = read_text(R"(global_defs { router_id lb1 }
vrrp_sync_group G1 {
  group { VI_1
          VI_2 }
  notify_master /root/m.sh
}
vrrp_instance VI_1 { state MASTER
  interface eth0
  virtual_router_id 51
  priority 150
  virtual_ipaddress { 192.168.200.15
    192.168.200.16/24 dev eth0 }
  mcast_src_ip 192.168.200.2
}
vrrp_instance VI_2
{
  interface eth1
  virtual_router_id 52
  priority 150
  virtual_ipaddress { 10.0.0.1/24 }
}
virtual_server 192.168.200.15 80 {
    delay_loop 30
    lb_algo wrr
    lb_kind NAT
    persistence_timeout 50
    protocol TCP
    virtualhost www.example.com
    quorum_up "/bin/true up {"
    sorry_server 192.168.200.200 1358
    real_server 192.168.100.2 80 {
        weight 2
        notify_down /root/down.sh arg
        HTTP_GET {
            url {
              path "/test/index.jsp"
              digest 640205b7b0fc66c1ea91c463fac6334c
            }
            url { path /ok.html
              status_code 200
            }
            connect_timeout 3
            nb_get_retry 3
            delay_before_retry 2
        }
    }
    real_server 192.168.100.3 80 {
        weight 1
        TCP_CHECK { connect_timeout 3
        }
    }
}
virtual_server 192.168.200.16 53 {
    lvs_sched lc
    lvs_method NAT
    protocol UDP
    ops
    real_server 192.168.100.2 53 {
        MISC_CHECK {
          misc_path "/usr/local/bin/dns.sh -h 192.168.100.2 { braces }"
          misc_timeout 10
        }
    }
}
)");
  EXPECT_THAT(errors(loaded), IsEmpty());
  EXPECT_THAT(not_yet(loaded), IsEmpty());
  ASSERT_EQ(loaded.model.virtual_servers.size(), 2U);
  EXPECT_EQ(loaded.model.virtual_servers[0].persistence_timeout, 50s);
  EXPECT_EQ(loaded.model.virtual_servers[1].scheduler, Scheduler::lc);
  EXPECT_TRUE(loaded.model.virtual_servers[1].one_packet);
  const auto& check = loaded.model.virtual_servers[0].real_servers.at(0).checks.at(0);
  EXPECT_EQ(check.retry, 3U);
  EXPECT_EQ(check.delay_loop, 30s);
  EXPECT_EQ(check.http->urls.at(0).path, "/test/index.jsp");
  EXPECT_THAT(loaded.model.vrrp_sync_groups.at(0).members, ElementsAre("VI_1", "VI_2"));
}

TEST(Keepalived, TunnelsPersistenceAndServicesOfEveryPort) {
  const auto loaded = read_text(R"(virtual_server_group TELNET {
    10.0.0.101
    10.0.0.102-103 0
}
virtual_server 10.0.0.100 {
    delay_loop 6
    lb_algo sh
    flag-1
    sh-port
    lb_kind TUN
    protocol TCP
    persistence_timeout 600
    persistence_granularity 255.255.255.0
    sorry_server 10.1.0.9
    sorry_server_lvs_method TUN type gre csum
    real_server 10.1.0.1 {
        uthreshold 1000
        lthreshold 800
        lvs_method TUN type gue port 6080 nocsum
        TCP_CHECK {
            connect_port 80
        }
    }
    real_server 10.1.0.2 0 {
    }
}
virtual_server group TELNET {
    lvs_sched mh
    mh-port
    mh-fallback
    persistence_timeout
    protocol UDP
    real_server 10.1.0.1 {
    }
}
)");
  EXPECT_THAT(faults(loaded), IsEmpty());
  const auto& tunnelled = loaded.model.virtual_servers.at(0);
  EXPECT_EQ(tunnelled.name, "tcp:10.0.0.100:0");
  EXPECT_EQ(tunnelled.persistence_timeout, 600s);
  EXPECT_EQ(tunnelled.persistence_prefix4, 24U);
  EXPECT_TRUE(tunnelled.hash_port && tunnelled.hash_fallback);
  EXPECT_EQ(tunnelled.sorry_server->tunnel, (Tunnel{TunnelType::gre, 0, TunnelChecksum::csum}));
  EXPECT_EQ(tunnelled.real_servers.at(0).tunnel, (Tunnel{TunnelType::gue, 6080, TunnelChecksum::none}));
  EXPECT_EQ(tunnelled.real_servers[0].lower_threshold, 800U);
  EXPECT_EQ(tunnelled.real_servers[0].checks.at(0).target.to_string(), "10.1.0.1:80");
  EXPECT_EQ(tunnelled.real_servers[1].endpoint.to_string(), "10.1.0.2:0");
  const auto& group = loaded.model.virtual_servers.at(1);
  EXPECT_EQ(group.persistence_timeout, 360s);
  EXPECT_EQ(group.endpoints.size(), 3U);
  EXPECT_EQ(group.endpoints.at(2), *net::Endpoint::parse("10.0.0.103:0"));
}

TEST(Keepalived, OneFileForManyNodesMadeOfDefinitions) {
  const auto loaded = read_text(R"($BASE=10.2.${NET}
$NET=0
@lb1 $PRIORITY=240
@^lb1 $PRIORITY=200
$RS= \
real_server ${BASE}.${N} 80 { \
  weight 1 \
  TCP_CHECK { \
    connect_timeout 3 \
  } \
}

vrrp_instance VI_0 {
  interface eth0
  virtual_router_id 1
  priority $PRIORITY
  virtual_ipaddress {
    ${BASE}.100/32
  }
}
virtual_server ${BASE}.100 80 {
  protocol TCP
  delay_loop 3
  $N=1
  $RS
  $N=2
  $RS
}
)");
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(loaded.model.vrrp_instances.at(0).priority, 240);
  ASSERT_EQ(loaded.model.virtual_servers.at(0).real_servers.size(), 2U);
  EXPECT_EQ(loaded.model.virtual_servers[0].real_servers[1].endpoint.to_string(), "10.2.0.2:80");
}

}  // namespace
}  // namespace ballast::config
