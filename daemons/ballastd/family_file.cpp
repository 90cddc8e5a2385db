#include "daemons/ballastd/family_file.hpp"

#include <fstream>

#include "common/runtime/json_file.hpp"

namespace ballast::ballastd {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MemberRecord, pid, start_time, arguments)

namespace {

std::string boot_id() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  file >> id;
  return id;
}

}  // namespace

FamilyFile::FamilyFile(const std::filesystem::path& run_dir) : file_{run_dir / "family.json"} {
  const auto json = runtime::read_json(file_);
  if (!json) return;
  try {
    if (json->at("boot_id").get<std::string>() == boot_id()) json->at("members").get_to(records_);
  } catch (const nlohmann::json::exception&) {
    records_.clear();
  }
}

Result<> FamilyFile::set(const std::string& role, MemberRecord record) {
  records_.insert_or_assign(role, std::move(record));
  return write();
}

Result<> FamilyFile::erase(const std::string& role) {
  records_.erase(role);
  return write();
}

Result<> FamilyFile::write() const {
  return runtime::write_json(file_, {{"boot_id", boot_id()}, {"members", records_}}, runtime::Durability::until_reboot);
}

}  // namespace ballast::ballastd
