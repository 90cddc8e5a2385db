#include "common/bus/config_relay.hpp"

#include <algorithm>

#include "common/config/loader.hpp"

namespace ballast::bus {
namespace {

FrameBytes order(const char* op, std::uint64_t generation) {
  return encode_frame({{"op", op}, {"generation", generation}});
}

}  // namespace

ConfigRelay::Offers ConfigRelay::Offers::of(const config::Model& model, std::uint64_t generation,
                                            const Offers* before) {
  const auto* whole = before != nullptr ? &before->whole : nullptr;
  Offers made{make_offer(model, generation, whole), std::nullopt};
  if (const auto open = config::without_secrets(model); !(open == model))
    made.open = make_offer(open, generation, &made.whole);
  return made;
}

const ConfigOffer& ConfigRelay::Offers::to(const std::string& role) const {
  return open && role != "vrrpd" ? *open : whole;
}

void ConfigRelay::send_offer(ConnectionId id, Participant& participant, const Offers& offers, TimePoint now) {
  const auto& offer = offers.to(participant.role);
  participant.offered = offer.generation;
  const bool knows_base =
      participant.abilities.takes_changes && in_force_ && participant.running == in_force_->generation();
  auto& changes = changes_[&offer];  // the same for most
  if (knows_base && changes.empty()) changes = offer.frames_since(in_force_->to(participant.role));
  const auto frames = knows_base ? changes : offer.frames();
  std::size_t bytes = 0;
  for (const auto& frame : frames) {
    bytes += frame->size();
    outlet_.send(id, frame);
  }
  participant.patience = patience + std::chrono::seconds{bytes / read_in_a_second};
  participant.deadline = now + participant.patience;
}

void ConfigRelay::offer(const config::Model& model, TimePoint now, Done done) {
  if (busy()) return done(fail("another configuration is being taken over at this moment; try again"));
  transaction_.emplace(
      Transaction{Offers::of(model, ++generation_, in_force_ ? &*in_force_ : nullptr), now, std::move(done)});
  for (auto& [id, participant] : participants_) {
    send_offer(id, participant, transaction_->offers, now);
    transaction_->deadline = std::max(transaction_->deadline, participant.deadline);
  }
  conclude(now);
}

void ConfigRelay::joined(ConnectionId id, const std::string& role, TimePoint now) {
  participants_[id].role = role;
  if (!transaction_) catch_up(now);  // else when all have answered
}

void ConfigRelay::left(ConnectionId id, TimePoint now) {
  participants_.erase(id);
  conclude(now);
  conclude_work();
}

void ConfigRelay::acknowledged(ConnectionId id, std::uint64_t generation, const Result<>& verdict, Abilities abilities,
                               TimePoint now) {
  const auto found = participants_.find(id);
  if (found == participants_.end() || found->second.offered == 0 || found->second.offered != generation) return;
  auto& participant = found->second;
  participant.offered = 0;
  participant.abilities = abilities;
  const bool in_transaction = transaction_ && transaction_->offers.generation() == generation;
  if (verdict) participant.agreed = generation;
  if (in_transaction && !verdict) {
    return finish(fail("{} refuses the configuration: {}", participant.role, verdict.error().message), now);
  }
  if (in_transaction) return conclude(now);
  if (!verdict) return outlet_.refused(participant.role, verdict.error().message);
  participant.running = generation;
  outlet_.send(id, order("apply", generation));
}

void ConfigRelay::conclude(TimePoint now) {
  if (!transaction_) return;
  const auto generation = transaction_->offers.generation();
  if (std::ranges::none_of(participants_, [&](const auto& each) { return each.second.offered == generation; }))
    finish({}, now);
}

void ConfigRelay::finish(const Result<>& outcome, TimePoint now) {
  auto transaction = std::move(*transaction_);
  transaction_.reset();
  changes_.clear();
  const auto generation = transaction.offers.generation();
  std::chrono::seconds longest = patience;
  for (auto& [id, participant] : participants_) {
    const bool agreed = participant.agreed == generation;
    longest = std::max(longest, participant.patience);
    if (!outcome && (agreed || participant.offered == generation)) outlet_.send(id, order("abort", generation));
    if (outcome && agreed) {
      participant.running = generation;
      outlet_.send(id, order("apply", generation));
    }
    participant.offered = 0;
  }
  if (outcome) in_force_ = std::move(transaction.offers);
  catch_up(now);
  if (!outcome) return transaction.done(outcome);
  carrying_out_.emplace(CarryingOut{now + longest, std::move(transaction.done)});
  conclude_work();
}

bool ConfigRelay::is_at_work(const Participant& participant) const {
  return participant.abilities.says_applied && participant.running == generation_ &&
         participant.carried_out != generation_;
}

void ConfigRelay::carried_out(ConnectionId id, std::uint64_t generation) {
  const auto found = participants_.find(id);
  if (found == participants_.end()) return;
  found->second.carried_out = generation;
  conclude_work();
}

void ConfigRelay::conclude_work() {
  if (std::ranges::none_of(participants_, [&](const auto& each) { return is_at_work(each.second); })) end_work();
}

void ConfigRelay::end_work() {
  if (!carrying_out_) return;
  const auto done = std::move(carrying_out_->done);
  carrying_out_.reset();
  done({});
}

void ConfigRelay::catch_up(TimePoint now) {
  if (!in_force_) return;
  for (auto& [id, participant] : participants_) {
    const auto wanted = in_force_->generation();
    if (participant.running != wanted && participant.offered != wanted) send_offer(id, participant, *in_force_, now);
  }
}

void ConfigRelay::tick(TimePoint now) {
  if (transaction_ && now >= transaction_->deadline) {
    const auto generation = transaction_->offers.generation();
    std::string silent;
    auto waited = patience;
    for (const auto& [id, participant] : participants_) {
      if (participant.offered != generation) continue;
      silent += (silent.empty() ? "" : ", ") + participant.role;
      waited = std::max(waited, participant.patience);
    }
    return finish(fail("{}: no answer to the configuration within {} s", silent, waited.count()), now);
  }
  if (carrying_out_ && now >= carrying_out_->deadline) {
    for (const auto& [id, participant] : participants_) {
      if (is_at_work(participant))
        outlet_.refused(participant.role, fmt::format("not carried out within {} s", participant.patience.count()));
    }
    end_work();
  }
  for (auto& [id, participant] : participants_) {
    if (transaction_ || participant.offered == 0 || now < participant.deadline) continue;
    participant.deadline = TimePoint::max();  // said once; a late answer still counts
    outlet_.refused(participant.role, fmt::format("no answer within {} s", participant.patience.count()));
  }
}

std::optional<ConfigRelay::TimePoint> ConfigRelay::deadline() const {
  if (transaction_) return transaction_->deadline;
  std::optional<TimePoint> result;
  if (carrying_out_) result = carrying_out_->deadline;
  for (const auto& [id, participant] : participants_) {
    if (participant.offered == 0 || participant.deadline == TimePoint::max()) continue;
    if (!result || participant.deadline < *result) result = participant.deadline;
  }
  return result;
}

}  // namespace ballast::bus
