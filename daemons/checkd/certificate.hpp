#pragma once
#include <openssl/x509.h>

#include <string>

namespace ballast::checkd {

/// Unix time at which a certificate ends.
double ends_at(const X509* certificate);

/// Why a certificate is not taken: `certificate expired on 2026-01-02`, `self-signed certificate`. `error` is OpenSSL's
/// (X509_V_ERR_…), `chain` what the peer sent, `wanted` the name or address that it was to be of.
std::string distrust_in_words(long error, const X509* leaf, const STACK_OF(X509) * chain, const std::string& wanted);

}  // namespace ballast::checkd
