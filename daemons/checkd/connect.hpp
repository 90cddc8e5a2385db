#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <string>

#include "common/config/model.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// bind_if, fwmark and bindto (`with_port`: and bind_port) of the check, for a socket of the target's family that was
/// just opened. Passed; or what this machine cannot do.
Verdict prepare_socket(int socket, const config::Check& check, bool with_port = true);

boost::asio::ip::tcp::endpoint to_asio(const net::Endpoint& endpoint);

/// The probe's verdict, with how long it took.
boost::asio::awaitable<Verdict> timed(boost::asio::awaitable<Verdict> probe);

/// Connects a prepared socket to the check's target, within connect_timeout. The stream must be a new one; its time
/// goes on for what follows.
boost::asio::awaitable<Verdict> connect(boost::beast::tcp_stream& stream, const config::Check& check);

/// `1 s`, `0.5 s`
std::string in_words(config::Duration duration);

/// `cannot probe: <what>: <why>`
Verdict cannot_probe(const std::string& what, const boost::system::error_code& error);

/// A verdict on an error of the network: its kind, and `<what>: <why>` for a reason.
Verdict network_failure(const std::string& what, const boost::system::error_code& error, const config::Check& check,
                        Stage stage = Stage::connecting);

}  // namespace ballast::checkd
