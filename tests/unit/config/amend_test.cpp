// Changes of what a configuration says about services: as text, as values, and as the difference of two.
#include "common/config/amend.hpp"

#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

std::string two_servers(const std::string& address = "192.0.2.100 80", const std::string& protocol = "TCP",
                        const std::string& lines = {}) {
  return fmt::format(
      "virtual_server {} {{\n  protocol {}\n{}  real_server 192.0.2.21 80 {{\n    weight 2\n    TCP_CHECK {{\n    }}\n "
      " "
      "}}\n  real_server 192.0.2.22 80 {{\n    TCP_CHECK {{\n    connect_port 8080\n    }}\n  }}\n}}\n",
      address, protocol, lines);
}

Model model_of(const std::string& text) {
  const auto loaded = read_text(text);
  EXPECT_THAT(errors(loaded), IsEmpty()) << text;
  return loaded.model;
}

std::vector<std::string> servers_of(const VirtualServer& service) {
  std::vector<std::string> all;
  for (const auto& server : service.real_servers) all.push_back(fmt::format("{} w{}", server.endpoint, server.weight));
  return all;
}

net::Endpoint at(const std::string& text) { return net::Endpoint::parse(text).value(); }

Amendment addition(const Model& model, const std::string& server) {
  const auto& service = model.virtual_servers.front();
  return {.kind = AmendKind::add_server,
          .service = service.name,
          .server = at(server),
          .real_server = instantiate(service.real_servers.front(), at(server))};
}

std::string why_not(Model model, const Amendment& amendment) {
  const auto before = model;
  const auto outcome = amend(model, amendment);
  EXPECT_FALSE(outcome);
  EXPECT_EQ(model, before) << "what is refused changes nothing";
  return outcome ? "" : outcome.error().message;
}

TEST(AmendBlock, AddsRemovesAndWeighsServers) {
  const auto model = model_of(two_servers() + R"(
amend virtual_server 192.0.2.100 80 {
  remove_server 192.0.2.22 80
  real_server 192.0.2.23 80 {
    weight 7
  }
  real_server 192.0.2.24
  {
  }
  server_weight 192.0.2.21 80 0
}
)");
  EXPECT_THAT(servers_of(model.virtual_servers.at(0)),
              ElementsAre("192.0.2.21:80 w0", "192.0.2.23:80 w7", "192.0.2.24:80 w1"));
}

TEST(AmendBlock, StandsBeforeOrAfterItsServiceAndMayRemoveIt) {
  const auto amendment = "amend virtual_server 192.0.2.100 80 {\n  remove\n}\n";
  EXPECT_THAT(model_of(amendment + two_servers() + two_servers("192.0.2.101 80")).virtual_servers, testing::SizeIs(1));
  EXPECT_EQ(model_of(two_servers() + two_servers("192.0.2.101 80") + amendment).virtual_servers.at(0).name,
            "tcp:192.0.2.101:80");
}

TEST(AmendBlock, KnowsGroupsAndProtocols) {
  const auto both = two_servers() + two_servers("192.0.2.100 80", "UDP");
  const auto model =
      model_of(both + "amend virtual_server 192.0.2.100 80 {\nprotocol UDP\nserver_weight 192.0.2.21 80 9\n}\n");
  EXPECT_EQ(model.virtual_servers.at(0).real_servers.at(0).weight, 2);
  EXPECT_EQ(model.virtual_servers.at(1).real_servers.at(0).weight, 9);
  EXPECT_THAT(errors(read_text(both + "amend virtual_server 192.0.2.100 80 {\nremove\n}\n")),
              ElementsAre(HasSubstr("there is more than one virtual_server 192.0.2.100 80")));
  const auto group = model_of("virtual_server_group G {\n192.0.2.7 80\n192.0.2.8 80\n}\n" + two_servers("group G") +
                              "amend virtual_server group G {\nremove_server 192.0.2.21\n}\n");
  EXPECT_THAT(servers_of(group.virtual_servers.at(0)), ElementsAre("192.0.2.22:80 w1"));
}

TEST(AmendBlock, FaultsAreToldWhereTheyAre) {
  const auto loaded = read_text(two_servers() + R"(amend virtual_server 192.0.2.100 80 {
  real_server 192.0.2.21 80 {
  }
  real_server 2001:db8::1 80 {
  }
  remove_server 192.0.2.99 80
  server_weight 192.0.2.21 80 70000
}
amend virtual_server 192.0.2.200 80 {
}
amend vrrp_instance A {
}
amend virtual_server group {
}
)");
  const auto said = errors(loaded);
  EXPECT_THAT(said,
              Contains(HasSubstr("f:15:3: real_server 192.0.2.21:80 exists already in virtual_server 192.0.2.100 80")));
  EXPECT_THAT(said, Contains(HasSubstr("f:17:15: real_server 2001:db8::1 is IPv6, its service is IPv4")));
  EXPECT_THAT(said,
              Contains(HasSubstr("f:19:17: there is no real_server 192.0.2.99:80 in virtual_server 192.0.2.100 80")));
  EXPECT_THAT(said, Contains(HasSubstr("f:20:31: ")));
  EXPECT_THAT(said, Contains(HasSubstr("f:22:1: there is no virtual_server 192.0.2.200 80 to amend")));
  EXPECT_THAT(said, Contains(HasSubstr("f:24:7: 'vrrp_instance' cannot be amended")));
  EXPECT_THAT(said, Contains(HasSubstr("f:26:22: 'group' has no value")));
}

TEST(AmendBlock, FnatNeedsALocalAddressOfTheServersFamily) {
  const auto text = R"(local_address_group L {
  192.0.2.50
}
virtual_server 2001:db8::9 80 {
  protocol TCP
  lvs_method FNAT
  laddr_group_name L
  real_server 192.0.2.21 80 {
  }
}
amend virtual_server 2001:db8::9 80 {
  real_server 2001:db8::1 80 {
  }
}
)";
  EXPECT_THAT(errors(read_text(text)),
              ElementsAre(HasSubstr("f:12:3: FNAT to 2001:db8::1 needs a local address of IPv6")));
}

TEST(Instantiate, ProbesFollowTheServer) {
  const auto model = model_of(two_servers());
  const auto& servers = model.virtual_servers.at(0).real_servers;
  const auto made = instantiate(servers.at(0), at("192.0.2.30:81"));
  EXPECT_EQ(made.endpoint, at("192.0.2.30:81"));
  EXPECT_EQ(made.checks.at(0).target, at("192.0.2.30:81"));
  EXPECT_EQ(made.weight, 2);
  EXPECT_EQ(instantiate(servers.at(1), at("192.0.2.30:81")).checks.at(0).target, at("192.0.2.30:8080"))
      << "a port of its own stays";
}

TEST(Instantiate, ServersOfASourceAreWhatItSaysTheyAreLike) {
  const auto model = model_of(R"(virtual_server 2001:db8::9 80 {
  protocol TCP
  real_servers_from dns web.example.com 80 {
    weight 3
    TCP_CHECK {
    }
    HTTP_GET {
      connect_port 8080
      bind_port 1024
      url {
      }
    }
    MISC_CHECK {
      misc_path /bin/true
    }
  }
}
)");
  const auto made = instantiate(model.virtual_servers.at(0).sources.at(0).like, at("[2001:db8::1]:80"));
  EXPECT_EQ(made.weight, 3);
  EXPECT_EQ(made.checks.at(0).target, at("[2001:db8::1]:80"));
  EXPECT_EQ(made.checks.at(1).target, at("[2001:db8::1]:8080"));
  EXPECT_TRUE(made.checks.at(1).bind->address.is_v6());
  EXPECT_EQ(made.checks.at(2).target.port, 0);
  EXPECT_TRUE(may_have(model.virtual_servers.at(0), made));
}

TEST(Amendment, WhatCannotBeIsRefusedInWords) {
  const auto model = model_of(two_servers());
  EXPECT_EQ(why_not(model, addition(model, "[2001:db8::1]:80")),
            "server [2001:db8::1]:80 is IPv6, its service is IPv4: NAT cannot translate between them");
  EXPECT_EQ(why_not(model, addition(model, "0.0.0.0:80")), "0.0.0.0 is no server's address");
  EXPECT_EQ(why_not(model, addition(model, "192.0.2.30:0")), "server 192.0.2.30 has no port");
  const auto direct = model_of(two_servers("192.0.2.100 80", "TCP", "  lvs_method DR\n"));
  EXPECT_EQ(why_not(direct, addition(direct, "192.0.2.30:81")),
            "DR cannot change the port: the service's is 80, server 192.0.2.30 has 81");
  const auto every = model_of(
      "virtual_server 192.0.2.100 {\n  protocol TCP\n  persistence_timeout 9\n  real_server 192.0.2.21 {\n  }\n}\n");
  EXPECT_EQ(why_not(every, addition(every, "192.0.2.30:80")),
            "the service is of every port and its connections keep theirs: name server 192.0.2.30 without a port");
  const Amendment weight{
      .kind = AmendKind::server_weight, .service = "tcp:192.0.2.100:80", .server = at("192.0.2.9:80"), .weight = 1};
  EXPECT_EQ(why_not(model, weight),
            "no server 192.0.2.9:80 in tcp:192.0.2.100:80; there are 192.0.2.21:80, 192.0.2.22:80");
  auto elsewhere = weight;
  elsewhere.service = "web";
  EXPECT_EQ(why_not(model, elsewhere), "no service 'web'; there are tcp:192.0.2.100:80");
}

TEST(Amendment, WhatIsSoAlreadyIsTold) {
  auto model = model_of(two_servers());
  const auto is_so = [&](const Amendment& amendment) {
    const auto outcome = amend(model, amendment);
    return outcome && outcome->amended == Amended::so_already;
  };
  EXPECT_TRUE(is_so(addition(model, "192.0.2.22:80")));
  EXPECT_TRUE(is_so({.kind = AmendKind::remove_server, .service = "tcp:192.0.2.100:80", .server = at("192.0.2.9:80")}));
  EXPECT_TRUE(is_so({.kind = AmendKind::remove_service, .service = "tcp:192.0.2.1:80", .server = {}}));
  EXPECT_TRUE(is_so(
      {.kind = AmendKind::server_weight, .service = "tcp:192.0.2.100:80", .server = at("192.0.2.21:80"), .weight = 2}));
}

TEST(Amendment, JsonIsReadAgain) {
  const auto model = model_of(two_servers());
  const std::vector<Amendment> all{
      addition(model, "192.0.2.30:80"),
      {.kind = AmendKind::remove_server, .service = "s", .server = at("192.0.2.9:80")},
      {.kind = AmendKind::server_weight, .service = "s", .server = at("192.0.2.9:80"), .weight = 4},
      {.kind = AmendKind::add_service, .service = "s", .server = {}, .virtual_server = model.virtual_servers.at(0)},
      {.kind = AmendKind::remove_service, .service = "s", .server = {}}};
  for (const auto& each : all) EXPECT_EQ(nlohmann::json(each).get<Amendment>(), each) << nlohmann::json(each);
}

/// What is printed of the difference makes the second of the first.
void expect_printed(const std::string& from, const std::string& to) {
  const auto before = model_of(from);
  const auto after = model_of(to);
  const auto made = difference(before, after);
  ASSERT_TRUE(made) << made.error().message;
  const auto text = print(*made, before.global);
  const auto again = read_text(from + text);
  ASSERT_THAT(errors(again), IsEmpty()) << text;
  EXPECT_TRUE(difference(again.model, after)->empty()) << text;
  auto by_hand = before;
  for (const auto& each : *made) ASSERT_TRUE(amend(by_hand, each)) << text;
  EXPECT_EQ(by_hand, again.model) << text;
}

TEST(Difference, PrintedAndReadAgainItIsTheSame) {
  const auto more = R"(virtual_server 192.0.2.101 53 {
  protocol UDP
  real_server 192.0.2.40 53 {
  }
}
)";
  const auto changed = R"(virtual_server 192.0.2.100 80 {
  protocol TCP
  real_server 192.0.2.21 80 {
    weight 5
    TCP_CHECK {
    }
  }
  real_server 192.0.2.31 81 {
    inhibit_on_failure
    HTTP_GET {
      url {
        path /
        status_code 200
      }
    }
  }
}
)";
  expect_printed(two_servers(), two_servers() + more);
  expect_printed(two_servers() + more, two_servers());
  expect_printed(two_servers(), changed);
  expect_printed(changed, two_servers());
  expect_printed(two_servers() + more, changed);
  expect_printed(two_servers(), two_servers() + "virtual_server_group G {\n192.0.2.7 80\n}\n" + two_servers("group G"));
  expect_printed("virtual_server_group G {\n192.0.2.7 80\n}\n" + two_servers("group G"),
                 "virtual_server_group G {\n192.0.2.7 80\n}\n" + two_servers("group G") +
                     "amend virtual_server group G {\nserver_weight 192.0.2.21 80 6\n}\n");
}

TEST(Difference, WhatIsNoServerIsForTheFile) {
  const auto made =
      difference(model_of(two_servers()), model_of(two_servers("192.0.2.100 80", "TCP", "  lvs_sched rr\n")));
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("differs in more than its servers"));
}

TEST(LoadServices, TakesServicesAloneAndWhatTheyJoinSaysTheRest) {
  Global global;
  global.expire_nodest = true;
  const auto loaded = load_services(two_servers(), "new.conf", global);
  EXPECT_TRUE(loaded.ok());
  EXPECT_TRUE(loaded.model.virtual_servers.at(0).expire_nodest);
  const auto more = load_services("vrrp_instance A {\n}\n" + two_servers(), "new.conf", global);
  EXPECT_THAT(errors(more), ElementsAre(HasSubstr("new.conf:1:1: 'vrrp_instance' has no place among services")));
  EXPECT_THAT(faults(load_services("include /etc/passwd\n", "new.conf", global)),
              ElementsAre(HasSubstr("nothing can be included here")));
}

TEST(FindService, ByItsNameWithOrWithoutTheProtocol) {
  const auto model = model_of(two_servers() + two_servers("192.0.2.100 80", "UDP") + two_servers("192.0.2.101 80"));
  EXPECT_EQ(find_service(model, "udp:192.0.2.100:80").value(), "udp:192.0.2.100:80");
  EXPECT_EQ(find_service(model, "192.0.2.101:80").value(), "tcp:192.0.2.101:80");
  EXPECT_THAT(find_service(model, "192.0.2.100:80").error().message, HasSubstr("may be tcp:"));
  EXPECT_FALSE(find_service(model, "x"));
}

}  // namespace
}  // namespace ballast::config
