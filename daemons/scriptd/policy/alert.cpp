#include "daemons/scriptd/policy/alert.hpp"

namespace ballast::scriptd {
namespace {

std::string_view kind_of(const Notice& notice) { return notice.subject.group ? "Group" : "Instance"; }

std::string change(Occasion occasion) {
  if (occasion == Occasion::stop) return "Stopping";
  if (occasion == Occasion::deleted) return "Deleted";
  return fmt::format("Entering {} state", occasion);
}

std::string text_of(const Notice& notice, const std::string& node, const Scene& scene) {
  auto text = fmt::format("{} {} on {}: {}\n\n", notice.subject.group ? "Sync group" : "Instance", notice.subject.name,
                          node, notice.occasion);
  if (!notice.reason.empty()) text += fmt::format("Reason:   {}\n", notice.reason);
  if (!notice.subject.group && notice.priority > 0) text += fmt::format("Priority: {}\n", notice.priority);
  text += fmt::format("Time:     {}\n", scene.time);
  if (node != scene.host) text += fmt::format("Host:     {}\n", scene.host);
  return text;
}

}  // namespace

bool is_alert(const Notice& notice, const config::Mail& mail) {
  return notice.mail && !mail.to.empty() && (mail.faults || notice.occasion != Occasion::fault);
}

std::vector<std::string> alert_arguments(const Notice& notice, const config::Global& global, const Scene& scene) {
  const auto& mail = global.mail;
  const auto& node = global.router_id.empty() ? scene.host : global.router_id;
  std::vector<std::string> words;
  // `--name=value`: no value is taken for another option.
  const auto add = [&](std::string_view name, std::string_view value) {
    words.push_back(fmt::format("--{}={}", name, value));
  };
  add("server", mail.server);
  add("port", std::to_string(mail.port));
  add("timeout", fmt::format("{}", static_cast<double>(mail.timeout.count()) / 1e6));
  if (!mail.helo.empty()) add("helo", mail.helo);
  if (!mail.from.empty()) add("from", mail.from);
  for (const auto& each : mail.to) add("to", each);
  add("subject",
      fmt::format("[{}] VRRP {} {} - {}", node, kind_of(notice), notice.subject.name, change(notice.occasion)));
  add("text", text_of(notice, node, scene));
  return words;
}

}  // namespace ballast::scriptd
