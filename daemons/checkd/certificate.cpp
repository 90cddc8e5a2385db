#include "daemons/checkd/certificate.hpp"

#include <fmt/chrono.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <vector>

#include "common/net/ip_address.hpp"
#include "daemons/checkd/printable.hpp"

namespace ballast::checkd {
namespace {

constexpr std::size_t most_names = 3;

std::tm in_utc(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return parts;
}

std::string day(const ASN1_TIME* time) { return fmt::format("{:%Y-%m-%d}", in_utc(time)); }

std::string text_of(const ASN1_STRING* text) {
  return printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                    static_cast<std::size_t>(std::max(0, ASN1_STRING_length(text)))});
}

/// Its common name, else its organization.
std::string short_name(const X509_NAME* name) {
  for (const int kind : {NID_commonName, NID_organizationName}) {
    const int at = X509_NAME_get_index_by_NID(name, kind, -1);
    if (at >= 0) return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  }
  return "nobody";
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

std::string name_of(const GENERAL_NAME* name) {
  if (name->type == GEN_DNS) return text_of(name->d.dNSName);
  if (name->type != GEN_IPADD) return {};
  const auto* bytes = ASN1_STRING_get0_data(name->d.iPAddress);
  const auto length = ASN1_STRING_length(name->d.iPAddress);
  if (length == 4) return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
  if (length != 16) return {};
  std::array<std::uint8_t, 16> raw{};
  std::copy_n(bytes, raw.size(), raw.begin());
  return net::IpAddress::v6(raw).to_string();
}

/// Whose it is: `a.example.com, b.example.com and 5 more`
std::string owners(const X509* leaf) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> alternative{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr))};
  std::string text;
  std::size_t count = 0;
  for (int i = 0; alternative && i < sk_GENERAL_NAME_num(alternative.get()); ++i) {
    const auto name = name_of(sk_GENERAL_NAME_value(alternative.get(), i));
    if (name.empty() || ++count > most_names) continue;
    text += (text.empty() ? "" : ", ") + name;
  }
  if (count > most_names) text += fmt::format(" and {} more", count - most_names);
  return text.empty() ? short_name(X509_get_subject_name(leaf)) : text;
}

bool is_over(const X509* certificate) { return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0; }

std::string expired(const X509* leaf, const STACK_OF(X509) * chain) {
  for (int i = 0; !is_over(leaf) && i < sk_X509_num(chain); ++i) {
    const auto* each = sk_X509_value(chain, i);
    if (!is_over(each)) continue;
    return fmt::format("certificate of the authority {} expired on {}", short_name(X509_get_subject_name(each)),
                       day(X509_get0_notAfter(each)));
  }
  if (is_over(leaf)) return "certificate expired on " + day(X509_get0_notAfter(leaf));
  return "certificate of an authority expired";
}

}  // namespace

double ends_at(const X509* certificate) {
  auto parts = in_utc(X509_get0_notAfter(certificate));
  return static_cast<double>(timegm(&parts));
}

std::string distrust_in_words(long error, const X509* leaf, const STACK_OF(X509) * chain, const std::string& wanted) {
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return expired(leaf, chain);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "certificate not valid before " + day(X509_get0_notBefore(leaf));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("certificate is for {}, wanted {}", owners(leaf), wanted);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "self-signed certificate";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
      const auto* last = sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1) : leaf;
      return fmt::format("certificate signed by an unknown authority ({})", short_name(X509_get_issuer_name(last)));
    }
    default:
      return fmt::format("certificate not taken: {}", X509_verify_cert_error_string(error));
  }
}

}  // namespace ballast::checkd
