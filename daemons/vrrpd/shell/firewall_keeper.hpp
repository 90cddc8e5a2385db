#pragma once
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/result.hpp"
#include "daemons/vrrpd/protocol/kernel_plan.hpp"

namespace ballast::vrrpd {

/// The nf_tables table, replaced as a whole in one transaction, and put back when a ruleset is loaded over it.
class FirewallKeeper {
 public:
  /// `changed` is called when somebody changed the table.
  FirewallKeeper(boost::asio::io_context& io, std::function<void()> changed);
  ~FirewallKeeper();

  /// There may be a table of this name of the process before: it is removed unless the plan has it.
  void know(const std::string& table);
  /// Errors are nft's words.
  Result<> apply(const FirewallPlan& plan);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ballast::vrrpd
