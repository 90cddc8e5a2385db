#pragma once
#include <chrono>

namespace ballast::webhook {

enum class Fate : unsigned char {
  delivered,
  again,    ///< it may be better another time
  refused,  ///< it will not
};

/// What a status means: 408, 429 and what is the server's own fault (5xx) may pass; another place (3xx) is not
/// followed.
Fate fate_of(unsigned status);

/// Before try number `next` (2 and up): 1 s, doubled each time, at most 48 s, and up to a quarter more by `random` in
/// [0, 1), so that many senders do not come back at once.
std::chrono::milliseconds pause_before(unsigned next, double random);

}  // namespace ballast::webhook
