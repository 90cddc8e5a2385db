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
  participant.deadline = now + patience;
  const bool knows_base = participant.takes_changes && in_force_ && participant.running == in_force_->generation();
  const auto frames = knows_base ? offer.frames_since(in_force_->to(participant.role)) : offer.frames();
  for (const auto& frame : frames) outlet_.send(id, frame);
}

void ConfigRelay::offer(const config::Model& model, TimePoint now, Done done) {
  if (busy()) return done(fail("another configuration is being taken over at this moment; try again"));
  transaction_.emplace(Transaction{Offers::of(model, ++generation_, in_force_ ? &*in_force_ : nullptr), now + patience,
                                   std::move(done)});
  for (auto& [id, participant] : participants_) send_offer(id, participant, transaction_->offers, now);
  conclude(now);
}

void ConfigRelay::joined(ConnectionId id, const std::string& role, TimePoint now) {
  participants_[id].role = role;
  if (!busy()) catch_up(now);  // else when the transaction is over
}

void ConfigRelay::left(ConnectionId id, TimePoint now) {
  participants_.erase(id);
  conclude(now);
}

void ConfigRelay::acknowledged(ConnectionId id, std::uint64_t generation, const Result<>& verdict, bool takes_changes,
                               TimePoint now) {
  const auto found = participants_.find(id);
  if (found == participants_.end() || found->second.offered == 0 || found->second.offered != generation) return;
  auto& participant = found->second;
  participant.offered = 0;
  participant.takes_changes = takes_changes;
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
  const auto generation = transaction.offers.generation();
  for (auto& [id, participant] : participants_) {
    const bool agreed = participant.agreed == generation;
    if (!outcome && (agreed || participant.offered == generation)) outlet_.send(id, order("abort", generation));
    if (outcome && agreed) {
      participant.running = generation;
      outlet_.send(id, order("apply", generation));
    }
    participant.offered = 0;
  }
  if (outcome) in_force_ = std::move(transaction.offers);
  catch_up(now);
  transaction.done(outcome);
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
    for (const auto& [id, participant] : participants_) {
      if (participant.offered == generation) silent += (silent.empty() ? "" : ", ") + participant.role;
    }
    return finish(fail("{}: no answer to the configuration within {} s", silent, patience.count()), now);
  }
  for (auto& [id, participant] : participants_) {
    if (transaction_ || participant.offered == 0 || now < participant.deadline) continue;
    participant.deadline = TimePoint::max();  // said once; a late answer still counts
    outlet_.refused(participant.role, fmt::format("no answer within {} s", patience.count()));
  }
}

std::optional<ConfigRelay::TimePoint> ConfigRelay::deadline() const {
  if (transaction_) return transaction_->deadline;
  std::optional<TimePoint> result;
  for (const auto& [id, participant] : participants_) {
    if (participant.offered == 0 || participant.deadline == TimePoint::max()) continue;
    if (!result || participant.deadline < *result) result = participant.deadline;
  }
  return result;
}

}  // namespace ballast::bus
