// The reply's state machine: chunks in, blocks and their end out. What a block is and when it may
// be shown is the queue's business (slots), what an answer costs is usage's.
#include "core/translate/reply.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "core/translate/error_body.h"
#include "core/translate/reply_impl.h"
#include "core/translate/usage.h"

namespace clasp::translate {

namespace {

constexpr int kMaxBadChunks = 3;  // unreadable ones in a row
constexpr std::size_t kMaxDocument = 64u << 20;
constexpr std::size_t kMaxNotes = 16;
constexpr std::size_t kMaxCitationList = 64u << 10;

// Clients know three tiers; every other name means that nothing was paid for speed.
std::string_view translate_service_tier(std::string_view tier) {
  return tier == "priority" || tier == "fast" ? "priority" : "standard";
}

// First character that is neither white space nor part of a byte order mark; 0 when none.
char first_visible(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return at == std::string_view::npos ? '\0' : text[at];
}

// `error` members that mean "no error".
bool is_real_error(std::string_view json) {
  return !json.empty() && json != "{}" && json != "\"\"" && json != "false" && json != "[]" &&
         json != "0";
}

}  // namespace

ReplyParser::ReplyParser() : chat_(std::make_unique<wire::ChatParser>()) {}
ReplyParser::~ReplyParser() = default;

// ---- beginning and failing ---------------------------------------------------------------------

void Reply::Impl::open() {
  if (opened) return;
  opened = true;
  wire::MessageStart start;
  start.id = context.message_id;
  start.model = context.requested_model;
  start.beta = context.beta;
  start.usage.input_tokens = context.input_estimate;
  start.usage.output_tokens = 1;
  sink.message_start(start);
}

void Reply::Impl::fail(wire::ApiError problem) {
  if (state != State::running) return;
  error = std::move(problem);
  state = State::failed;
  usage = translate_usage(report, context.input_estimate, queue.output_bytes(),
                          context.dialect->output_from_total);
}

void Reply::Impl::note(std::string_view text) {
  if (notes.size() < kMaxNotes && std::find(notes.begin(), notes.end(), text) == notes.end())
    notes.emplace_back(text);
}

// An error inside a 200. A blocked prompt is an answer of its own kind.
void Reply::Impl::on_error(std::string_view json) {
  if (!queue.block_opened()) {
    if (const auto refused_prompt = detect_policy_refusal(200, json)) {
      if (context.policy_as_error) return fail(policy_error(*refused_prompt));
      send_end(refused_prompt->stop_reason, &*refused_prompt);
      return;
    }
  }
  constexpr std::size_t kMaxErrorJson = 64u << 10;
  error_json.assign(json.substr(0, kMaxErrorJson));
  fail(translate_backend_error(200, {}, json, context.input_estimate, context.context_window));
}

// ---- chunks ------------------------------------------------------------------------------------

void Reply::Impl::on_event(const wire::SseEvent& event) {
  const std::string_view data = trim(event.data);
  if (data.empty()) return;
  if (data == "[DONE]") {
    end(true);
    return;
  }
  const std::size_t behind =
      static_cast<std::size_t>(event.data.data() + event.data.size() - (data.data() + data.size()));
  if (event.name == "error") {
    on_error(data);
    return;
  }
  if (!parser.parse(data, event.slack + behind)) {
    note("unreadable chunk");
    if (++bad_chunks >= kMaxBadChunks) fail(bad_gateway("backend sent a stream that is not JSON"));
    return;
  }
  bad_chunks = 0;
  on_chunk(parser.chunk(), data);
  if (state == State::running) flush();
}

void Reply::Impl::on_chunk(const wire::ChatChunk& chunk, std::string_view whole) {
  if (is_real_error(chunk.error_json) || chunk.bare_error) {
    on_error(whole);
    return;
  }
  // Gemini blocks a prompt with a chunk that has no choice.
  if (!chunk.prompt_feedback_json.empty() && chunk.choices.empty() &&
      detect_policy_refusal(200, whole)) {
    on_error(whole);
    return;
  }
  remember_usage(report, chunk.usage);
  if (upstream_id.empty() && !chunk.id.empty() && chunk.id.raw.size() <= 256)
    upstream_id.assign(chunk.id.raw);
  if (!chunk.service_tier.empty()) service_tier = translate_service_tier(chunk.service_tier.raw);
  if (context.web_search && !chunk.citations_json.empty() &&
      chunk.citations_json.size() <= kMaxCitationList)
    citations_json.assign(chunk.citations_json);
  for (const wire::ChatChoice& choice : chunk.choices) {
    // Routers put the failure of one answer into its choice.
    if (is_real_error(choice.error_json)) {
      on_error(choice.error_json);
      return;
    }
    on_choice(choice, chunk);
    if (state != State::running || filter.stopped()) return;
  }
}

// ---- whole documents ---------------------------------------------------------------------------

void Reply::Impl::parse_document(std::string& body) {
  const char first = first_visible(body);
  if (first == '[') {
    // Gemini wraps its errors in a list; no other list means anything.
    const ErrorBody listed = parse_error_body(body);
    if (!listed.names.empty() || listed.numeric_code != 0)
      on_error(body);
    else
      fail(bad_gateway("backend answered with a list instead of a completion"));
    return;
  }
  std::string_view text = trim(body);
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text = trim(text.substr(3));
  const std::size_t slack =
      body.capacity() - static_cast<std::size_t>(text.data() + text.size() - body.data());
  // A large answer gets a parser of its own: the shared one would keep the memory.
  constexpr std::size_t kLarge = 1u << 20;
  std::optional<wire::ChatParser> own;
  wire::ChatParser& chat = body.size() > kLarge ? own.emplace() : parser;
  if (first != '{' || !chat.parse(text, slack)) {
    fail(bad_gateway("backend answered with something that is not JSON"));
    return;
  }
  const wire::ChatChunk& found = chat.chunk();
  if (found.choices.empty()) {
    const bool blocked = !found.prompt_feedback_json.empty();
    if (blocked || is_real_error(found.error_json) || found.bare_error)
      on_error(text);
    else
      fail(bad_gateway("backend returned no choices"));
    return;
  }
  in_document = true;
  wire::ChatChunk chunk = found;
  std::stable_sort(chunk.choices.begin(), chunk.choices.end(),
                   [](const auto& a, const auto& b) { return a.index < b.index; });
  on_chunk(chunk, text);
  if (state != State::running) return;
  if (queue.overflow())
    fail(bad_gateway("backend's answer is too large"));
  else
    end(true);
}

// A server may answer with a document although a stream was asked for, and call it a stream.
void Reply::Impl::judge(char first) {
  judged = true;
  collecting = first == '{' || first == '[' || first == '<';
}

void Reply::Impl::collect(std::string_view bytes) {
  if (document.size() + bytes.size() > kMaxDocument)
    fail(bad_gateway("backend's answer is too large"));
  else
    document.append(bytes);
}

void Reply::Impl::feed_sse(std::string_view bytes) {
  sse.feed(bytes);
  wire::SseEvent event;
  while (state == State::running) {
    const wire::SseParser::Next next = sse.next(event);
    if (next == wire::SseParser::Next::more) return;
    if (next == wire::SseParser::Next::event)
      on_event(event);
    else
      fail(bad_gateway("backend sent an event that is too long"));
  }
}

// ---- the public face ---------------------------------------------------------------------------

Reply::Reply(ReplyContext context, ReplyParser& parser, wire::EventSink& sink, Random& random)
    : impl_(std::make_unique<Impl>(std::move(context), *parser.chat_, sink, random)) {
  impl_->opened = impl_->context.already_open;
}
Reply::~Reply() = default;

void Reply::open() {
  if (impl_->state == State::running) impl_->open();
}
bool Reply::opened() const {
  return impl_->opened;
}
bool Reply::block_opened() const {
  return impl_->queue.block_opened();
}

Reply::State Reply::feed_stream(std::string_view bytes) {
  Impl& self = *impl_;
  if (self.state != State::running || bytes.empty()) return self.state;
  if (!self.judged && first_visible(bytes) != '\0' && self.document.empty()) {
    self.judge(first_visible(bytes));
  } else if (!self.judged) {
    // Nothing but white space so far: kept until it is known what it precedes.
    self.collect(bytes);
    if (first_visible(self.document) == '\0') return self.state;
    self.judge(first_visible(self.document));
    if (!self.collecting) self.feed_sse(std::exchange(self.document, {}));
    return self.state;
  }
  if (self.collecting)
    self.collect(bytes);
  else
    self.feed_sse(bytes);
  return self.state;
}

Reply::State Reply::finish_stream() {
  Impl& self = *impl_;
  if (self.state != State::running) return self.state;
  if (self.collecting) {
    self.parse_document(self.document);
    return self.state;
  }
  self.sse.feed({});
  self.sse.end();
  wire::SseEvent event;
  while (self.state == State::running && self.sse.next(event) == wire::SseParser::Next::event)
    self.on_event(event);
  if (self.state == State::running) self.end(false);
  return self.state;
}

bool Reply::awaiting_usage() const {
  return impl_->state == State::running && impl_->finish_seen;
}

Reply::State Reply::feed_document(std::string& body) {
  Impl& self = *impl_;
  if (self.state != State::running) return self.state;
  const char first = first_visible(body);
  const bool sse = first == 'd' || first == 'e' || first == ':' || first == 'i' || first == 'r';
  if (sse) {
    feed_stream(body);
    return finish_stream();
  }
  self.parse_document(body);
  return self.state;
}

Reply::State Reply::conclude(const Conclusion& conclusion) {
  if (impl_->state == State::running && !impl_->queue.block_opened())
    impl_->send_end(conclusion.stop_reason, &conclusion);
  return impl_->state;
}

Reply::State Reply::state() const {
  return impl_->state;
}
const wire::ApiError& Reply::error() const {
  return impl_->error;
}
std::string_view Reply::refusal() const {
  return impl_->state == State::failed ? std::string_view(impl_->error_json) : std::string_view();
}
const Usage& Reply::usage() const {
  return impl_->usage;
}
Usage Reply::usage_so_far() const {
  if (impl_->state != State::running) return impl_->usage;
  return translate_usage(impl_->report, impl_->context.input_estimate, impl_->queue.output_bytes(),
                         impl_->context.dialect->output_from_total);
}
std::string_view Reply::stop_reason() const {
  return impl_->stop_reason;
}
std::uint32_t Reply::tool_calls() const {
  return impl_->queue.tools_emitted();
}
std::string_view Reply::upstream_id() const {
  return impl_->upstream_id;
}
const Reply::CallStates& Reply::call_states() const {
  return impl_->call_states;
}
const std::vector<std::string>& Reply::notes() const {
  return impl_->notes;
}
bool Reply::wants_cancel() const {
  return impl_->state == State::done && impl_->filter.stopped();
}

}  // namespace clasp::translate
