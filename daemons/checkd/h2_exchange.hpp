#pragma once
#include <optional>
#include <string>

#include "common/config/model.hpp"
#include "daemons/checkd/channel.hpp"
#include "daemons/checkd/h2_session.hpp"
#include "daemons/checkd/verdict.hpp"

namespace ballast::checkd {

/// Sends a request by HTTP/2 and hands its answer to the sink, until its end or until the sink has enough. A verdict
/// says why there is no answer; `what` begins its reason.
boost::asio::awaitable<std::optional<Verdict>> h2_exchange(Channel& channel, H2Request request, AnswerSink& sink,
                                                           const std::string& what, const config::Check& check);

}  // namespace ballast::checkd
