// Any bytes as a DNS reply: the parser keeps its bounds, and the names that it tells can be asked for.
#include "common/net/dns_message.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace ballast::net;

void check_name(const std::string& name) {
  require(!name.empty() && name.size() <= 4 * 255, "a name is bounded");
  const auto query = encode_query(7, name, dns_type::a, 1232);
  require(query.has_value(), "a name that was told can be asked for: " + name);
  auto bytes = *query;
  bytes[2] |= 0x80;
  const auto back = parse_reply(bytes);
  require(back.has_value() && back->question.has_value(), "a query is read back");
  require(back->question->name == name && same_dns_name(back->question->name, name), "with the same name");
}

void check_record(const DnsRecord& record, std::size_t size) {
  check_name(record.name);
  require(record.ttl <= 0x7fff'ffff, "a time to live is a positive number");
  if (const auto* srv = std::get_if<DnsSrv>(&record.data)) check_name(srv->target);
  if (const auto* cname = std::get_if<DnsCname>(&record.data)) check_name(cname->target);
  if (const auto* address = std::get_if<IpAddress>(&record.data))
    require(size >= address->bytes().size(), "an address has its bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Exactly as large as the message, so that a byte too far is seen.
  const std::vector<std::uint8_t> message(data, data + size);
  const auto reply = parse_reply(message);
  if (!reply) return 0;
  require(reply->answers.size() + reply->additional.size() <= size / 11, "each record has its bytes");
  require(!dns_rcode_in_words(reply->rcode).empty(), "an rcode has words");
  if (reply->question) {
    check_name(reply->question->name);
    require(is_reply_to(*reply, reply->id, reply->question->name, reply->question->type), "it replies to its question");
  }
  for (const auto& record : reply->answers) check_record(record, size);
  for (const auto& record : reply->additional) check_record(record, size);
  return 0;
}
