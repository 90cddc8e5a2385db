#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

namespace ballast::config {

/// An optional value that takes the room of a pointer while it is not there: for what few of very many objects have.
/// Copies and comparisons are those of the value; JSON is that of the value, or null.
template <class T>
class Boxed {
 public:
  Boxed() = default;
  Boxed(T value) : value_{std::make_unique<T>(std::move(value))} {}  // NOLINT(google-explicit-constructor): as optional
  Boxed(const Boxed& other) : value_{other.value_ ? std::make_unique<T>(*other.value_) : nullptr} {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    value_ = std::move(other.value_);
    return *this;
  }
  ~Boxed() = default;

  [[nodiscard]] explicit operator bool() const { return value_ != nullptr; }
  [[nodiscard]] bool has_value() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  /// The value, made where it was not there.
  T& get() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }

  friend bool operator==(const Boxed& a, const Boxed& b) {
    return a.value_ && b.value_ ? *a.value_ == *b.value_ : !a.value_ && !b.value_;
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace ballast::config

NLOHMANN_JSON_NAMESPACE_BEGIN
template <class T>
struct adl_serializer<ballast::config::Boxed<T>> {
  static void to_json(json& out, const ballast::config::Boxed<T>& value) {
    if (value)
      out = *value;
    else
      out = nullptr;
  }
  static void from_json(const json& in, ballast::config::Boxed<T>& value) {
    if (in.is_null())
      value = {};
    else
      value = in.get<T>();
  }
};
NLOHMANN_JSON_NAMESPACE_END
