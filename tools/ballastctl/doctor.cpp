#include "common/bus/diagnosis.hpp"
#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/findings.hpp"
#include "tools/ballastctl/session.hpp"

namespace ballast::ctl {
namespace {

constexpr int could_not_look = 2;
constexpr std::chrono::seconds patience{20};  // vrrpd listens for some seconds

}  // namespace

int doctor(const Options& options) {
  auto session = Session::open(options.run_dir, {});
  if (!session) return complain(session.error().message, could_not_look);
  const auto reply = (*session)->request("vrrpd", "doctor", nlohmann::json::object(), patience);
  if (!reply) return complain(reply.error().message, could_not_look);
  const auto diagnosis = bus::decode<bus::Diagnosis>(*reply);
  if (!diagnosis)
    return complain("vrrpd's answer to 'doctor' cannot be read: " + diagnosis.error().message, could_not_look);
  if (options.json)
    fmt::print("{}\n", reply->dump(2));
  else
    fmt::print("{}", render_diagnosis(*diagnosis, options.colours));
  if (!diagnosis->findings.empty()) return failed;
  return diagnosis->unchecked.empty() ? ok : could_not_look;
}

}  // namespace ballast::ctl
