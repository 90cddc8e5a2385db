#include "daemons/scriptd/policy/notices.hpp"

#include <algorithm>

namespace ballast::scriptd {
namespace {

using bus::VrrpRole;

constexpr std::string_view instance_word = "INSTANCE";
constexpr std::string_view group_word = "GROUP";

std::string_view kind_of(const Subject& subject) { return subject.group ? group_word : instance_word; }

const config::Command* command_for(const config::Notify& notify, Occasion occasion) {
  switch (occasion) {
    case Occasion::master:
      return &notify.master;
    case Occasion::backup:
      return &notify.backup;
    case Occasion::fault:
      return &notify.fault;
    case Occasion::stop:
      return &notify.stop;
    case Occasion::deleted:
      return &notify.deleted;
    case Occasion::lower_priority:
      return &notify.lower_priority;
    default:
      return nullptr;
  }
}

bool is_role(Occasion occasion) { return occasion <= Occasion::deleted; }

Notice make_notice(const Subject& subject, const config::Notify& notify, Occasion occasion, int priority,
                   const std::string& reason = {}) {
  Notice notice{subject, occasion, priority, {}, notify.mail && is_role(occasion), reason};
  const auto* own = command_for(notify, occasion);
  if (own != nullptr && !own->words.empty()) notice.commands.push_back(*own);
  if (is_role(occasion) && !notify.any.words.empty()) {
    auto any = notify.any;
    for (const auto& word :
         {std::string{kind_of(subject)}, subject.name, std::string{name_of(occasion)}, std::to_string(priority)}) {
      any.words.push_back(word);
    }
    notice.commands.push_back(std::move(any));
  }
  return notice;
}

/// None: nothing to tell of (yet).
std::optional<Occasion> occasion_of(const bus::VrrpState& state) {
  switch (state.state) {
    case VrrpRole::master:
      return Occasion::master;
    case VrrpRole::backup:
      return Occasion::backup;
    case VrrpRole::fault:
      return Occasion::fault;
    case VrrpRole::init:
      break;
  }
  return state.stopped ? std::optional{Occasion::stop} : std::nullopt;
}

}  // namespace

std::string fifo_line(const Notice& notice) {
  return fmt::format("{} \"{}\" {} {}\n", kind_of(notice.subject), notice.subject.name, notice.occasion,
                     notice.priority);
}

nlohmann::json to_record(const Told& told) {
  auto record = nlohmann::json::array();
  for (const auto& [subject, occasion] : told)
    record.push_back({{"group", subject.group}, {"name", subject.name}, {"told", name_of(occasion)}});
  return record;
}

Told from_record(const nlohmann::json& record) {
  Told told;
  if (!record.is_array()) return told;
  for (const auto& entry : record) {
    try {
      const auto occasion = from_name<Occasion>(entry.at("told").get<std::string>());
      if (occasion) told[{entry.at("group").get<bool>(), entry.at("name").get<std::string>()}] = *occasion;
    } catch (const nlohmann::json::exception&) {
      continue;
    }
  }
  return told;
}

std::vector<Notice> Teller::configure(const config::Model& model) {
  auto before = std::exchange(configured_, {});
  for (const auto& instance : model.vrrp_instances) configured_[{false, instance.name}] = instance.notify;
  for (const auto& group : model.vrrp_sync_groups) configured_[{true, group.name}] = group.notify;
  std::vector<Notice> notices;
  const auto add = [&](std::vector<Notice> more) {
    notices.insert(notices.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  for (auto& [subject, notify] : before) {
    if (configured_.contains(subject)) continue;
    if (seen_.contains(subject))
      leaving_[subject] = std::move(notify);
    else
      add(say_removed(subject, notify));
  }
  for (const auto& [subject, notify] : configured_) {
    leaving_.erase(subject);
    add(look(subject));
  }
  return notices;
}

std::vector<Notice> Teller::on_instance(const std::string& name, std::optional<bus::VrrpState> state) {
  const Subject subject{false, name};
  if (state) {
    seen_[subject].state = std::move(state);
    return look(subject);
  }
  seen_.erase(subject);
  const auto leaving = leaving_.extract(subject);
  return leaving.empty() ? std::vector<Notice>{} : say_removed(subject, leaving.mapped());
}

std::vector<Notice> Teller::on_group(const std::string& name, std::optional<bus::VrrpGroupState> state) {
  const Subject subject{true, name};
  if (!state) {
    seen_.erase(subject);
    leaving_.erase(subject);
    told_.erase(subject);
    return {};
  }
  bus::VrrpState made;
  made.name = name;
  made.state = state->state;
  made.stopped = state->stopped;
  seen_[subject].state = std::move(made);
  return look(subject);
}

std::vector<Notice> Teller::look(const Subject& subject) {
  const auto configured = configured_.find(subject);
  const auto seen = seen_.find(subject);
  if (configured == configured_.end() || seen == seen_.end()) return {};
  std::vector<Notice> notices;
  add_role(subject, configured->second, *seen->second.state, notices);
  add_details(subject, configured->second, seen->second, notices);
  return notices;
}

void Teller::add_role(const Subject& subject, const config::Notify& notify, const bus::VrrpState& state,
                      std::vector<Notice>& notices) {
  const auto occasion = occasion_of(state);
  const auto told = told_.find(subject);
  if (!occasion || (told != told_.end() && told->second == *occasion)) return;
  const bool was_told = told != told_.end();
  told_[subject] = *occasion;
  if (*occasion == Occasion::stop && !was_told) return;  // it never began
  notices.push_back(make_notice(subject, notify, *occasion, state.priority, state.reason));
}

void Teller::add_details(const Subject& subject, const config::Notify& notify, Seen& seen,
                         std::vector<Notice>& notices) {
  const auto& state = *seen.state;
  const bool master = state.state == VrrpRole::master;
  const bool before = std::exchange(seen.told_of, true);
  const auto priority = std::exchange(seen.priority, state.priority);
  const auto rivals = std::exchange(seen.rivals, state.rivals);
  if (!before || subject.group) return;
  if (notify.priority_changes && notices.empty() && priority != state.priority &&
      (master || state.state == VrrpRole::backup)) {
    const auto occasion = master ? Occasion::master_priority : Occasion::backup_priority;
    notices.push_back(make_notice(subject, notify, occasion, state.priority));
  }
  if (master && state.rivals > rivals)
    notices.push_back(make_notice(subject, notify, Occasion::lower_priority, state.priority));
}

std::vector<Notice> Teller::say_removed(const Subject& subject, const config::Notify& notify) {
  const bool was_told = told_.erase(subject) > 0;
  if (subject.group || !was_told) return {};
  return {make_notice(subject, notify, notify.says_deleted ? Occasion::deleted : Occasion::fault, 0,
                      "removed from the configuration")};
}

bool NoticeQueue::push(Notice notice) {
  const auto same = std::ranges::find_if(waiting_, [&](const Notice& other) {
    return other.occasion == notice.occasion || (is_role(other.occasion) && is_role(notice.occasion));
  });
  const bool overtaken = same != waiting_.end();
  if (overtaken) waiting_.erase(same);
  waiting_.push_back(std::move(notice));
  return overtaken;
}

std::optional<Notice> NoticeQueue::next() {
  if (waiting_.empty()) return std::nullopt;
  auto notice = std::move(waiting_.front());
  waiting_.pop_front();
  return notice;
}

}  // namespace ballast::scriptd
