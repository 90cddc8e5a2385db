# Rules of the state machine, each broken once.
ballast_mutant(no_skew timing.cpp
  "return adverts * interval + skew_time(version, priority, interval);"
  "return adverts * interval + 0 * skew_time(version, priority, interval);")
ballast_mutant(skew_of_the_wrong_way timing.cpp "(256 - priority)" "priority")
ballast_mutant(no_tie_break instance_hearing.cpp
  "(event.priority == priority_ && event.source > *source_)" "(event.priority == priority_ && false)")
ballast_mutant(tie_break_the_other_way instance_hearing.cpp "event.source > *source_" "event.source < *source_")
ballast_mutant(timers_without_generation instance.cpp
  "timer.generation != event.generation || now_ + early(event.timer) < timer.at" "false")
ballast_mutant(priority_0_ignored instance_hearing.cpp "if (event.priority == priority_leaving) {" "if (false) {")
ballast_mutant(priority_0_waits_the_whole_interval instance_hearing.cpp
  "due > now_ ? std::min(due, now_ + skew()) : now_ + skew()" "now_ + down_interval()")
ballast_mutant(priority_0_of_anybody instance_hearing.cpp "master_->address != event.source" "false")
ballast_mutant(rival_not_answered instance_hearing.cpp
  "if (!settings_.election.lower_prio_no_advert) answer();" "")
ballast_mutant(rival_not_announced instance_hearing.cpp "    announce_rival();\n" "    {}\n")
ballast_mutant(no_farewell instance_hearing.cpp "advertise(priority_leaving);\n  become_backup" "{}\n  become_backup")
ballast_mutant(no_priority_0_on_a_stop instance.cpp
  "if (role_ == Role::master) advertise(priority_leaving);\n    become(Role::init" "become(Role::init")
ballast_mutant(released_at_once instance.cpp
  "if (holds_) set(Timer::release, now_ + handover_linger)" "release()")
ballast_mutant(stop_does_not_linger instance.cpp "event.linger && role_ == Role::master" "false")
ballast_mutant(never_released instance.cpp "if (std::exchange(holds_, false))" "if (false)")
ballast_mutant(no_announcement_on_takeover instance.cpp "  announce(knobs.repeat);\n" "")
ballast_mutant(interval_not_learned instance_hearing.cpp "learned_interval_ = event.interval" "(void)event.interval")
ballast_mutant(preempts_nobody instance_hearing.cpp "!settings_.preempt || event.priority >= priority_" "true")
ballast_mutant(preempts_in_spite_of_nopreempt instance_hearing.cpp "!settings_.preempt || event.priority >= priority_"
  "event.priority >= priority_")
ballast_mutant(preempt_delay_ignored instance_hearing.cpp "if (settings_.preempt_delay == 0s) return true;" "return true;")
ballast_mutant(pause_unnoticed instance_hearing.cpp "if (late <= lapse_limit()) return;" "return;")
ballast_mutant(silence_of_a_pause_counts instance_hearing.cpp "if (now_ - was_due > down_interval())" "if (false)")
ballast_mutant(reads_nothing_before_it_takes_over conductor.cpp
  "if (timer == Timer::master_down || late) drain(member);" "(void)late;")
ballast_mutant(goes_on_after_any_time conductor.cpp
  "heritage->silence < Duration{} || heritage->silence >= limit" "limit == Duration{}")
ballast_mutant(group_of_one_mind sync_group.cpp "if (!all_want) return orders;" "")
ballast_mutant(group_yields_one_by_one sync_group.cpp
  "if (before == Role::master && cause.role() == Role::backup) {" "if (false) {")
ballast_mutant(group_shares_no_fault sync_group.cpp "if (!orders.empty()) return orders;" "orders.clear();")
ballast_mutant(weights_ignored instance.cpp "if (counts) sum +=" "if (false) sum +=")

ballast_mutant(heartbeat_unheard instance_hearing.cpp "left_ || preempting_ ? nullptr : heartbeats_.alive(now_)" "nullptr")
ballast_mutant(heartbeat_wins_nothing instance_heartbeat.cpp "if (priority > priority_) {" "if (false) {")
ballast_mutant(heartbeat_outlives_its_master heartbeat.cpp
  "if (now >= pulse.last + pulse.patience) continue;" "if (now == TimePoint{}) continue;")
ballast_mutant(heartbeat_farewell_of_anybody instance_heartbeat.cpp
  "if (!deaf_ && (!master_ || master_->priority != priority)) return;" "")
