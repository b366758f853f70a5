// See relay.h. Events are told by their names; only the few that carry counts are looked into.
#include "core/translate/relay.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "core/translate/durations.h"
#include "core/translate/errors.h"
#include "core/wire/json_reader.h"
#include "core/wire/openai_chat.h"
#include "core/wire/sse.h"

namespace clasp::translate {

namespace {

using wire::json_member;
using wire::json_string_member;
using wire::raw_equals;

// Events that may be held back before content; an honest message_start and a few pings.
constexpr std::size_t kMostHeld = 64 * 1024;
constexpr std::size_t kMostRateLimits = 64;
constexpr std::size_t kMostHeaderValue = 1024;

wire::ApiError bad_gateway(std::string message) {
  wire::ApiError error = wire::make_error(wire::ErrorType::api, std::move(message));
  error.status = 502;
  error.should_retry = true;
  return error;
}

void take_count(std::string_view object, std::string_view name, std::int64_t& count) {
  const auto value = json_member(object, name);
  const auto number = value ? parse_unsigned(*value) : std::nullopt;
  if (number && *number <= static_cast<std::uint64_t>(INT64_MAX))
    count = std::min(static_cast<std::int64_t>(*number), wire::kMostTokens);
}

// The last report of a count wins: message_delta has totals.
void take_usage(std::string_view object, Usage& usage) {
  const auto json = json_member(object, "usage");
  if (!json || json->empty() || json->front() != '{') return;
  if (usage.estimated) usage = Usage();
  take_count(*json, "input_tokens", usage.input_tokens);
  take_count(*json, "output_tokens", usage.output_tokens);
  take_count(*json, "cache_read_input_tokens", usage.cache_read);
  take_count(*json, "cache_creation_input_tokens", usage.cache_write);
}

// The API's own error object: clients read it as it stands.
bool is_error_object(std::string_view json) {
  if (json.empty() || json.front() != '{' || !wire::is_valid_json(json)) return false;
  const auto error = json_member(json, "error");
  return error && raw_equals(json_string_member(json, "type"), "error") &&
         !json_string_member(*error, "type").empty() &&
         !json_string_member(*error, "message").empty();
}

// What the client gets of it: the backend's own words but for keys in them.
std::string verbatim_of(std::string_view json) {
  std::string masked = mask_secrets(json);
  return wire::is_valid_json(masked) ? masked : std::string();
}

// Phrases by which clients know that they must shorten the conversation.
bool says_too_long(std::string_view text) {
  return text.find("prompt is too long") != std::string_view::npos ||
         text.find("exceed context limit") != std::string_view::npos;
}

}  // namespace

struct Relay::Impl {
  Impl(RelayContext relay_context, std::string& output)
      : context(std::move(relay_context)),
        out(output),
        started(context.already_open),
        released(context.committed || context.already_open) {
    usage.estimated = true;
  }

  void fail(wire::ApiError problem);
  void fail_with(std::string_view json);
  void release();
  void emit(std::string_view frame);
  void on_event(const wire::SseEvent& event, std::string_view raw);
  void on_start(std::string_view data, std::string_view raw);
  void on_delta(std::string_view data);
  void take_message(std::string_view json);
  void count_call(std::string_view block);

  RelayContext context;
  std::string& out;
  wire::SseParser sse;
  std::string partial;  // the beginning of an event whose end has not come
  std::string held;     // whole events from before the first content
  State state = State::running;
  wire::ApiError error;
  Usage usage;
  std::string stop_reason;
  bool started;   // message_start is out
  bool released;  // nothing is held back any more
  bool start_held = false;
  bool block_opened = false;
  std::uint32_t tool_calls = 0;
};

void Relay::Impl::fail(wire::ApiError problem) {
  if (state != State::running) return;
  error = std::move(problem);
  state = State::failed;
}

// An error that the backend reports inside a 200.
void Relay::Impl::fail_with(std::string_view json) {
  wire::ApiError problem = translate_backend_error(200, {}, json, context.input_estimate.tokens());
  if (is_error_object(json)) problem.verbatim = verbatim_of(json);
  fail(std::move(problem));
}

void Relay::Impl::release() {
  if (released) return;
  released = true;
  started = started || start_held;
  out.append(held);
  std::string().swap(held);
}

void Relay::Impl::emit(std::string_view frame) {
  if (!released && held.size() + frame.size() > kMostHeld) release();
  (released ? out : held).append(frame);
}

void Relay::Impl::on_start(std::string_view data, std::string_view raw) {
  if (const auto message = json_member(data, "message")) take_usage(*message, usage);
  // A second one would break the client's reading.
  if (started || start_held) return;
  emit(raw);
  (released ? started : start_held) = true;
}

void Relay::Impl::on_delta(std::string_view data) {
  take_usage(data, usage);
  if (const auto delta = json_member(data, "delta"))
    stop_reason = decode_json_string(json_string_member(*delta, "stop_reason"));
}

void Relay::Impl::on_event(const wire::SseEvent& event, std::string_view raw) {
  const std::string_view name =
      event.name.empty() ? json_string_member(event.data, "type") : event.name;
  // Nobody can tell what it is: no client, and no attempt that comes after this one.
  if (name.empty()) return;
  if (name == "message_start") {
    on_start(event.data, raw);
    return;
  }
  if (name == "error") {
    fail_with(event.data);
    return;
  }
  if (name != "ping") release();
  emit(raw);
  if (name == "content_block_start") {
    block_opened = true;
    if (const auto block = json_member(event.data, "content_block")) count_call(*block);
  } else if (name == "message_delta") {
    on_delta(event.data);
  } else if (name == "message_stop") {
    state = State::done;
  }
}

// Calls that the client is to run, not those that the backend runs itself.
void Relay::Impl::count_call(std::string_view block) {
  if (raw_equals(json_string_member(block, "type"), "tool_use")) ++tool_calls;
}

void Relay::Impl::take_message(std::string_view json) {
  if (const auto content = json_member(json, "content")) {
    wire::JsonReader reader(*content);
    wire::JsonReader::Items blocks(reader);
    std::string_view block;
    while (blocks.next() && reader.skip(block)) count_call(block);
  }
  take_usage(json, usage);
  stop_reason = decode_json_string(json_string_member(json, "stop_reason"));
}

Relay::Relay(RelayContext context, std::string& out)
    : impl_(std::make_unique<Impl>(std::move(context), out)) {}
Relay::~Relay() = default;

void Relay::open() {
  if (impl_->state == State::running) impl_->release();
}
bool Relay::opened() const {
  return impl_->started;
}
bool Relay::block_opened() const {
  return impl_->block_opened;
}

Relay::State Relay::feed_stream(std::string_view bytes) {
  Impl& self = *impl_;
  if (self.state != State::running) return self.state;
  if (self.context.plain) {
    self.fail(bad_gateway("backend answered with a stream that was not asked for"));
    return self.state;
  }
  self.sse.feed(bytes);
  wire::SseEvent event;
  std::size_t from = 0;
  while (self.state == State::running) {
    const wire::SseParser::Next next = self.sse.next(event);
    if (next == wire::SseParser::Next::more) break;
    if (next == wire::SseParser::Next::too_long) {
      self.fail(bad_gateway("backend sent an event that is too long"));
      break;
    }
    const std::size_t to = bytes.size() - self.sse.unread();
    std::string_view raw = bytes.substr(from, to - from);
    from = to;
    if (!self.partial.empty()) raw = self.partial.append(raw);
    self.on_event(event, raw);
    if (!self.partial.empty()) std::string().swap(self.partial);
  }
  if (self.state != State::running) return self.state;
  const std::string_view rest = bytes.substr(from);
  if (self.partial.size() + rest.size() > wire::SseParser::kDefaultLimit + kMostHeld)
    self.fail(bad_gateway("backend sent an event that is too long"));
  else
    self.partial.append(rest);
  return self.state;
}

// The body ended. Of an event that is not closed only two kinds count: the end itself, which says
// nothing that could have been cut, and an error.
Relay::State Relay::finish_stream() {
  Impl& self = *impl_;
  if (self.state != State::running) return self.state;
  self.sse.feed({});
  self.sse.end();
  wire::SseEvent event;
  if (self.sse.next(event) == wire::SseParser::Next::event && wire::is_valid_json(event.data)) {
    const std::string_view name =
        event.name.empty() ? json_string_member(event.data, "type") : event.name;
    if (name == "message_stop") self.on_event(event, self.partial.append("\n\n"));
    if (name == "error") self.on_event(event, {});
  }
  if (self.state == State::running) self.fail(bad_gateway("stream ended prematurely"));
  return self.state;
}

bool Relay::awaiting_usage() const {
  return false;
}

Relay::State Relay::feed_document(std::string& body) {
  Impl& self = *impl_;
  if (self.state != State::running) return self.state;
  const std::string_view json = trim(body);
  const bool object = !json.empty() && json.front() == '{' && wire::is_valid_json(json);
  const bool message = object && (json_string_member(json, "type") == "message" ||
                                  json_member(json, "content").has_value());
  if (object && !message && json_member(json, "error")) {
    self.fail_with(json);
  } else if (!message) {
    self.fail(bad_gateway("backend answered with something that is not a message"));
  } else if (!self.context.plain) {
    self.fail(bad_gateway("backend answered with a document where a stream was asked for"));
  } else {
    self.take_message(json);
    self.out = std::move(body);
    self.started = self.block_opened = true;
    self.state = State::done;
  }
  return self.state;
}

// Never decided here: the backend ends its messages itself.
Relay::State Relay::conclude(const Conclusion&) {
  return impl_->state;
}

Relay::State Relay::state() const {
  return impl_->state;
}
const wire::ApiError& Relay::error() const {
  return impl_->error;
}
const Usage& Relay::usage() const {
  Usage& usage = impl_->usage;
  if (usage.estimated) usage.input_tokens = impl_->context.input_estimate.tokens();
  return usage;
}
std::string_view Relay::stop_reason() const {
  return impl_->stop_reason;
}
std::uint32_t Relay::tool_calls() const {
  return impl_->tool_calls;
}
std::string_view Relay::upstream_id() const {
  return {};
}
const Relay::CallStates& Relay::call_states() const {
  static const CallStates kNone;
  return kNone;
}
const std::vector<std::string>& Relay::notes() const {
  static const std::vector<std::string> kNone;
  return kNone;
}
bool Relay::wants_cancel() const {
  return false;
}

// ---- errors and headers ------------------------------------------------------------------------

wire::ApiError relay_backend_error(int status, const wire::Headers& headers,
                                   std::string_view body) {
  wire::ApiError error = translate_backend_error(status, headers, body, 0);
  const std::string_view json = trim(body);
  // Redirects are nothing that a client of ours could follow.
  if (status < 400 || !is_error_object(json)) return error;
  if (says_too_long(error.message) && !says_too_long(json)) return error;
  error.verbatim = verbatim_of(json);
  if (!error.verbatim.empty()) error.status = status;
  return error;
}

wire::Headers relay_backend_headers(const wire::Headers& headers) {
  wire::Headers out;
  const auto pass = [&](std::string_view name, std::string_view as) {
    const std::string value = clean_header_value(headers.get(name));
    if (!value.empty() && value.size() <= kMostHeaderValue) out.add(as, value);
  };
  for (const std::string_view name : {"retry-after", "retry-after-ms", "x-should-retry"})
    pass(name, name);
  std::size_t limits = 0;
  for (const auto& [name, value] : headers) {
    const std::string lower = to_lower(name);
    if (!lower.starts_with("anthropic-ratelimit-") || ++limits > kMostRateLimits) continue;
    const std::string clean = clean_header_value(value);
    if (!clean.empty() && clean.size() <= kMostHeaderValue) out.add(lower, clean);
  }
  const bool plain_id = headers.find("request-id").has_value();
  pass(plain_id ? "request-id" : "x-request-id", "x-clasp-upstream-request-id");
  return out;
}

}  // namespace clasp::translate
