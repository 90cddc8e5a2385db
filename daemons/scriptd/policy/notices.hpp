#pragma once
// Who is to be told what when roles change. Pure: what is to be run or written comes out as values.
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/messages.hpp"

namespace ballast::scriptd {

enum class Occasion : std::uint8_t {
  master,
  backup,
  fault,
  stop,
  deleted,
  lower_priority,
  master_priority,
  backup_priority
};
constexpr auto enum_names(Occasion*) {
  using enum Occasion;
  return std::array{std::pair{master, std::string_view{"MASTER"}},
                    std::pair{backup, std::string_view{"BACKUP"}},
                    std::pair{fault, std::string_view{"FAULT"}},
                    std::pair{stop, std::string_view{"STOP"}},
                    std::pair{deleted, std::string_view{"DELETED"}},
                    std::pair{lower_priority, std::string_view{"MASTER_RX_LOWER_PRI"}},
                    std::pair{master_priority, std::string_view{"MASTER_PRIORITY"}},
                    std::pair{backup_priority, std::string_view{"BACKUP_PRIORITY"}}};
}

/// An instance or a sync group.
struct Subject {
  bool group = false;
  std::string name;
  auto operator<=>(const Subject&) const = default;
};

/// One thing to tell.
struct Notice {
  Subject subject;
  Occasion occasion{};
  int priority = 0;                       ///< of a group: 0
  std::vector<config::Command> commands;  ///< one after the other, complete with their arguments
  bool mail = false;                      ///< it is an alert
  std::string reason{};                   ///< may be empty
};

/// `INSTANCE "VI_1" MASTER 150` and the end of the line, as in keepalived's FIFOs.
std::string fifo_line(const Notice& notice);

/// What each subject was last told; written down, it keeps a restarted scriptd from telling it again.
using Told = std::map<Subject, Occasion>;
nlohmann::json to_record(const Told& told);
/// Entries that are not understood are left out.
Told from_record(const nlohmann::json& record);

/// Compares what the bus says with what was told. Roles count once both they and the configuration are known.
class Teller {
 public:
  explicit Teller(Told told) : told_{std::move(told)} {}

  std::vector<Notice> configure(const config::Model& model);
  /// `vrrp/<instance>`; none: withdrawn.
  std::vector<Notice> on_instance(const std::string& name, std::optional<bus::VrrpState> state);
  /// `vrrp-group/<name>`; none: withdrawn.
  std::vector<Notice> on_group(const std::string& name, std::optional<bus::VrrpGroupState> state);
  [[nodiscard]] const Told& told() const { return told_; }

 private:
  struct Seen {
    std::optional<bus::VrrpState> state;  ///< a group's: role and `stopped` alone
    int priority = 0;                     ///< as last told of
    std::uint64_t rivals = 0;
    bool told_of = false;  ///< priority and rivals are from an update before
  };
  std::vector<Notice> look(const Subject& subject);
  void add_role(const Subject& subject, const config::Notify& notify, const bus::VrrpState& state,
                std::vector<Notice>& notices);
  void add_details(const Subject& subject, const config::Notify& notify, Seen& seen, std::vector<Notice>& notices);
  std::vector<Notice> say_removed(const Subject& subject, const config::Notify& notify);

  Told told_;
  std::map<Subject, config::Notify> configured_;
  std::map<Subject, config::Notify> leaving_;  ///< removed from the configuration, still at work
  std::map<Subject, Seen> seen_;
};

/// What waits for one subject's scripts, in order. A newer role takes the place of one that waits still.
class NoticeQueue {
 public:
  /// Whether one that waited was overtaken.
  bool push(Notice notice);
  std::optional<Notice> next();

 private:
  std::deque<Notice> waiting_;
};

}  // namespace ballast::scriptd
