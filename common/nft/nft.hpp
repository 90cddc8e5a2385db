#pragma once
// nft(8) in this process, by libnftables.
#include <memory>
#include <string>

#include "common/result.hpp"

struct nft_ctx;

namespace ballast {

/// Its words are kept from the terminal. What belongs to its socket (`flags owner`) is gone with it.
class Nft {
 public:
  Nft();
  /// Runs commands as one transaction; what they print, counters left out. Errors: the first line of nft's.
  Result<std::string> run(const std::string& text);

 private:
  struct Free {
    void operator()(nft_ctx* context) const;
  };
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace ballast
