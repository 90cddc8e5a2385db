#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace ballast::checkd {

/// MD5 as HTTP_GET's `digest` wants it, computed piece by piece.
class Md5 {
 public:
  Md5();
  void add(std::span<const char> bytes);
  /// Lower-case hexadecimal; empty where OpenSSL does not offer MD5 (FIPS). To be called once, last.
  [[nodiscard]] std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace ballast::checkd
