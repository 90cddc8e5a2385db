#pragma once
// The one table of the language. Parsing, validation, suggestions and the reference manual are made from it.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/tree.hpp"

namespace ballast::config {

class Binder;
class Table;

/// The block that a keyword stands in.
enum class Context : std::uint8_t {
  top,
  global_defs,
  vrrp_instance,
  authentication,
  auth_hmac,
  vrrp_sync_group,
  virtual_server_group,
  virtual_server,
  real_server,
  real_servers_from,
  passive_check,
  amend,
  tcp_check,
  http_get,
  ssl_get,
  url,
  smtp_check,
  smtp_host,
  dns_check,
  udp_check,
  ping_check,
  misc_check,
  file_check,
  agent_check,
  grpc_check,
  ssl,
  webhook,
  track_group,
  track_file,
  track_process,
  vrrp_script
};
constexpr auto enum_names(Context*) {
  return std::array{pair{Context::top, string_view{"top level"}},
                    pair{Context::global_defs, string_view{"global_defs"}},
                    pair{Context::vrrp_instance, string_view{"vrrp_instance"}},
                    pair{Context::authentication, string_view{"authentication"}},
                    pair{Context::auth_hmac, string_view{"auth_hmac"}},
                    pair{Context::vrrp_sync_group, string_view{"vrrp_sync_group"}},
                    pair{Context::virtual_server_group, string_view{"virtual_server_group"}},
                    pair{Context::virtual_server, string_view{"virtual_server"}},
                    pair{Context::real_server, string_view{"real_server"}},
                    pair{Context::real_servers_from, string_view{"real_servers_from"}},
                    pair{Context::passive_check, string_view{"passive_check"}},
                    pair{Context::amend, string_view{"amend"}},
                    pair{Context::tcp_check, string_view{"TCP_CHECK"}},
                    pair{Context::http_get, string_view{"HTTP_GET"}},
                    pair{Context::ssl_get, string_view{"SSL_GET"}},
                    pair{Context::url, string_view{"url"}},
                    pair{Context::smtp_check, string_view{"SMTP_CHECK"}},
                    pair{Context::smtp_host, string_view{"host"}},
                    pair{Context::dns_check, string_view{"DNS_CHECK"}},
                    pair{Context::udp_check, string_view{"UDP_CHECK"}},
                    pair{Context::ping_check, string_view{"PING_CHECK"}},
                    pair{Context::misc_check, string_view{"MISC_CHECK"}},
                    pair{Context::file_check, string_view{"FILE_CHECK"}},
                    pair{Context::agent_check, string_view{"AGENT_CHECK"}},
                    pair{Context::grpc_check, string_view{"GRPC_CHECK"}},
                    pair{Context::ssl, string_view{"SSL"}},
                    pair{Context::webhook, string_view{"webhook"}},
                    pair{Context::track_group, string_view{"track_group"}},
                    pair{Context::track_file, string_view{"vrrp_track_file"}},
                    pair{Context::track_process, string_view{"vrrp_track_process"}},
                    pair{Context::vrrp_script, string_view{"vrrp_script"}}};
}

using Setter = std::function<void(Binder&, const Statement&)>;

/// What follows a keyword on its line: how many words, how the manual writes them, and where they go.
struct Value {
  std::string syntax;
  std::size_t least = 0;
  std::size_t most = 0;
  Setter set;
};

struct Keyword {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::vector<Context> contexts;
  Value value;
  std::string_view doc;
  /// For a keyword with a block of keywords: the context within.
  std::optional<Context> block;
  /// For a keyword with a block of records: what takes one of them.
  Setter record;
  /// The keyword may stand more than once.
  bool repeats = false;
  /// Its value is in no message.
  bool secret = false;

  [[nodiscard]] bool has_block() const { return block.has_value() || record != nullptr; }
};

/// All keywords, in the order in which the manual tells of them.
const std::vector<Keyword>& keywords();
/// A keyword by its name or an alias; null: none of that context.
const Keyword* find_keyword(Context context, std::string_view name);
/// Contexts that know the name.
std::vector<Context> contexts_of(std::string_view name);
/// The known name nearest to a misspelt one; empty: none is near.
std::string suggest(Context context, std::string_view name);
/// The nearest of some names; empty: none is near.
std::string nearest(std::string_view name, const std::vector<std::string_view>& candidates);

/// Whether what keepalived has and Ballast has not will come, or has no place here.
enum class Fate : std::uint8_t { later, never };

/// Keywords of keepalived that Ballast does not do, in one context, with what to say of them.
struct Undone {
  Context context;
  std::string_view names;  ///< parted by blanks
  Fate fate = Fate::later;
  std::string_view reason;  ///< why, and what to do instead
};
const std::vector<Undone>& undone_keywords();
/// Null: keepalived does not have it in that context, or Ballast does it.
const Undone* find_undone(Context context, std::string_view name);
/// A warning's words: `keyword 'bfd_instance' of keepalived is not done yet and is ignored: …`.
std::string undone_text(std::string_view name, const Undone& undone);
/// Whether it is a health checker of a real_server that is to come.
bool is_checker_to_come(std::string_view name);
/// All names that Ballast does not do in one context.
std::vector<std::string_view> keywords_undone(Context context);

/// What Ballast does otherwise than keepalived, keyword by keyword; and names that keepalived does not have (no text).
struct Difference {
  Context context;
  std::string_view names;  ///< parted by blanks
  std::string_view text;
};
const std::vector<Difference>& differences();
/// Empty: there is none that is known.
std::string_view difference_of(Context context, std::string_view name);
/// Whether keepalived has no such keyword there.
bool is_our_own(Context context, std::string_view name);

/// Words parted by blanks.
std::vector<std::string_view> cut_words(std::string_view text);

// Parts of the table, each beside what it sets.
void add_global_keywords(Table& table);
void add_vrrp_keywords(Table& table);
void add_authentication_keywords(Table& table);
void add_election_keywords(Table& table);
void add_service_keywords(Table& table);
void add_check_keywords(Table& table);
void add_source_keywords(Table& table);
void add_amend_keywords(Table& table);
void add_forwarding_keywords(Table& table);
void add_kernel_keywords(Table& table);
void add_tracking_keywords(Table& table);
void add_script_keywords(Table& table);
void add_mail_keywords(Table& table);

}  // namespace ballast::config
