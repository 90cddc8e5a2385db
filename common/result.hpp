#pragma once
#include <fmt/format.h>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <concepts>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace ballast {

/// What went wrong, in words for a person: what was expected, of what, and what to do.
struct Error {
  Error() = default;
  /// From text only: a JSON value, which converts to almost anything, must not become an Error by itself in Result<json>.
  template <class Text>
    requires std::same_as<std::remove_cvref_t<Text>, std::string> || std::convertible_to<Text, const char*>
  explicit Error(Text&& text) : message(std::forward<Text>(text)) {}
  std::string message;
};

/// A value or an Error. Errors are values; exceptions stay inside a boundary.
template <class T = void>
using Result = boost::system::result<T, Error>;

/// Makes an Error as fmt::format does: `return fail("port {} is not a number", text);`
template <class... Args>
[[nodiscard]] Error fail(fmt::format_string<Args...> format, Args&&... args) {
  return Error{fmt::format(format, std::forward<Args>(args)...)};
}

/// Used by Result::value() when there is none: a programming error.
BOOST_NORETURN inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error(error.message);
}

}  // namespace ballast
