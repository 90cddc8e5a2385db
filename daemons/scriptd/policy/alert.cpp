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

std::string node_of(const config::Global& global, const Scene& scene) {
  return global.router_id.empty() ? scene.host : global.router_id;
}

std::string text_of(const ServiceNotice& notice, const std::string& node, const Scene& scene) {
  const auto* state = notice.up ? "UP" : "DOWN";
  auto text = notice.server.empty()
                  ? fmt::format("Service {} on {}: {}\n\n", notice.service, node, state)
                  : fmt::format("Server {} of service {} on {}: {}\n\n", notice.server, notice.service, node, state);
  if (!notice.reason.empty()) text += fmt::format("Reason:   {}\n", notice.reason);
  text += fmt::format("Time:     {}\n", scene.time);
  if (node != scene.host) text += fmt::format("Host:     {}\n", scene.host);
  return text;
}

std::vector<std::string> arguments(const config::Mail& mail, std::string_view subject, std::string_view text) {
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
  add("subject", subject);
  add("text", text);
  return words;
}

}  // namespace

bool is_alert(const ServiceNotice& notice, const config::Mail& mail) { return notice.mail && !mail.to.empty(); }

bool is_alert(const Notice& notice, const config::Mail& mail) {
  return notice.mail && !mail.to.empty() && (mail.faults || notice.occasion != Occasion::fault);
}

std::vector<std::string> alert_arguments(const Notice& notice, const config::Global& global, const Scene& scene) {
  const auto node = node_of(global, scene);
  const auto subject =
      fmt::format("[{}] VRRP {} {} - {}", node, kind_of(notice), notice.subject.name, change(notice.occasion));
  return arguments(global.mail, subject, text_of(notice, node, scene));
}

std::vector<std::string> alert_arguments(const ServiceNotice& notice, const config::Global& global,
                                         const Scene& scene) {
  const auto node = node_of(global, scene);
  const auto* state = notice.up ? "UP" : "DOWN";
  const auto subject = notice.server.empty() ? fmt::format("[{}] Virtualserver {} - {}", node, notice.service, state)
                                             : fmt::format("[{}] Realserver {} of virtual server {} - {}", node,
                                                           notice.server, notice.service, state);
  return arguments(global.mail, subject, text_of(notice, node, scene));
}

}  // namespace ballast::scriptd
