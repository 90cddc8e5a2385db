#pragma once
#include "daemons/checkd/agent_line.hpp"
#include "daemons/checkd/checker.hpp"
#include "daemons/checkd/connection.hpp"

namespace ballast::checkd {

/// AGENT_CHECK: an agent on the server says in a line how it is (HAProxy's agent protocol), under TLS where
/// that is said. An agent that cannot be
/// reached or understood changes nothing: that is for other checks to judge.
class AgentCheck final : public Checker {
 public:
  AgentCheck(const Surroundings& surroundings, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> ask();
  boost::asio::awaitable<Verdict> listen(Channel& channel);
  [[nodiscard]] Verdict nothing_heard(const std::string& why) const;

  boost::asio::any_io_executor executor_;
  std::shared_ptr<TlsContexts> tls_;
  config::Check check_;
  AgentState state_;
};

}  // namespace ballast::checkd
