// From the bytes of a backend to events or one document, and the public face of replies. What a
// block is and when it may be shown is the queue's business (slots), what an answer costs is
// usage's.
#include "core/translate/reply_core.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "core/translate/error_body.h"
#include "core/wire/openai_responses.h"

namespace clasp::translate {

namespace {

constexpr int kMaxBadChunks = 3;  // unreadable ones in a row
constexpr std::size_t kMaxDocument = 64u << 20;
constexpr std::size_t kMaxNotes = 16;

// First character that is neither white space nor part of a byte order mark; 0 when none.
char first_visible(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return at == std::string_view::npos ? '\0' : text[at];
}

}  // namespace

ReplyParser::ReplyParser()
    : chat_(std::make_unique<wire::ChatParser>()),
      responses_(std::make_unique<wire::ResponsesParser>()) {}
ReplyParser::~ReplyParser() = default;

ReplyCore::ReplyCore(ReplyContext reply_context, wire::EventSink& event_sink, Random& random_source)
    : context(std::move(reply_context)),
      sink(context.compaction ? summary.emplace(event_sink) : event_sink),
      random(random_source),
      queue(context, sink, random),
      filter(context.dialect->think_tags, context.prefill, context.local_stops),
      opened(context.already_open) {
  if (context.dialect->parse_text_tools && !context.tools.empty()) text_tools.emplace(context);
}

// ---- beginning and failing ---------------------------------------------------------------------

void ReplyCore::open() {
  if (opened) return;
  opened = true;
  wire::MessageStart start;
  start.id = context.message_id;
  start.model = context.requested_model;
  start.beta = context.beta;
  // The end of a plain answer says what was used.
  if (!context.plain) start.usage.input_tokens = context.input_estimate.tokens();
  start.usage.output_tokens = 1;
  sink.message_start(start);
}

void ReplyCore::fail(wire::ApiError problem) {
  if (state != State::running) return;
  error = std::move(problem);
  state = State::failed;
  usage = make_usage(queue.output_bytes());
}

void ReplyCore::note(std::string_view text) {
  if (notes.size() < kMaxNotes && std::find(notes.begin(), notes.end(), text) == notes.end())
    notes.emplace_back(text);
}

// An error inside a 200. A blocked prompt is an answer of its own kind.
void ReplyCore::on_error(std::string_view json) {
  if (!queue.block_opened()) {
    if (const auto refused_prompt = detect_policy_refusal(200, json)) {
      if (context.policy_as_error) return fail(policy_error(*refused_prompt));
      send_end(refused_prompt->stop_reason, &*refused_prompt);
      return;
    }
  }
  constexpr std::size_t kMaxErrorJson = 64u << 10;
  error_json.assign(json.substr(0, kMaxErrorJson));
  fail(translate_backend_error(200, {}, json, context.input_estimate.tokens(),
                               context.context_window));
}

// ---- bytes -------------------------------------------------------------------------------------

void ReplyCore::on_event(const wire::SseEvent& event) {
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
  if (!read_event(data, event.slack + behind, event.name)) {
    note("unreadable chunk");
    if (++bad_chunks >= kMaxBadChunks) fail(bad_gateway("backend sent a stream that is not JSON"));
    return;
  }
  bad_chunks = 0;
  if (state == State::running) flush();
}

void ReplyCore::parse_document(std::string& body) {
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
  if (first != '{' || !read_document(text, slack))
    fail(bad_gateway("backend answered with something that is not JSON"));
  if (state != State::running) return;
  if (queue.overflow())
    fail(bad_gateway("backend's answer is too large"));
  else
    end(true);
}

// A server may answer with a document although a stream was asked for, and call it a stream.
void ReplyCore::judge(char first) {
  judged = true;
  collecting = first == '{' || first == '[' || first == '<';
}

void ReplyCore::collect(std::string_view bytes) {
  if (document.size() + bytes.size() > kMaxDocument)
    fail(bad_gateway("backend's answer is too large"));
  else
    document.append(bytes);
}

void ReplyCore::feed_sse(std::string_view bytes) {
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

ReplyCore::State ReplyCore::feed_stream(std::string_view bytes) {
  if (state != State::running || bytes.empty()) return state;
  if (!judged && first_visible(bytes) != '\0' && document.empty()) {
    judge(first_visible(bytes));
  } else if (!judged) {
    // Nothing but white space so far: kept until it is known what it precedes.
    collect(bytes);
    if (first_visible(document) == '\0') return state;
    judge(first_visible(document));
    if (!collecting) feed_sse(std::exchange(document, {}));
    return state;
  }
  if (collecting)
    collect(bytes);
  else
    feed_sse(bytes);
  return state;
}

ReplyCore::State ReplyCore::finish_stream() {
  if (state != State::running) return state;
  if (collecting) {
    parse_document(document);
    return state;
  }
  sse.feed({});
  sse.end();
  wire::SseEvent event;
  while (state == State::running && sse.next(event) == wire::SseParser::Next::event)
    on_event(event);
  if (state == State::running) end(false);
  return state;
}

// ---- the public face ---------------------------------------------------------------------------

ReplyBase::ReplyBase(std::unique_ptr<ReplyCore> core) : core_(std::move(core)) {}
ReplyBase::~ReplyBase() = default;

void ReplyBase::open() {
  if (core_->state == State::running) core_->open();
}
bool ReplyBase::opened() const {
  return core_->opened;
}
bool ReplyBase::block_opened() const {
  return core_->queue.block_opened();
}

ReplyBase::State ReplyBase::feed_stream(std::string_view bytes) {
  return core_->feed_stream(bytes);
}
ReplyBase::State ReplyBase::finish_stream() {
  return core_->finish_stream();
}

bool ReplyBase::awaiting_usage() const {
  return core_->state == State::running && core_->finish_seen;
}

ReplyBase::State ReplyBase::feed_document(std::string& body) {
  ReplyCore& self = *core_;
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

ReplyBase::State ReplyBase::conclude(const Conclusion& conclusion) {
  if (core_->state == State::running && !core_->queue.block_opened())
    core_->send_end(conclusion.stop_reason, &conclusion);
  return core_->state;
}

ReplyBase::State ReplyBase::state() const {
  return core_->state;
}
const wire::ApiError& ReplyBase::error() const {
  return core_->error;
}
std::string_view ReplyBase::refusal() const {
  return core_->state == State::failed ? std::string_view(core_->error_json) : std::string_view();
}
const Usage& ReplyBase::usage() const {
  return core_->usage;
}
Usage ReplyBase::usage_so_far() const {
  if (core_->state != State::running) return core_->usage;
  return core_->make_usage(core_->queue.output_bytes());
}
std::string_view ReplyBase::stop_reason() const {
  return core_->stop_reason;
}
std::uint32_t ReplyBase::tool_calls() const {
  return core_->queue.tools_emitted();
}
std::string_view ReplyBase::upstream_id() const {
  return core_->upstream_id;
}
const ReplyBase::CallStates& ReplyBase::call_states() const {
  return core_->call_states;
}
const std::vector<std::string>& ReplyBase::notes() const {
  return core_->notes;
}
bool ReplyBase::wants_cancel() const {
  return core_->state == State::done && core_->filter.stopped();
}

}  // namespace clasp::translate
