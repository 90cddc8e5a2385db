#pragma once
#include <string>

#include "daemons/checkd/channel.hpp"
#include "daemons/checkd/http_answer.hpp"

namespace ballast::checkd {

constexpr std::uint32_t longest_http1_header = 16U << 10;

/// Sends a request of HTTP/1 and hands its answer to the sink, until its end or until the sink has enough. An error is
/// the network's or Beast's (http::error).
boost::asio::awaitable<boost::system::error_code> http1_exchange(Channel& channel, const std::string& request,
                                                                 AnswerSink& sink);

}  // namespace ballast::checkd
