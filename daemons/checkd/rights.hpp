#pragma once
#include "common/config/model.hpp"

namespace ballast::checkd {

/// The first configuration decides whether checkd keeps CAP_NET_RAW: for PING_CHECK where no ping socket is to be had,
/// and for fwmark. Where nothing needs it, it is given up for good.
class Rights {
 public:
  void settle(const config::Model& model);

 private:
  bool settled_ = false;
  bool warned_ = false;
};

/// The first check that needs CAP_NET_RAW, in words; empty: none does. `ping4`, `ping6`: ping sockets are to be had.
std::string needs_raw(const config::Model& model, bool ping4, bool ping6);

}  // namespace ballast::checkd
