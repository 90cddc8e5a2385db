// authentication, auth_hmac, and that what is secret stays so.
#include "common/config/loader.hpp"
#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

std::string instance(const std::string& lines, const std::string& address = "192.0.2.100/24") {
  return fmt::format("vrrp_instance A {{\ninterface eth0\nvirtual_router_id 51\n{}\nvirtual_ipaddress {{\n{}\n}}\n}}\n",
                     lines, address);
}

std::string hmac(const std::string& lines) { return instance("auth_hmac {\n" + lines + "\n}"); }

const VrrpInstance& only(const Loaded& loaded) { return loaded.model.vrrp_instances.at(0); }

std::string words(const Loaded& loaded) {
  std::string all;
  for (const auto& diagnostic : loaded.diagnostics) all += render(diagnostic) + "\n";
  return all;
}

TEST(AuthHmac, KeepalivedsExampleReadsAndPrintsAsItself) {
  const auto loaded = read_text(hmac("key 1 hex:" + digits +
                                     "\nkey 2 \"thirty-two characters make a key!!\"\nactive_key 2\nanti_replay "
                                     "monotonic\ntime_window 9\nmode permissive"));
  EXPECT_THAT(faults(loaded), IsEmpty());
  const auto& made = only(loaded).auth_hmac.value();
  EXPECT_EQ(made.keys.at(0), (HmacKey{1, {digits}}));
  EXPECT_EQ(made.keys.at(1).bytes.text.substr(0, 12), "746869727479");
  EXPECT_EQ(made.active_key, 2);
  EXPECT_EQ(made.anti_replay, AntiReplay::monotonic);
  EXPECT_EQ(made.time_window, 9s);
  EXPECT_EQ(made.mode, HmacMode::permissive);
  EXPECT_EQ(read_text(print(loaded.model)).model, loaded.model);
}

TEST(AuthHmac, Defaults) {
  const auto short_interval = read_text(hmac("key 7 hex:" + digits));
  EXPECT_THAT(faults(short_interval), IsEmpty());
  EXPECT_EQ(only(short_interval).auth_hmac->active_key, 7);
  EXPECT_EQ(only(short_interval).auth_hmac->time_window, 5s);
  EXPECT_EQ(only(short_interval).auth_hmac->mode, HmacMode::enforce);
  const auto long_interval = read_text(instance("advert_int 4\nauth_hmac {\nkey 7 hex:" + digits + "\n}"));
  EXPECT_EQ(only(long_interval).auth_hmac->time_window, 12s);
}

TEST(AuthHmac, AKeyFromAFile) {
  const auto loaded =
      read_files(hmac("key 1 file:/etc/keys/vrrp\nkey 2 file:/etc/keys/open\nactive_key 1"),
                 {{"/etc/keys/vrrp", "hex:" + digits + "\n"}, {"/etc/keys/open", std::string(40, 'k')}});
  EXPECT_THAT(faults(loaded),
              ElementsAre("6:7: warning: /etc/keys/open is open to group or others (chmod 600, and let root own it)"));
  EXPECT_EQ(only(loaded).auth_hmac->keys.at(0).bytes.text, digits);
}

TEST(AuthHmac, WhatCannotBe) {
  EXPECT_THAT(faults(read_text(hmac(""))),
              ElementsAre("4:1: error: auth_hmac has no key (openssl rand -hex 32 makes one)"));
  EXPECT_THAT(faults(read_text(hmac("key 1 hex:" + digits + "\nactive_key 2"))),
              ElementsAre("6:12: error: there is no key 2"));
  EXPECT_THAT(faults(read_text(hmac("key 1 hex:" + digits + "\nkey 2 hex:" + digits))),
              ElementsAre("4:1: error: auth_hmac has several keys and no active_key to sign with"));
  EXPECT_THAT(faults(read_text(hmac("key 1 hex:" + digits + "\nkey 1 hex:" + digits))),
              ElementsAre("6:5: error: there is a key 1 already"));
  EXPECT_THAT(words(read_text(hmac("key 1 hex:00"))), HasSubstr("a key has 32 to 64 bytes, this one has 1"));
  EXPECT_THAT(words(read_text(hmac("key 1 hex:" + digits.substr(1)))), HasSubstr("pairs of hexadecimal digits"));
  EXPECT_THAT(words(read_text(hmac("key 1 file:/none"))), HasSubstr("/none cannot be read: No such file"));
  EXPECT_THAT(words(read_text(hmac("key 0 hex:" + digits))), HasSubstr("1"));
}

TEST(Secrets, NoMessageTellsThem) {
  for (const std::string line : {"auth_pass hunter2 hunter2", "auth_pas hunter2", "auth_pass hunter2hunter2"}) {
    const auto told = words(read_text(instance("authentication {\nauth_type PASS\n" + line + "\n}")));
    EXPECT_THAT(told, Not(IsEmpty())) << line;
    EXPECT_THAT(told, Not(HasSubstr("hunter2"))) << line;
  }
  for (const std::string line : {"key 1 hunter2", "keys 1 hunter2", "key 1 hunter2 hunter2", "key one hunter2"}) {
    const auto told = words(read_text(hmac(line)));
    EXPECT_THAT(told, Not(IsEmpty())) << line;
    EXPECT_THAT(told, Not(HasSubstr("hunter2"))) << line;
  }
}

TEST(Secrets, AreHiddenInAModelForOthers) {
  const auto loaded = read_text(hmac("key 1 hex:" + digits) +
                                "vrrp_instance B {\ninterface eth0\nvirtual_router_id 52\nauthentication {\nauth_pass "
                                "hunter2\n}\nvirtual_ipaddress {\n192.0.2.101/24\n}\n}\n");
  ASSERT_THAT(faults(loaded), IsEmpty());
  const auto open = without_secrets(loaded.model);
  const auto text = print(open) + nlohmann::json(open).dump();
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, Not(HasSubstr(digits)));
  EXPECT_THAT(print(loaded.model), HasSubstr("hunter2"));
}

TEST(Password, KeepalivedsBlock) {
  const auto loaded = read_text(instance("authentication {\nauth_type PASS\nauth_pass 1111\n}"));
  EXPECT_THAT(faults(loaded), IsEmpty());
  EXPECT_EQ(only(loaded).auth_pass.text, "1111");
  EXPECT_EQ(read_text(print(loaded.model)).model, loaded.model);
}

TEST(Password, WhereItMeansNothingIsSaid) {
  const auto authentication = [](const std::string& type, const std::string& before = "") {
    return faults(read_text(instance(before + "authentication {\nauth_type " + type + "\nauth_pass 1111\n}")));
  };
  EXPECT_THAT(authentication("PASS", "version 3\n"),
              ElementsAre("5:1: warning: VRRP version 3 has no authentication: ignored (auth_hmac works with it)"));
  EXPECT_THAT(authentication("AH"), ElementsAre(HasSubstr("AH is not done and is ignored")));
  EXPECT_THAT(authentication("PASS", "auth_hmac {\nkey 1 hex:" + digits + "\n}\n"),
              ElementsAre("7:1: warning: authentication is ignored: auth_hmac takes its place"));
  EXPECT_THAT(faults(read_text(instance("authentication {\nauth_type PASS\n}"))),
              ElementsAre("4:1: error: authentication has no auth_pass"));
  EXPECT_THAT(faults(read_text(instance("authentication {\nauth_pass 123456789\n}"))),
              ElementsAre("5:11: warning: the first 8 bytes of auth_pass count, it has 9"));
}

TEST(UnicastPeer, BoundsOfTheTtlSwitchTheCheckOfTheSourceOn) {
  const auto bounded = read_text(instance("unicast_peer {\n192.0.2.2 min_ttl 254 max_ttl 255\n192.0.2.3\n}"));
  EXPECT_THAT(faults(bounded), IsEmpty());
  EXPECT_EQ(only(bounded).unicast_peers.at(0), (UnicastPeer{*net::IpAddress::parse("192.0.2.2"), 254, 255}));
  EXPECT_TRUE(only(bounded).check_unicast_source);
  EXPECT_EQ(read_text(print(bounded.model)).model, bounded.model);
  EXPECT_FALSE(only(read_text(instance("unicast_peer {\n192.0.2.2\n}"))).check_unicast_source);
  EXPECT_TRUE(only(read_text("global_defs {\nvrrp_check_unicast_src\n}\n" + instance("unicast_peer {\n192.0.2.2\n}")))
                  .check_unicast_source);
  EXPECT_THAT(faults(read_text(instance("unicast_peer {\n192.0.2.2 min_ttl 9 max_ttl 8\n}"))),
              ElementsAre(HasSubstr("min_ttl is above max_ttl")));
}

}  // namespace
}  // namespace ballast::config
