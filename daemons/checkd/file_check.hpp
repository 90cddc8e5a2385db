#pragma once
#include <atomic>
#include <memory>

#include "daemons/checkd/checker.hpp"
#include "daemons/checkd/file_number.hpp"

namespace ballast::checkd {

/// FILE_CHECK: the number in a track_file says, read anew by each probe in a thread of its own: a file system may hang.
class FileCheck final : public Checker {
 public:
  FileCheck(boost::asio::any_io_executor executor, config::Check check);
  boost::asio::awaitable<Verdict> probe() override;

 private:
  boost::asio::awaitable<Verdict> ask();
  [[nodiscard]] Verdict too_late() const;

  boost::asio::any_io_executor executor_;
  config::Check check_;
  std::shared_ptr<std::atomic<bool>> reading_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace ballast::checkd
