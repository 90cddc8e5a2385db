#include "tests/sim/network.hpp"

namespace ballast::vrrpd::sim {

Network::Network(const Plan& plan) : delay_{plan.delay}, segments_(plan.all_segments()) {}

void Network::begin(const Disturbance& trouble) {
  auto& segment = segments_[trouble.segment];
  ++segment.troubles;
  segment.active.push_back(&trouble);
}

void Network::end(const Disturbance& trouble) { std::erase(segments_[trouble.segment].active, &trouble); }

void Network::settle(const Disturbance& trouble) { --segments_[trouble.segment].troubles; }

bool Network::cuts(const Disturbance& trouble, unsigned from, unsigned to) {
  if (trouble.what == Trouble::cut) return trouble.router == from && trouble.other == to;
  return trouble.what == Trouble::partition && (from < trouble.other) != (to < trouble.other);
}

Network::Copies Network::carry(unsigned segment, unsigned from, unsigned to, Random& random) const {
  Copies copies;
  // A path that nothing is wrong with keeps the order, and is as long as it is.
  const Duration usual = delay_ * (1 + (from * 3 + to * 5) % 4) / 4;
  Duration longest = usual;
  bool twice = false;
  for (const auto* trouble : segments_[segment].active) {
    if (cuts(*trouble, from, to)) return {};
    if (trouble->what == Trouble::loss && random.chance(trouble->percent)) return {};
    if (trouble->what == Trouble::slow) longest = std::max(longest, trouble->delay);
    if (trouble->what == Trouble::duplicate) twice = twice || random.chance(trouble->percent);
  }
  copies.push_back(random.between(usual, longest));
  if (twice) copies.push_back(random.between(usual, longest));
  return copies;
}

}  // namespace ballast::vrrpd::sim
