#include "common/net/dns_message.hpp"

#include <algorithm>
#include <array>

namespace ballast::net {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t header_size = 12;
constexpr std::size_t longest_label = 63;  // RFC 1035 section 2.3.4
constexpr std::size_t longest_name = 255;  // on the wire
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_opt = 41;
constexpr std::uint16_t flag_reply = 0x8000;
constexpr std::uint16_t flag_truncated = 0x0200;
constexpr std::uint16_t flag_recursion = 0x0100;
constexpr std::uint8_t pointer_mark = 0xc0;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; }

void put16(std::vector<std::uint8_t>& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void append_byte(std::string& text, std::uint8_t byte) {
  if (byte <= ' ' || byte >= 0x7f || byte == '.' || byte == '\\') {
    text += fmt::format("\\{:03}", byte);
  } else {
    text += static_cast<char>(byte);
  }
}

// One byte of a name's text at `at`, which is moved behind it: itself, \X or \DDD.
std::optional<std::uint8_t> take_byte(std::string_view name, std::size_t& at) {
  if (name[at] != '\\') return static_cast<std::uint8_t>(name[at++]);
  if (at + 3 < name.size() && is_digit(name[at + 1]) && is_digit(name[at + 2]) && is_digit(name[at + 3])) {
    const int value = (name[at + 1] - '0') * 100 + (name[at + 2] - '0') * 10 + (name[at + 3] - '0');
    at += 4;
    return value <= 255 ? std::optional{static_cast<std::uint8_t>(value)} : std::nullopt;
  }
  if (at + 1 == name.size()) return std::nullopt;
  at += 2;
  return static_cast<std::uint8_t>(name[at - 1]);
}

Result<> put_name(std::vector<std::uint8_t>& out, std::string_view name) {
  const auto begin = out.size();
  std::vector<std::uint8_t> label;
  const auto end_label = [&]() -> Result<> {
    if (label.empty()) return fail("the name '{}' has an empty label", name);
    if (label.size() > longest_label)
      return fail("the name '{}' has a label of more than {} bytes", name, longest_label);
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    label.clear();
    return {};
  };
  const bool root = name.empty() || name == ".";
  for (std::size_t at = 0; !root && at < name.size();) {
    if (name[at] == '.') {
      if (auto ended = end_label(); !ended) return ended;
      ++at;
      continue;
    }
    const auto byte = take_byte(name, at);
    if (!byte) return fail("the name '{}' has a backslash with nothing to write", name);
    label.push_back(*byte);
  }
  if (!label.empty()) {
    if (auto ended = end_label(); !ended) return ended;
  }
  out.push_back(0);
  if (out.size() - begin > longest_name) return fail("the name '{}' is longer than {} bytes", name, longest_name);
  return {};
}

// Reads a message from its front; what is read past its end is an error, told by ok().
class Reader {
 public:
  explicit Reader(Bytes message) : message_(message) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }

  std::uint16_t u16() {
    const auto bytes = take(2);
    return bytes.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  Bytes take(std::size_t count) {
    if (!ok_ || message_.size() - at_ < count) {
      ok_ = false;
      return {};
    }
    at_ += count;
    return message_.subspan(at_ - count, count);
  }

  // A pointer leads back, to before where the name or the last pointer's target began: so there is an end.
  std::string name() {
    std::string text;
    std::size_t length = 1;
    std::size_t limit = at_;
    std::optional<std::size_t> behind;  // where to go on when the name is read
    while (ok_) {
      const auto size = take(1);
      if (size.empty() || size[0] == 0) break;
      if ((size[0] & pointer_mark) == pointer_mark) {
        const auto low = take(1);
        const std::size_t target =
            low.empty() ? limit : static_cast<std::size_t>((size[0] & ~pointer_mark) << 8 | low[0]);
        ok_ = ok_ && target < limit;
        if (!behind) behind = at_;
        if (ok_) at_ = limit = target;
        continue;
      }
      length += size[0] + std::size_t{1};
      ok_ = ok_ && size[0] <= longest_label && length <= longest_name;
      const auto label = take(size[0]);
      if (!text.empty()) text += '.';
      for (const auto byte : label) append_byte(text, byte);
    }
    if (ok_ && behind) at_ = *behind;
    return text.empty() ? "." : text;
  }

 private:
  Bytes message_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// The data's names may point into the whole message, and so are read from it.
bool read_data(Reader& in, std::uint16_t length, DnsRecord& record) {
  const auto end = in.at() + length;
  if (record.type == dns_type::a || record.type == dns_type::aaaa) {
    if (length != (record.type == dns_type::a ? 4 : 16)) return false;
    const auto address = IpAddress::from_bytes(in.take(length));
    if (!address) return false;
    record.data = *address;
  } else if (record.type == dns_type::cname) {
    record.data = DnsCname{in.name()};
  } else if (record.type == dns_type::srv) {
    DnsSrv srv;
    srv.priority = in.u16();
    srv.weight = in.u16();
    srv.port = in.u16();
    srv.target = in.name();
    record.data = std::move(srv);
  } else {
    in.take(length);
  }
  return in.ok() && in.at() == end;
}

std::optional<DnsRecord> read_record(Reader& in) {
  DnsRecord record;
  record.name = in.name();
  record.type = in.u16();
  const auto record_class = in.u16();
  record.ttl = in.u32();
  if (record.ttl > 0x7fff'ffff) record.ttl = 0;  // RFC 2181 section 8
  const auto length = in.u16();
  if (!in.ok()) return std::nullopt;
  if (record_class != class_in) {
    in.take(length);
    return in.ok() ? std::optional{record} : std::nullopt;
  }
  if (!read_data(in, length, record)) return std::nullopt;
  return record;
}

}  // namespace

std::string dns_rcode_in_words(std::uint8_t rcode) {
  // RFC 1035 section 4.1.1, RFC 2136 section 2.2
  static constexpr std::array<std::string_view, 11> words{"NOERROR",
                                                          "FORMERR (it cannot read the query)",
                                                          "SERVFAIL (it failed)",
                                                          "NXDOMAIN (no such name)",
                                                          "NOTIMP (it does not do this)",
                                                          "REFUSED (it does not want to)",
                                                          "YXDOMAIN",
                                                          "YXRRSET",
                                                          "NXRRSET",
                                                          "NOTAUTH (it does not know the zone)",
                                                          "NOTZONE"};
  return rcode < words.size() ? std::string{words.at(rcode)} : fmt::format("rcode {}", rcode);
}

Result<std::vector<std::uint8_t>> encode_query(std::uint16_t id, std::string_view name, std::uint16_t type,
                                               std::uint16_t udp_size) {
  std::vector<std::uint8_t> out;
  out.reserve(header_size + longest_name + 16);
  const auto additional = static_cast<std::uint16_t>(udp_size > 0 ? 1 : 0);
  for (const std::uint16_t field :
       {id, flag_recursion, std::uint16_t{1}, std::uint16_t{0}, std::uint16_t{0}, additional})
    put16(out, field);
  if (auto put = put_name(out, name); !put) return put.error();
  put16(out, type);
  put16(out, class_in);
  if (udp_size > 0) {
    out.push_back(0);
    put16(out, type_opt);
    put16(out, udp_size);
    for (int i = 0; i < 3; ++i) put16(out, 0);
  }
  return out;
}

Result<DnsReply> parse_reply(std::span<const std::uint8_t> message) {
  Reader in{message};
  DnsReply reply;
  reply.id = in.u16();
  const auto flags = in.u16();
  const auto questions = in.u16();
  const auto answers = in.u16();
  const auto authorities = in.u16();
  const auto additional = in.u16();
  if (!in.ok()) return fail("{} bytes, too few for a DNS message", message.size());
  if ((flags & flag_reply) == 0) return fail("a DNS query, not a reply");
  reply.rcode = static_cast<std::uint8_t>(flags & 0xf);
  reply.truncated = (flags & flag_truncated) != 0;
  const auto cut = [&](std::string_view section) -> Result<DnsReply> {
    if (reply.truncated) return reply;
    return fail("a DNS reply whose {} section is broken", section);
  };
  if (questions > 1) return fail("a DNS reply with {} questions", questions);
  if (questions == 1) {
    DnsQuestion question;
    question.name = in.name();
    question.type = in.u16();
    const auto question_class = in.u16();
    if (!in.ok()) return fail("a DNS reply whose question section is broken");
    if (question_class == class_in) reply.question = std::move(question);
  }
  for (unsigned i = 0; i < answers; ++i) {
    auto record = read_record(in);
    if (!record) return cut("answer");
    reply.answers.push_back(std::move(*record));
  }
  for (unsigned i = 0; i < authorities; ++i) {
    if (!read_record(in)) return cut("authority");
  }
  for (unsigned i = 0; i < additional; ++i) {
    auto record = read_record(in);
    if (!record) return cut("additional");
    if (record->type != type_opt) reply.additional.push_back(std::move(*record));
  }
  return reply;
}

bool is_reply_to(const DnsReply& reply, std::uint16_t id, std::string_view name, std::uint16_t type) {
  if (reply.id != id) return false;
  if (!reply.question) return reply.rcode != dns_rcode::no_error;
  return reply.question->type == type && same_dns_name(reply.question->name, name);
}

bool same_dns_name(std::string_view left, std::string_view right) {
  const auto canonical = [](std::string_view name) {
    std::string text;
    for (std::size_t at = 0; at < name.size();) {
      if (name[at] == '.') {
        text += name[at++];
      } else if (const auto byte = take_byte(name, at)) {
        append_byte(text, static_cast<std::uint8_t>(lower(static_cast<char>(*byte))));
      } else {
        break;
      }
    }
    if (text.ends_with('.')) text.pop_back();
    return text;
  };
  return canonical(left) == canonical(right);
}

}  // namespace ballast::net
