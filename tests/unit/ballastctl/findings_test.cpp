#include "tools/ballastctl/findings.hpp"

#include <gtest/gtest.h>

namespace ballast::ctl {
namespace {

bus::Diagnosis healthy() { return {{}, {"VI_1", "VI_2"}, {"eth0", "eth1"}, {}, 3.3}; }

TEST(Findings, WhereNothingIsWrongItSaysWhatWasLookedAt) {
  EXPECT_EQ(render_diagnosis(healthy(), false), "checked 2 instances on eth0, eth1 for 3.3 s: nothing found\n");
}

TEST(Findings, EachSaysWhatWhereWhatItMeansAndWhatToDo) {
  auto diagnosis = healthy();
  diagnosis.findings = {
      {bus::Gravity::critical, "two-masters", "VI_1", "10.0.0.2 on eth0", "both are", "by chance", "nft list ruleset"},
      {bus::Gravity::note, "no-real-time", "", "vrrpd", "it has none", "it is late", "start it by its unit"}};
  diagnosis.unchecked = {"eth2: cannot bind a packet socket to eth2: No such device"};
  EXPECT_EQ(render_diagnosis(diagnosis, false),
            "critical  two-masters  VI_1: 10.0.0.2 on eth0\n"
            "  both are.\n"
            "  That means: by chance.\n"
            "  What to do: nft list ruleset\n\n"
            "note  no-real-time  vrrpd\n"
            "  it has none.\n"
            "  That means: it is late.\n"
            "  What to do: start it by its unit\n\n"
            "not checked: eth2: cannot bind a packet socket to eth2: No such device\n"
            "checked 2 instances on eth0, eth1 for 3.3 s: nothing else found\n");
  EXPECT_NE(render_diagnosis(diagnosis, true), render_diagnosis(diagnosis, false));
}

TEST(Findings, AreReadAsTheyAreWritten) {
  auto diagnosis = healthy();
  diagnosis.findings = {{bus::Gravity::warning, "mtu", "VI_1", "eth0", "a", "b", "c"}};
  const nlohmann::json json = diagnosis;
  EXPECT_EQ(json["findings"][0]["gravity"], "warning");
  EXPECT_EQ(json.get<bus::Diagnosis>().findings, diagnosis.findings);
}

}  // namespace
}  // namespace ballast::ctl
