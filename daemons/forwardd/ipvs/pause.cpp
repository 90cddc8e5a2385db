#include "daemons/forwardd/ipvs/pause.hpp"

#include <nftables/libnftables.h>

#include "common/runtime/log.hpp"

namespace ballast::forwardd::ipvs {
namespace {

struct FreeContext {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

}  // namespace

/// Its socket owns the table, so that a forwardd that is killed leaves nothing behind.
struct Pause::Impl {
  std::unique_ptr<nft_ctx, FreeContext> context{nft_ctx_new(NFT_CTX_DEFAULT)};
};

Pause::Pause(std::span<const ServiceKey> services) {
  const auto text = pause_text(services);
  if (text.empty()) return;
  impl_ = std::make_unique<Impl>();
  auto* nft = impl_->context.get();
  if (nft == nullptr) throw std::bad_alloc{};
  nft_ctx_buffer_output(nft);
  nft_ctx_buffer_error(nft);
  if (nft_run_cmd_from_buffer(nft, text.c_str()) == 0) return;
  const std::string error = nft_ctx_get_error_buffer(nft);
  log::warning("IPVS: new connections are refused while the scheduler of {} changes, as nf_tables cannot hold them: {}",
               services.front().to_string(), error.substr(0, error.find('\n')));
}

Pause::~Pause() = default;

}  // namespace ballast::forwardd::ipvs
