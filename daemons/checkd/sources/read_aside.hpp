#pragma once
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <string>

#include "common/result.hpp"

namespace ballast::checkd {

/// The text of a plain file, read by a thread of its own, so that a disk or server that hangs holds nobody else up.
/// Errors: `PATH: No such file or directory`, `PATH: longer than 1024 KiB`.
boost::asio::awaitable<Result<std::string>> read_aside(std::filesystem::path path, std::size_t most);

}  // namespace ballast::checkd
