#pragma once
// The segments between the routers: who reaches whom, how late, how often.
#include <boost/container/static_vector.hpp>

#include "tests/sim/plan.hpp"

namespace ballast::vrrpd::sim {

class Network {
 public:
  explicit Network(const Plan& plan);

  /// Copies of one packet, by how late they arrive; none when it is lost.
  using Copies = boost::container::static_vector<Duration, 2>;
  Copies carry(unsigned segment, unsigned from, unsigned to, Random& random) const;

  void begin(const Disturbance& trouble);
  void end(const Disturbance& trouble);
  /// What was slow has arrived, too.
  void settle(const Disturbance& trouble);
  /// Every packet of this segment arrives once and in time.
  [[nodiscard]] bool is_whole(unsigned segment) const { return segments_[segment].troubles == 0; }

 private:
  struct Segment {
    unsigned troubles = 0;
    std::vector<const Disturbance*> active;
  };
  static bool cuts(const Disturbance& trouble, unsigned from, unsigned to);

  Duration delay_;
  std::vector<Segment> segments_;
};

}  // namespace ballast::vrrpd::sim
