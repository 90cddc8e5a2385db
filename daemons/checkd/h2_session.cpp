#include "daemons/checkd/h2_session.hpp"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>

#include "daemons/checkd/printable.hpp"

namespace ballast::checkd {
namespace {

constexpr std::size_t most_fields = 16U << 10;
constexpr std::size_t most_bytes = 2U << 20;
constexpr unsigned most_frames = 10'000;
constexpr std::size_t field_overhead = 32;  // RFC 9113 section 6.5.2

nghttp2_nv field(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // it copies them
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::string code_in_words(std::uint32_t code) { return nghttp2_http2_strerror(code); }

template <class T, void (*Delete)(T*)>
struct Deleter {
  void operator()(T* it) const { Delete(it); }
};
using CallbacksPtr =
    std::unique_ptr<nghttp2_session_callbacks, Deleter<nghttp2_session_callbacks, nghttp2_session_callbacks_del>>;
using OptionPtr = std::unique_ptr<nghttp2_option, Deleter<nghttp2_option, nghttp2_option_del>>;

}  // namespace

struct H2Session::Callbacks {
  static H2Session& self(void* user) { return *static_cast<H2Session*>(user); }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd*, void* user) {
    auto& session = self(user);
    if (++session.frames_ > most_frames) session.finish(H2End::Kind::flooded, "more frames than any answer needs");
    return session.over() ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& session = self(user);
    const auto type = frame->hd.type;
    const bool ends =
        (type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends && session.has_status_) session.finish(H2End::Kind::answered, "");
    if (type != NGHTTP2_GOAWAY) return 0;
    session.went_away_ = true;
    session.away_code_ = frame->goaway.error_code;
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_length,
                       const std::uint8_t* value, std::size_t value_length, std::uint8_t, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    const std::string_view n{reinterpret_cast<const char*>(name), name_length};
    const std::string_view v{reinterpret_cast<const char*>(value), value_length};
    return self(user).on_field(n, v) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t length,
                     void* user) {
    auto& session = self(user);
    if (!session.sink_.on_body({reinterpret_cast<const char*>(data), length}))
      session.finish(H2End::Kind::answered, "as much as is looked at");
    return session.over() ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }
  static int on_stream_close(nghttp2_session*, std::int32_t, std::uint32_t code, void* user) {
    self(user).on_stream_closed(code);
    return 0;
  }
  static int on_fault(nghttp2_session*, int, const char* text, std::size_t length, void* user) {
    if (self(user).fault_.empty()) self(user).fault_ = printable({text, length});
    return 0;
  }
  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame*, int code, void* user) {
    if (self(user).fault_.empty()) self(user).fault_ = nghttp2_strerror(code);
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t length, std::uint32_t* flags,
                           nghttp2_data_source*, void* user) {
    auto& session = self(user);
    const auto rest = std::string_view{session.request_.body}.substr(session.sent_, length);
    std::ranges::copy(rest, to);
    session.sent_ += rest.size();
    if (session.sent_ == session.request_.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(rest.size());
  }
};

void H2Session::Free::operator()(nghttp2_session* session) const { nghttp2_session_del(session); }

H2Session::H2Session(H2Request request, AnswerSink& sink) : request_(std::move(request)), sink_(sink) {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc{};
  const CallbacksPtr callbacks{made};
  nghttp2_session_callbacks_set_on_begin_frame_callback(made, Callbacks::on_begin_frame);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_header_callback(made, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, Callbacks::on_stream_close);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, Callbacks::on_invalid_frame);
  nghttp2_session_callbacks_set_error_callback2(made, Callbacks::on_fault);
  nghttp2_option* raw_option = nullptr;
  if (nghttp2_option_new(&raw_option) != 0) throw std::bad_alloc{};
  const OptionPtr option{raw_option};
  nghttp2_option_set_no_closed_streams(raw_option, 1);
  nghttp2_option_set_max_reserved_remote_streams(raw_option, 0);
  nghttp2_session* session = nullptr;
  if (nghttp2_session_client_new2(&session, made, this, raw_option) != 0) throw std::bad_alloc{};
  session_.reset(session);
  submit();
}

H2Session::~H2Session() = default;

void H2Session::submit() {
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, most_fields}}};
  std::vector<nghttp2_nv> fields{field(":method", request_.method), field(":scheme", request_.scheme),
                                 field(":authority", request_.authority), field(":path", request_.path)};
  for (const auto& [name, value] : request_.fields) fields.push_back(field(name, value));
  nghttp2_data_provider body{{}, Callbacks::read_body};
  const bool bad = nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0 ||
                   nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(),
                                          request_.body.empty() ? nullptr : &body, nullptr) < 0;
  if (bad) throw std::bad_alloc{};
}

std::string H2Session::take_output() {
  drain();
  return std::exchange(output_, {});
}

void H2Session::drain() {
  while (true) {
    const std::uint8_t* data = nullptr;
    const auto length = nghttp2_session_mem_send(session_.get(), &data);
    if (length <= 0) return;
    output_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(length));
  }
}

void H2Session::receive(std::span<const char> bytes) {
  if (over()) return;
  bytes_ += bytes.size();
  const auto taken =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (over()) return;
  if (taken == NGHTTP2_ERR_FLOODED) return finish(H2End::Kind::flooded, "more frames than any answer needs");
  if (taken < 0) return finish(H2End::Kind::malformed, nghttp2_strerror(static_cast<int>(taken)));
  // Once the GOAWAY for a fault that it has found is on its way, it wants no more; nor when it was sent away.
  drain();
  if (over()) return;
  if (nghttp2_session_want_read(session_.get()) == 0) {
    if (went_away_) return finish(H2End::Kind::away, code_in_words(away_code_), away_code_);
    return finish(H2End::Kind::malformed, fault_.empty() ? "protocol error" : fault_);
  }
  if (bytes_ > most_bytes) finish(H2End::Kind::flooded, "more bytes than any answer needs");
}

void H2Session::on_closed() {
  if (over()) return;
  if (went_away_) return finish(H2End::Kind::away, code_in_words(away_code_), away_code_);
  finish(H2End::Kind::closed, has_status_ ? "closed in the middle of the answer" : "closed without an answer",
         has_status_ ? 1 : 0);
}

void H2Session::finish(H2End::Kind kind, std::string why, std::uint32_t code) {
  if (!over()) end_ = {kind, code, std::move(why)};
}

bool H2Session::on_field(std::string_view name, std::string_view value) {
  fields_ += name.size() + value.size() + field_overhead;
  if (fields_ > most_fields) {
    finish(H2End::Kind::malformed, fmt::format("header longer than {} KiB", most_fields >> 10));
    return false;
  }
  if (name != ":status") {
    sink_.on_field(name, value);
    return true;
  }
  unsigned status = 0;  // three digits: nghttp2 has looked
  for (const char c : value) status = status * 10 + static_cast<unsigned>(c - '0');
  if (status < 200) return true;
  has_status_ = true;
  if (!sink_.on_status(status)) finish(H2End::Kind::answered, "as much as is looked at");
  return !over();
}

void H2Session::on_stream_closed(std::uint32_t code) {
  if (went_away_) return finish(H2End::Kind::away, code_in_words(away_code_), away_code_);
  if (!fault_.empty()) return finish(H2End::Kind::malformed, fault_);
  finish(H2End::Kind::reset, code_in_words(code), code);
}

}  // namespace ballast::checkd
