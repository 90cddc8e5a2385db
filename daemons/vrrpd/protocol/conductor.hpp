#pragma once
// The instances of one machine and what ties them together: events go in here, and what they mean for the rest of a
// sync group follows before the next one. Pure: the clock, the actions and the sockets are the derived class's.
#include <optional>
#include <string>
#include <vector>

#include "daemons/vrrpd/protocol/instance.hpp"

namespace ballast::vrrpd {

struct Group;

/// An instance as one of a machine's.
struct Member {
  explicit Member(config::VrrpInstance settings) : core{std::move(settings)} {}
  Instance core;
  Group* group = nullptr;
};

struct Group {
  std::string name;
  std::vector<Member*> members;
};

/// FAULT when a member is, MASTER when all are, INIT while one has not begun or has ended, else BACKUP.
Role role_of(const Group& group);

/// What the process before left of one instance, and how long ago it gave its last sign of life.
struct Heritage {
  Role role = Role::init;
  Duration silence{};
};

/// An instance about to start; no heritage when it is new or another virtual router now.
struct Beginner {
  Member* member = nullptr;
  std::optional<Heritage> heritage;
};

class Conductor {
 public:
  virtual ~Conductor() = default;

  /// Hands the event to the instance, has its actions performed and its group follow.
  void dispatch(Member& member, const Event& event);
  /// A timer came due. After a stall a master's advertisements may wait unread: silence is concluded only when there
  /// are none.
  void expire(Member& member, Timer timer, std::uint64_t generation);
  /// Looks at a whole group, as after it was formed anew.
  void settle(Group& group);
  /// Starts them. Who was MASTER within its master-down interval goes on, a sync group as a whole or not at all; the
  /// others wait for `delay` first.
  void start(const std::vector<Beginner>& beginners, Duration delay);
  /// Ends them, each by itself: priority 0, and their addresses stay until a new master was heard (see Stop).
  void stop(const std::vector<Member*>& members, const std::string& reason);

 protected:
  virtual TimePoint now() = 0;
  virtual void perform(Member& member, const Action& action) = 0;
  /// An event and its consequences for the group are done with.
  virtual void settled(Member& member) = 0;
  /// Hands over the advertisements that have arrived and not been read.
  virtual void drain(Member& member) = 0;

 private:
  void settle(Member& member, Role before);
};

}  // namespace ballast::vrrpd
