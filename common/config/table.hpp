#pragma once
#include <utility>

#include "common/config/keywords.hpp"

namespace ballast::config {

/// Adds to the table of keywords; what it gives back may be told more (aliases, that it may repeat).
class Table {
 public:
  explicit Table(std::vector<Keyword>& keywords) : keywords_{keywords} {}
  /// A keyword with values on its line.
  Keyword& value(std::string_view name, std::vector<Context> contexts, Value value, std::string_view doc) {
    return keywords_.emplace_back(Keyword{name, {}, std::move(contexts), std::move(value), doc, {}, {}, false, false});
  }
  /// One with a block of keywords.
  Keyword& block(std::string_view name, Context outer, Context inner, Value value, std::string_view doc) {
    return keywords_.emplace_back(Keyword{name, {}, {outer}, std::move(value), doc, inner, {}, true, false});
  }
  /// One with a block of records.
  Keyword& records(std::string_view name, Context outer, Value value, Setter record, std::string_view doc) {
    return keywords_.emplace_back(
        Keyword{name, {}, {outer}, std::move(value), doc, {}, std::move(record), true, false});
  }

 private:
  std::vector<Keyword>& keywords_;
};

/// Gives a setter a member of what a function of the binder is at:
/// `member_of(&Binder::service)(&ServiceDraft::quorum)`.
template <class Object>
auto member_of(Object& (Binder::*object)()) {
  return [object](auto member) {
    return [=](Binder & binder) -> auto& { return (binder.*object)().*member; };
  };
}

}  // namespace ballast::config
