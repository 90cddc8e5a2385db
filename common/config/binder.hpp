#pragma once
#include "common/config/draft.hpp"
#include "common/config/files.hpp"
#include "common/config/keywords.hpp"
#include "common/config/preprocess.hpp"

namespace ballast::config {

/// Walks over the tree and sets what the keyword table says; reports whatever does not fit.
class Binder {
 public:
  Binder(Report& report, bool strict, const Limits& limits, const Files& files)
      : report_{report}, strict_{strict}, limits_{limits}, files_{files} {}
  void bind(const Statement& root);

  [[nodiscard]] Report& report() { return report_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] const Files& files() const { return files_; }
  [[nodiscard]] Draft& draft() { return draft_; }
  [[nodiscard]] Global& global() { return draft_.global; }
  /// The innermost object of each kind that is being read.
  [[nodiscard]] InstanceDraft& instance() { return draft_.instances.back(); }
  [[nodiscard]] PasswordDraft& password() { return instance().password; }
  [[nodiscard]] HmacDraft& hmac() { return instance().hmac; }
  [[nodiscard]] SyncGroupDraft& sync_group() { return draft_.sync_groups.back(); }
  [[nodiscard]] AddressGroupDraft& address_group() { return draft_.address_groups.back(); }
  [[nodiscard]] LocalGroupDraft& local_group() { return draft_.local_groups.back(); }
  [[nodiscard]] ServiceDraft& service() {
    return draft_.reads_amendment ? draft_.amendments.back().service : draft_.services.back();
  }
  [[nodiscard]] AmendDraft& amendment() { return draft_.amendments.back(); }
  /// A real_server, or what the servers of a real_servers_from are like.
  [[nodiscard]] ServerDraft& server() {
    return service().reads_source ? service().sources.back().like : service().servers.back();
  }
  [[nodiscard]] SourceDraft& source() { return service().sources.back(); }
  [[nodiscard]] PassiveCheck& passive() { return *service().passive; }
  [[nodiscard]] CheckDraft& check() { return server().checks.back(); }
  [[nodiscard]] CheckDetailDraft& check_detail() { return check().detail.get(); }
  /// Of the checker, or of one `host` of an SMTP_CHECK.
  [[nodiscard]] ConnectionDraft& connection();
  [[nodiscard]] HttpUrl& url() { return check().urls.back(); }
  [[nodiscard]] Webhook& webhook() { return global().scripts.webhooks.back(); }
  [[nodiscard]] VrrpScript& script() { return draft_.scripts.back().script; }
  /// Of the vrrp_instance or the vrrp_sync_group.
  [[nodiscard]] NotifyDraft& notify() {
    return context_ == Context::vrrp_instance ? instance().notify : sync_group().notify;
  }
  [[nodiscard]] AnnounceDraft& announce();
  [[nodiscard]] ElectionDraft& election();
  [[nodiscard]] TimingDraft& timing();
  [[nodiscard]] Context context() const { return context_; }

  /// A keyword or an option that keepalived has and Ballast not yet.
  void not_yet(Position at, const std::string& message);

 private:
  void bind_block(const Statement& parent, Context context);
  /// The keyword, where it is one.
  const Keyword* bind_statement(const Statement& statement, const Statement& parent, Context context);
  void bind_known(const Statement& statement, const Keyword& keyword);
  bool check_words(const Statement& statement, const Keyword& keyword);
  void check_block(const Statement& statement, const Keyword& keyword);
  void unknown(const Statement& statement, const Statement& parent, Context context);

  Report& report_;
  bool strict_;
  Limits limits_;
  const Files& files_;
  Draft draft_;
  Context context_ = Context::top;
};

}  // namespace ballast::config
