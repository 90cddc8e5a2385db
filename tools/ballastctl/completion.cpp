// ballastctl completion.
#include "tools/ballastctl/completion.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "tools/ballastctl/commands.hpp"
#include "tools/ballastctl/conditions.hpp"
#include "tools/ballastctl/session.hpp"

namespace ballast::ctl {
namespace {

constexpr std::chrono::milliseconds patience{500};  // somebody waits with a finger on the key

/// The text of one field of all values below a prefix; of those only whose other field is that value.
std::set<std::string> texts(const Topics& topics, const std::string& prefix, const char* field, const char* other = "",
                            const std::string& value = {}) {
  std::set<std::string> found;
  for (auto entry = topics.lower_bound(prefix); entry != topics.end() && entry->first.starts_with(prefix); ++entry) {
    const auto& json = entry->second;
    if (!json.is_object() || !json.contains(field) || !json[field].is_string()) continue;
    if (value.empty() || json.value(other, "") == value) found.insert(json[field].get<std::string>());
  }
  return found;
}

std::set<std::string> words_of(const std::vector<std::string>& asked, const Topics& topics) {
  const auto& kind = asked.front();
  if (kind == "instances") return texts(topics, "vrrp/", "name");
  if (kind == "services") {
    auto services = texts(topics, "service/", "name");
    services.merge(texts(topics, "health/", "service"));
    return services;
  }
  if (kind == "servers") return texts(topics, "health/", "server", "service", asked.size() > 1 ? asked[1] : "");
  const auto next = next_words(std::span{asked}.subspan(1), topics);
  return {next.begin(), next.end()};
}

/// Nothing at all where the node does not answer.
void print_words(const Options& options) {
  const auto session = Session::open(options.run_dir, {"vrrp/", "vrrp-group/", "health/", "service/"}, {}, patience);
  if (!session) return;
  for (const auto& word : words_of(options.words, (*session)->topics())) fmt::print("{}\n", word);
}

}  // namespace

int completion(const Options& options, const Verb& root, const std::string& shell) {
  if (shell == "bash")
    fmt::print("{}", bash_completion(root));
  else if (shell == "zsh")
    fmt::print("{}", zsh_completion(root));
  else if (options.words.front() == "verbs")
    fmt::print("{}", list_of_verbs(root));
  else
    print_words(options);
  return ok;
}

}  // namespace ballast::ctl
