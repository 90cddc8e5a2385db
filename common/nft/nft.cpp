#include "common/nft/nft.hpp"

#include <nftables/libnftables.h>

#include <new>

namespace ballast {

void Nft::Free::operator()(nft_ctx* context) const { nft_ctx_free(context); }

Nft::Nft() : context_{nft_ctx_new(NFT_CTX_DEFAULT)} {
  if (!context_) throw std::bad_alloc{};
  nft_ctx_buffer_output(context_.get());
  nft_ctx_buffer_error(context_.get());
  nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_STATELESS);  // counters count on
}

Result<std::string> Nft::run(const std::string& text) {
  const int status = nft_run_cmd_from_buffer(context_.get(), text.c_str());
  std::string output = nft_ctx_get_output_buffer(context_.get());
  const std::string error = nft_ctx_get_error_buffer(context_.get());
  if (status == 0) return output;
  return fail("{}", error.substr(0, error.find('\n')));
}

}  // namespace ballast
