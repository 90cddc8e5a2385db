#pragma once
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace ballast::checkd::test {

/// A certificate that is made for a test.
struct CertificateWish {
  std::string common_name = "a.example.com";
  std::string names = "DNS:a.example.com";  ///< subjectAltName, as in x509v3_config(5)
  long from_days = -1, until_days = 30;     ///< from today
  bool authority = false;
};

/// A certificate and its key; signed by another one, or by itself.
class Certificate {
 public:
  explicit Certificate(const CertificateWish& wish, const Certificate* issuer = nullptr)
      : key_{EVP_EC_gen("P-256"), EVP_PKEY_free}, certificate_{X509_new(), X509_free} {
    auto* made = certificate_.get();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made),
                     static_cast<long>(reinterpret_cast<std::uintptr_t>(made) >> 4 & 0xffffff));
    constexpr long day = 86'400;
    X509_gmtime_adj(X509_getm_notBefore(made), wish.from_days * day);
    X509_gmtime_adj(X509_getm_notAfter(made), wish.until_days * day);
    X509_set_pubkey(made, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
    const auto& signer = issuer == nullptr ? *this : *issuer;
    X509_set_issuer_name(made, X509_get_subject_name(signer.certificate_.get()));
    if (!wish.names.empty()) extend(NID_subject_alt_name, wish.names);
    extend(NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
    X509_sign(made, signer.key_.get(), EVP_sha256());
  }

  [[nodiscard]] std::string pem() const {
    return text([&](BIO* to) { PEM_write_bio_X509(to, certificate_.get()); });
  }
  [[nodiscard]] std::string key_pem() const {
    return text([&](BIO* to) { PEM_write_bio_PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  }

 private:
  void extend(int kind, const std::string& value) {
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
    X509_add_ext(certificate_.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  template <class Write>
  static std::string text(Write write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory{BIO_new(BIO_s_mem()), BIO_free};
    write(memory.get());
    char* data = nullptr;
    const auto length = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(length)};
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::unique_ptr<X509, decltype(&X509_free)> certificate_;
};

/// A folder for PEM files, gone after the test.
class PemFolder {
 public:
  PemFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ballast-pem-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~PemFolder() { std::filesystem::remove_all(folder_); }
  PemFolder(const PemFolder&) = delete;
  PemFolder& operator=(const PemFolder&) = delete;
  /// The path of a file with that text.
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{folder_ / name} << text;
    return folder_ / name;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace ballast::checkd::test
