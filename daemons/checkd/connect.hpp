#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <string>

#include "common/config/model.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// Connects to the check's target from its bindto address, within connect_timeout. The stream must be a new one.
boost::asio::awaitable<Verdict> connect(boost::beast::tcp_stream& stream, const config::Check& check);

/// `1 s`, `0.5 s`
std::string in_words(config::Duration duration);

/// A verdict on an error of the network: its kind, and `<what>: <why>` for a reason.
Verdict network_failure(const std::string& what, const boost::system::error_code& error, const config::Check& check);

}  // namespace ballast::checkd
