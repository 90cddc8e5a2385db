#include "tools/ballastctl/findings.hpp"

#include <fmt/ranges.h>

#include "tools/ballastctl/table.hpp"

namespace ballast::ctl {
namespace {

Colour colour_of(bus::Gravity gravity) {
  switch (gravity) {
    case bus::Gravity::critical:
      return Colour::bad;
    case bus::Gravity::warning:
      return Colour::warn;
    default:
      return Colour::plain;
  }
}

std::string render_finding(const bus::Finding& finding, bool colours) {
  const auto instance = finding.instance.empty() ? "" : finding.instance + ": ";
  return fmt::format("{}  {}  {}{}\n  {}.\n  That means: {}.\n  What to do: {}\n\n",
                     paint(std::string{name_of(finding.gravity)}, colour_of(finding.gravity), colours), finding.code,
                     instance, finding.where, finding.what, finding.meaning, finding.advice);
}

}  // namespace

std::string render_diagnosis(const bus::Diagnosis& diagnosis, bool colours) {
  std::string text;
  for (const auto& finding : diagnosis.findings) text += render_finding(finding, colours);
  for (const auto& what : diagnosis.unchecked) text += fmt::format("not checked: {}\n", what);
  const auto count = diagnosis.instances.size();
  const auto where = diagnosis.interfaces.empty() ? "" : fmt::format(" on {}", fmt::join(diagnosis.interfaces, ", "));
  return text + fmt::format("checked {} instance{}{} for {:.1f} s: nothing {}found\n", count, count == 1 ? "" : "s",
                            where, diagnosis.seconds, diagnosis.findings.empty() ? "" : "else ");
}

}  // namespace ballast::ctl
