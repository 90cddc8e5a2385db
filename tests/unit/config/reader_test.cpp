#include "common/config/reader.hpp"

#include <unistd.h>

#include <fstream>

#include "tests/unit/config/support.hpp"

namespace ballast::config {
namespace {

std::string a_service(int number, int weight = 1) {
  return fmt::format(
      "virtual_server 192.0.2.{} 80 {{\n  protocol TCP\n  real_server 10.0.0.1 80 {{\n    weight {}\n  }}\n}}\n",
      number, weight);
}

/// A file that is written anew and read again by the same reader, and by one that knows nothing.
class ReaderTest : public testing::Test {
 protected:
  ReaderTest() : file_{std::filesystem::temp_directory_path() / fmt::format("ballast-reader-{}.conf", getpid())} {}
  ~ReaderTest() override { std::filesystem::remove(file_); }

  Loaded read(const std::string& text) {
    std::ofstream{file_} << text;
    auto loaded = reader_.read(file_, {});
    const auto whole = load_file(file_, {});
    EXPECT_EQ(loaded.ok(), whole.ok());
    if (whole.ok()) {
      EXPECT_EQ(nlohmann::json(loaded.model), nlohmann::json(whole.model)) << text;
    }
    if (!reader_.was_partial()) {
      EXPECT_EQ(faults(loaded), faults(whole));
    }
    return loaded;
  }
  bool reads_a_part(const std::string& text) {
    read(text);
    return reader_.was_partial();
  }

  std::filesystem::path file_;
  MachineFiles files_;
  Reader reader_{files_};
  std::string head_ = "global_defs {\n  notification_email {\n    a@example.com\n  }\n}\n" + instance();
};

TEST_F(ReaderTest, OneWeightOfManyServicesIsReadAlone) {
  const auto before = read(head_ + a_service(1) + a_service(2) + "# a remark {\n" + a_service(3));
  const auto after = read(head_ + a_service(1) + a_service(2, 5) + "# a remark {\n" + a_service(3));
  EXPECT_TRUE(reader_.was_partial());
  EXPECT_EQ(after.model.virtual_servers.at(1).real_servers.at(0).weight, 5);
  EXPECT_EQ(before.model.virtual_servers.shared(0), after.model.virtual_servers.shared(0));
  EXPECT_NE(before.model.virtual_servers.shared(1), after.model.virtual_servers.shared(1));
}

TEST_F(ReaderTest, ServicesAreAddedRemovedAndMoved) {
  read(head_ + a_service(1) + a_service(2) + a_service(3));
  EXPECT_TRUE(reads_a_part(head_ + a_service(1) + a_service(3)));
  EXPECT_TRUE(reads_a_part(head_ + a_service(3) + a_service(1) + a_service(4)));
  EXPECT_TRUE(reads_a_part(head_ + a_service(3) + a_service(1) + a_service(4))) << "nothing has changed";
}

TEST_F(ReaderTest, WhatStandsOutsideOfServicesIsReadWithAllOfThem) {
  read(head_ + a_service(1) + a_service(2));
  EXPECT_FALSE(
      reads_a_part(head_ + "vrrp_sync_group G {\n  group {\n    VI_1\n  }\n}\n" + a_service(1) + a_service(2)));
  EXPECT_FALSE(reads_a_part("global_defs {\n  expire_nodest\n}\n" + instance() + a_service(1) + a_service(2)));
}

TEST_F(ReaderTest, AFaultIsToldAsIfAllHadBeenRead) {
  read(head_ + a_service(1) + a_service(2) + a_service(3));
  const auto faulty = read(head_ + a_service(1) + a_service(2, 70'000) + a_service(3));
  EXPECT_FALSE(faulty.ok());
  EXPECT_EQ(faulty.diagnostics.at(0).line, load_file(file_, {}).diagnostics.at(0).line);
  EXPECT_FALSE(read(head_ + a_service(1) + a_service(1, 2) + a_service(3)).ok()) << "one address twice";
  read(head_ + a_service(1) + a_service(2) + a_service(3));
  EXPECT_FALSE(read(head_ + a_service(1) + a_service(3, 2) + a_service(3)).ok()) << "twice, in a block that is kept";
}

TEST_F(ReaderTest, AWarningStandsAtItsLine) {
  read(head_ + a_service(1) + a_service(2) + a_service(3));
  auto surplus = a_service(2);
  surplus.replace(surplus.find("weight 1"), 8, "weight 1 2");
  const auto loaded = read(head_ + a_service(1) + surplus + a_service(3));
  EXPECT_TRUE(reader_.was_partial());
  const auto whole = load_file(file_, {});
  EXPECT_THAT(faults(whole), testing::IsSupersetOf(faults(loaded)));
  EXPECT_THAT(faults(loaded), Contains(HasSubstr("surplus word '2'")));
}

TEST_F(ReaderTest, TextsWhoseBlocksDependOnOthersAreReadWhole) {
  for (const std::string special : {"$W=5\n", "~SEQ(N, 1, 2) # ${N}\n", "@other router_id x\n", "include /nowhere\n"}) {
    read(special + head_ + a_service(1) + a_service(2));
    EXPECT_FALSE(reads_a_part(special + head_ + a_service(1) + a_service(2, 3))) << special;
  }
}

TEST_F(ReaderTest, AServiceThatIsLeftOutDoesNotPutOthersInItsPlace) {
  const std::string empty = "virtual_server 192.0.2.9 80 {\n  protocol TCP\n}\n";
  read(head_ + a_service(1) + empty + a_service(2));
  read(head_ + a_service(1, 4) + empty + a_service(2));
  read(head_ + a_service(1, 4) + a_service(9) + a_service(2));
  read(head_ + a_service(1, 4) + a_service(9) + a_service(2, 6));
}

TEST_F(ReaderTest, TrackedServicesAreFoundThoughTheirBlocksHaveNotChanged) {
  const auto tracking = instance("  track_service {\n    192.0.2.1 80\n  }");
  read(tracking + a_service(1) + a_service(2));
  const auto loaded = read(tracking + a_service(1) + a_service(2, 9));
  EXPECT_EQ(loaded.model.vrrp_instances.at(0).tracks.size(), 1U);
}

TEST(ServiceBlocks, BracesInQuotesAndRemarksDoNotCount) {
  const auto blocks = find_service_blocks(
      "virtual_server 192.0.2.1 80 {\n quorum_up \"/bin/x } {\"\n # }}}\n real_server 10.0.0.1 80 { weight 1\n }\n}\n"
      "virtual_server_group G {\n}\n  virtual_server group G\n{\n}\n");
  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->size(), 2U);
}

TEST(ServiceBlocks, KnownOnesAreFoundAsIfTheyWereRead) {
  const auto block = [](int number) {
    return fmt::format("virtual_server 192.0.2.{} 80 {{\n  quorum 1\n}}\n", number);
  };
  const auto known = find_service_blocks(block(1) + block(2) + block(3) + block(4));
  const auto last_line = block(4).substr(0, block(4).size() - 1);
  const auto without_end = find_service_blocks(block(1) + last_line);
  ASSERT_TRUE(known && without_end);
  for (const auto& text :
       {block(1) + block(2) + block(3), block(1) + block(9) + block(3) + "#\n" + block(4), block(2) + block(1),
        block(1) + last_line + " }\n", block(1) + last_line + "\n" + block(2)}) {
    const auto anew = find_service_blocks(text);
    for (const auto& before : {*known, *without_end}) {
      const auto found = find_service_blocks(text, before);
      ASSERT_EQ(found.has_value(), anew.has_value()) << text;
      const auto same = [](const ServiceBlock& a, const ServiceBlock& b) {
        return a.begin == b.begin && a.end == b.end && a.digest == b.digest;
      };
      EXPECT_TRUE(!found || std::ranges::equal(*found, *anew, same)) << text;
    }
  }
}

TEST(ServiceBlocks, BracesThatDoNotFitAreLeftToTheReaderOfAll) {
  EXPECT_FALSE(find_service_blocks("virtual_server 192.0.2.1 80 {\n"));
  EXPECT_FALSE(find_service_blocks("}\n"));
  EXPECT_FALSE(find_service_blocks("virtual_server 192.0.2.1 80 {\n} virtual_server 192.0.2.2 80 {\n}\n"));
  EXPECT_FALSE(find_service_blocks("virtual_server 192.0.2.1 80 { @lb1 weight 3\n}\n"));
}

}  // namespace
}  // namespace ballast::config
