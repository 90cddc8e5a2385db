#pragma once
#include <boost/beast/core/tcp_stream.hpp>

#include "common/net/smtp_reply.hpp"
#include "daemons/checkd/checker.hpp"
#include "daemons/checkd/tls.hpp"

namespace ballast::checkd {

/// SMTP_CHECK: a mail server greets with 220, answers HELO with 250, and all of it within connect_timeout (RFC 5321).
/// With `tls` it is asked by EHLO, takes STARTTLS (RFC 3207) and answers EHLO again under TLS.
/// It is taken leave of with QUIT, whose answer does not matter.
class SmtpCheck final : public Checker {
 public:
  SmtpCheck(const Surroundings& surroundings, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> ask();
  boost::asio::awaitable<Verdict> start_tls(boost::beast::tcp_stream& stream, std::unique_ptr<Channel>& channel,
                                            net::SmtpReplyParser& parser);
  boost::asio::awaitable<Verdict> say(Channel& channel, net::SmtpReplyParser& parser, std::string line, unsigned code);
  boost::asio::awaitable<Verdict> expect(Channel& channel, net::SmtpReplyParser& parser, std::string what,
                                         unsigned code);
  boost::asio::awaitable<void> say_goodbye(boost::beast::tcp_stream& stream, Channel& channel);

  boost::asio::any_io_executor executor_;
  std::shared_ptr<TlsContexts> tls_;
  config::Check check_;
};

}  // namespace ballast::checkd
