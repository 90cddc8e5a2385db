#include "daemons/checkd/sources/etcd_looker.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/log.hpp"

namespace ballast::checkd {
namespace asio = boost::asio;
using namespace std::chrono_literals;

EtcdLooker::EtcdLooker(asio::any_io_executor executor, config::SourceQuery query, const LookUpSettings& settings)
    : executor_{executor},
      query_{std::move(query)},
      settings_{settings},
      view_{query_.name, query_.port},
      timer_{executor},
      after_failure_{settings.first_retry},
      after_watch_{50ms, 5s} {}

asio::awaitable<void> EtcdLooker::pause(config::Duration wait) {
  timer_.expires_after(wait);
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<Result<Found>> EtcdLooker::next() {
  if (watching_) {
    const auto began = std::chrono::steady_clock::now();
    const auto news = co_await watch();
    if (news && *news == EtcdView::News::changed) co_return view_.found();
    if (!news) log::debug("etcd {}: {}: all keys are read anew", query_.name, news.error().message);
    watching_.reset();
    if (std::chrono::steady_clock::now() - began > settings_.etcd_timeout) after_watch_.reset();
    co_await pause(after_watch_.next());
  } else if (failed_) {
    co_await pause(after_failure_.next());
  }
  const auto all = co_await read_all();
  failed_ = !all;
  if (!all) co_return all.error();
  after_failure_.reset();
  co_return view_.found();
}

asio::awaitable<Result<>> EtcdLooker::read_all() {
  Result<> last = fail("no endpoint");
  for (std::size_t i = 0; i < query_.endpoints.size(); ++i) {
    const auto& endpoint = query_.endpoints[at_];
    last = co_await read_all_at(endpoint);
    if (last) co_return last;
    last = fail("{}: {}", endpoint, last.error().message);
    at_ = (at_ + 1) % query_.endpoints.size();
  }
  co_return last;
}

asio::awaitable<Result<>> EtcdLooker::read_all_at(const std::string& endpoint) {
  const auto url = EtcdUrl::parse(endpoint);
  if (!url) co_return url.error();
  auto reading = co_await EtcdConnection::open(executor_, *url, query_.ca_file, settings_.etcd_timeout);
  if (!reading) co_return reading.error();
  if (const auto asked = co_await (*reading)->post("/v3/kv/range", view_.range_request()); !asked)
    co_return asked.error();
  const auto answer = co_await (*reading)->rest();
  if (!answer) co_return answer.error();
  if (const auto read = view_.on_range(*answer); !read) co_return read.error();
  auto watching = co_await EtcdConnection::open(executor_, *url, query_.ca_file, settings_.etcd_timeout);
  if (!watching) co_return watching.error();
  if (const auto asked = co_await (*watching)->post("/v3/watch", view_.watch_request()); !asked)
    co_return asked.error();
  watching_ = std::move(*watching);
  co_return Result<>{};
}

asio::awaitable<Result<EtcdView::News>> EtcdLooker::watch() {
  const auto end = std::chrono::steady_clock::now() + settings_.etcd_reread;
  for (;;) {
    const auto left = std::chrono::duration_cast<config::Duration>(end - std::chrono::steady_clock::now());
    if (left <= 0s) co_return EtcdView::News::none;
    const auto line = co_await watching_->line(left);
    if (!line) co_return line.error();
    if (line->empty()) continue;
    const auto news = view_.on_watch(*line);
    if (!news || *news != EtcdView::News::none) co_return news;
  }
}

}  // namespace ballast::checkd
