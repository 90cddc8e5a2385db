// What instances track, as written and as understood.
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

constexpr auto definitions = R"(
vrrp_track_file load {
  file /run/load
  weight -2 reverse
  init_file 7 overwrite
}
vrrp_track_process web {
  process nginx -g "daemon off;"
  param_match partial
  weight 30
  quorum 2
  quorum_max 4
  delay 1.5
}
virtual_server 192.0.2.100 80 {
  protocol TCP
  lb_kind DR
  real_server 192.0.2.20 80 {
  }
}
)";

Loaded with(const std::string& lines) { return read_text(definitions + instance(lines)); }

VrrpInstance made(const std::string& lines) {
  const auto loaded = with(lines);
  EXPECT_THAT(errors(loaded), IsEmpty());
  return loaded.model.vrrp_instances.empty() ? VrrpInstance{} : loaded.model.vrrp_instances.front();
}

std::string fault_of(const std::string& lines) {
  const auto all = errors(with(lines));
  return all.empty() ? "" : all.front();
}

TEST(Tracking, ALineTakesWhatItDoesNotSayFromTheDefinition) {
  const auto tracks = made("  track_file {\n load\n }\n  track_process {\n web weight -5\n }").tracks;
  ASSERT_EQ(tracks.size(), 2U);
  EXPECT_EQ(tracks[0], (Track{TrackKind::file, "load", -2, true}));
  EXPECT_EQ(tracks[1], (Track{TrackKind::process, "web", -5, false}));
}

TEST(Tracking, DefinitionsAreUnderstood) {
  const auto tracking = with("").model.tracking;
  ASSERT_EQ(tracking.files.size(), 1U);
  EXPECT_EQ(tracking.files.front(), (TrackedFile{"load", "/run/load", 7, true}));
  ASSERT_EQ(tracking.processes.size(), 1U);
  const auto& web = tracking.processes.front();
  EXPECT_THAT(web.words, ElementsAre("nginx", "-g", "daemon off;"));
  EXPECT_EQ(web.arguments, ArgumentMatch::partial);
  EXPECT_EQ(web.quorum, 2U);
  EXPECT_EQ(web.quorum_max, 4U);
  EXPECT_EQ(web.fork_delay, 1'500ms);
  EXPECT_EQ(web.terminate_delay, 1'500ms);
}

TEST(Tracking, AServiceIsNamedAsItsBlockOrAsStatusShowsIt) {
  const std::vector<Track> expected{{TrackKind::service, "tcp:192.0.2.100:80", -100, false}};
  EXPECT_EQ(made("  track_service {\n 192.0.2.100 80\n }").tracks, expected);
  EXPECT_EQ(made("  track_service {\n 192.0.2.100 80 TCP\n }").tracks, expected);
  EXPECT_EQ(made("  track_service {\n tcp:192.0.2.100:80\n }").tracks, expected);
  EXPECT_EQ(made("  track_service {\n 192.0.2.100 80 weight 0\n }").tracks.front().weight, 0);
}

TEST(Tracking, RoutesAndGatewaysGetWholeNames) {
  const auto loaded = with(
      "  track_route {\n default via 192.0.2.1 weight -10\n }\n  track_gateway {\n 192.0.2.1\n 192.0.2.2 dev eth7\n }");
  EXPECT_THAT(errors(loaded), IsEmpty());
  const auto& tracks = loaded.model.vrrp_instances.front().tracks;
  ASSERT_EQ(tracks.size(), 3U);
  EXPECT_EQ(tracks[0].name, "0.0.0.0/0 via 192.0.2.1");
  EXPECT_EQ(tracks[0].weight, -10);
  EXPECT_EQ(tracks[1].name, "192.0.2.1 dev eth0");
  EXPECT_EQ(tracks[2].name, "192.0.2.2 dev eth7");
  ASSERT_EQ(loaded.model.tracking.gateways.size(), 2U);
  EXPECT_EQ(loaded.model.tracking.gateways[0].interface, "eth0");
  ASSERT_EQ(loaded.model.tracking.routes.size(), 1U);
}

TEST(Tracking, WhatDoesNotExistIsNamedWithWhatIsNear) {
  EXPECT_THAT(fault_of("  track_file {\n laod\n }"), AllOf(HasSubstr("there is no vrrp_track_file 'laod'")));
  EXPECT_THAT(fault_of("  track_script {\n chk\n }"), HasSubstr("there is no vrrp_script 'chk'"));
  EXPECT_THAT(fault_of("  track_service {\n 192.0.2.100 81\n }"),
              HasSubstr("there is no virtual_server 192.0.2.100 81"));
}

TEST(Tracking, FaultsAreFound) {
  EXPECT_THAT(fault_of("  track_file {\n load weight 1000001\n }"), HasSubstr("1000001"));
  EXPECT_THAT(fault_of("  track_file {\n load wieght 1\n }"), HasSubstr("unknown option 'wieght'"));
  EXPECT_THAT(fault_of("  track_process {\n web weight\n }"), HasSubstr("'weight' has no value"));
  EXPECT_THAT(fault_of("  track_route {\n 10.0.0.0/33\n }"), HasSubstr("prefix length"));
  EXPECT_THAT(fault_of("  track_route {\n 10.0.0.0/8 via 2001:db8::1\n }"), HasSubstr("two IP versions"));
  EXPECT_THAT(fault_of("  track_gateway {\n gw\n }"), HasSubstr("gw"));
  EXPECT_THAT(errors(read_text("vrrp_track_file a {\n}\nvrrp_track_process b {\n}\n")), testing::SizeIs(2));
  EXPECT_THAT(errors(read_text("vrrp_track_file a {\n file relative\n}\n")), Not(IsEmpty()));
}

TEST(Tracking, AGroupTracksForItsMembersAndSaysTheInterfaceOfAGateway) {
  const auto group = [](const std::string& lines) {
    return read_text(instance("") + "vrrp_sync_group G {\n  group {\n    VI_1\n  }\n" + lines + "\n}\n");
  };
  const auto good = group("  track_gateway {\n 192.0.2.1 dev eth0\n }");
  EXPECT_THAT(errors(good), IsEmpty());
  EXPECT_EQ(good.model.vrrp_sync_groups.front().tracks.front().name, "192.0.2.1 dev eth0");
  EXPECT_THAT(errors(group("  track_gateway {\n 192.0.2.1\n }")).front(), HasSubstr("needs its interface"));
}

TEST(Tracking, ThePrintedConfigurationMeansTheSame) {
  const auto loaded = with(
      "  track_file {\n load\n }\n  track_process {\n web\n }\n  track_service {\n 192.0.2.100 80\n }\n"
      "  track_route {\n default via 192.0.2.1\n }\n  track_gateway {\n 192.0.2.1 weight 3 reverse\n }");
  EXPECT_THAT(errors(loaded), IsEmpty());
  const auto again = read_text(print(loaded.model));
  EXPECT_THAT(errors(again), IsEmpty()) << print(loaded.model);
  EXPECT_EQ(again.model.vrrp_instances, loaded.model.vrrp_instances) << print(loaded.model);
  EXPECT_EQ(again.model.tracking, loaded.model.tracking) << print(loaded.model);
  EXPECT_EQ(nlohmann::json::parse(nlohmann::json(loaded.model).dump()).get<Model>(), loaded.model);
}

}  // namespace
}  // namespace ballast::config
