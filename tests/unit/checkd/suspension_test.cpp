#include "daemons/checkd/suspension.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ballast::checkd {
namespace {
using testing::ElementsAre;
using testing::IsEmpty;

const std::string web = "tcp:10.0.0.100:80";

config::Model with_vip(bool ha_suspend) {
  config::Model model;
  auto& instance = model.vrrp_instances.emplace_back();
  instance.name = "VI_1";
  instance.virtual_addresses.push_back({{net::IpAddress::parse("10.0.0.100").value(), 24}, "eth0", "", "", {}, {}});
  auto& service = model.virtual_servers.emplace_back();
  service.name = web;
  service.endpoints = {net::Endpoint::parse("10.0.0.100:80").value()};
  service.ha_suspend = ha_suspend;
  return model;
}

Roles roles(bool holds) {
  bus::VrrpState state;
  state.name = "VI_1";
  state.holds_addresses = holds;
  return {{"VI_1", state}};
}

TEST(Suspension, AServiceIsSuspendedWhileItsVipIsElsewhere) {
  EXPECT_THAT(suspended_services(with_vip(true), roles(false)), ElementsAre(web));
  EXPECT_THAT(suspended_services(with_vip(true), roles(true)), IsEmpty());
}

TEST(Suspension, WhoSaysNothingIsAssumedNotToHaveTheVip) {
  EXPECT_THAT(suspended_services(with_vip(true), {}), ElementsAre(web));
}

TEST(Suspension, OnlyServicesThatAskForItAreSuspended) {
  EXPECT_THAT(suspended_services(with_vip(false), roles(false)), IsEmpty());
}

TEST(Suspension, AnAddressThatNoInstanceHasIsProbedAlways) {
  auto model = with_vip(true);
  model.vrrp_instances.clear();
  EXPECT_THAT(suspended_services(model, {}), IsEmpty());
}

TEST(Suspension, OneAddressHereIsEnough) {
  auto model = with_vip(true);
  model.virtual_servers[0].endpoints.push_back(net::Endpoint::parse("10.0.0.101:80").value());
  EXPECT_THAT(suspended_services(model, roles(false)), IsEmpty());
}

}  // namespace
}  // namespace ballast::checkd
