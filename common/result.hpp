#pragma once
#include <fmt/format.h>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace ballast {

/// What went wrong, in words for a person: what was expected, of what, and what to do. Made by fail() alone: were it
/// made of text, Result<std::string> could not tell its value from its error.
struct Error {
  std::string message;
  Error() = default;

 private:
  struct Text {
    std::string text;
  };
  explicit Error(Text made) : message(std::move(made.text)) {}
  template <class... Args>
  friend Error fail(fmt::format_string<Args...> format, Args&&... args);
};

/// A value or an Error. Errors are values; exceptions stay inside a boundary.
template <class T = void>
using Result = boost::system::result<T, Error>;

/// Makes an Error as fmt::format does: `return fail("port {} is not a number", text);`
template <class... Args>
[[nodiscard]] Error fail(fmt::format_string<Args...> format, Args&&... args) {
  return Error{Error::Text{fmt::format(format, std::forward<Args>(args)...)}};
}

/// Used by Result::value() when there is none: a programming error.
BOOST_NORETURN inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error(error.message);
}

}  // namespace ballast
