// The story of one request. Every way through it ends in finish(), once.
#include "core/exchange/exchange.h"

#include <algorithm>

#include "core/translate/errors.h"

namespace clasp::exchange {

namespace {

// An error body longer than this is cut: its message is at its beginning.
constexpr std::size_t kErrorBodyLimit = 64 * 1024;
// After finish_reason a backend has this long to send its usage (translation spec §5.6).
constexpr Duration kUsageGrace{1000};
// Different lessons that one request may cost (translation spec §6.5).
constexpr std::size_t kMostRepairs = 3;

std::int64_t microseconds(TimePoint from, TimePoint to) {
  return (to - from).count();
}

bool is_event_stream(const wire::Headers& headers) {
  return icontains(headers.get("content-type"), "text/event-stream");
}

// The backend answered, but not with what it should have.
wire::ApiError bad_gateway(std::string_view problem) {
  wire::ApiError error = wire::make_error(wire::ErrorType::api, "backend: " + std::string(problem));
  error.status = 502;
  error.should_retry = true;
  return error;
}

wire::ApiError failure_error(const BackendFailure& failure) {
  using wire::ErrorType;
  if (failure.kind == FailureKind::timeout) {
    wire::ApiError error = wire::make_error(ErrorType::timeout, "backend: " + failure.message);
    error.should_retry = true;
    return error;
  }
  wire::ApiError error = bad_gateway(failure.message);
  // A wrong certificate or a name that does not exist is not healed by asking again.
  error.should_retry = failure.kind != FailureKind::tls && failure.kind != FailureKind::name;
  return error;
}

// Names from clients and backends may be of any length, but common HTTP clients refuse an answer
// whose headers exceed 16 KB.
std::string header_text(std::string_view text) {
  constexpr std::size_t kLimit = 1024;
  if (text.size() <= kLimit) return std::string(text);
  return std::string(text.substr(0, kLimit)) + "...";
}

std::string join(const std::vector<std::string>& tokens) {
  std::string out;
  for (const std::string& token : tokens) {
    if (!out.empty()) out.append(", ");
    out.append(token);
  }
  return out;
}

}  // namespace

Exchange::Exchange(Services services, CatalogPtr catalog, RequestHead head, std::string body,
                   std::string request_id, ClientStream& client)
    : services_(services),
      catalog_(std::move(catalog)),
      head_(std::move(head)),
      body_(std::move(body)),
      client_(client),
      started_(services_.scheduler.now()) {
  record_.request_id = std::move(request_id);
  record_.client = head_.peer;
  record_.method = head_.method;
  record_.path = head_.path;
  record_.bytes_in = body_.size();
}

Exchange::~Exchange() {
  if (phase_ != Phase::over) finish(Outcome::client_left);
}

void Exchange::make_answer(bool stream) {
  record_.stream = stream;
  const Duration ping{catalog_->settings->timeouts.ping_ms};
  answer_ =
      std::make_unique<Answer>(client_, services_.scheduler, ping, stream, record_.request_id);
}

void Exchange::start() {
  if (services_.records.wants_bodies(true))
    services_.records.on_body(record_.request_id, "client request", body_);
  auto parsed = wire::parse_messages_request(body_, false);
  make_answer(parsed ? parsed->stream : false);
  if (!parsed) {
    fail(parsed.error(), "bad request");
    return;
  }
  request_ = std::make_unique<wire::MessagesRequest>(std::move(*parsed));
  read_facts();
  record_.model_asked = request_->model;
  candidate_ = choose_candidate(*catalog_, request_->model);
  record_.model_used = candidate_.model;
  record_.backend = candidate_.backend->settings.name;
  adapted_ = services_.lessons.find(record_.backend, candidate_.model, started_);
  if (answer_->streams()) arm_answer_grace();
  attempt();
}

void Exchange::read_facts() {
  facts_.anthropic_version = std::string(head_.headers.get("anthropic-version"));
  facts_.session_id = std::string(head_.headers.get("x-claude-code-session-id"));
  facts_.beta = head_.headers.find("anthropic-beta").has_value() ||
                head_.query.find("beta=true") != std::string::npos;
  facts_.schemas = &services_.schemas;
  head_.headers.clear();
}

// What an attempt needs again is kept until the answer has begun; then it is memory for nothing.
void Exchange::forget_request() {
  request_.reset();
  std::string().swap(body_);
}

// Translates for the candidate as it is known by now, and calls it.
void Exchange::attempt() {
  translate::Target target = make_target(*catalog_, candidate_);
  if (adapted_) {
    target.dialect = &adapted_->dialect;
    target.adjustments = &adapted_->adjustments;
  }
  auto translated = translate::translate_request(*request_, target, facts_);
  if (!translated) {
    fail(translated.error(), "request cannot be translated");
    return;
  }
  record_.warnings = join(translated->warnings);
  make_reply(std::move(translated->reply));
  if (translated->answer_without_call) {
    answer_without_call();
    return;
  }
  const bool stream = answer_->streams() && !(adapted_ && adapted_->adjustments.no_stream);
  BackendRequest request =
      make_backend_request(*catalog_, candidate_, std::move(translated->body), stream);
  if (services_.records.wants_bodies(true))
    services_.records.on_body(record_.request_id, "backend request", request.body);
  phase_ = Phase::calling;
  ++record_.attempts;
  call_ = services_.backend.start(std::move(request), *this);
}

void Exchange::make_reply(translate::ReplyContext context) {
  if (message_id_.empty()) message_id_ = make_id(services_.random, "msg_");
  context.message_id = message_id_;
  context.request_id = record_.request_id;
  context.requested_model = record_.model_asked;
  context.plain = !answer_->streams();
  // A second attempt goes on with the message that the first one began.
  context.already_open = reply_ && reply_->opened();
  if (context.input_estimate == 0) context.input_estimate = translate::estimate_tokens(*request_);
  input_estimate_ = context.input_estimate;
  reply_ = std::make_unique<translate::Reply>(std::move(context), services_.parser, answer_->sink(),
                                              services_.random);
}

// True when the refusal taught something and the request is on its way again (spec §6.5). Only
// while the client has seen no content.
bool Exchange::repair_and_repeat(int status) {
  if (!request_ || reply_->block_opened() || repairs_.size() >= kMostRepairs) return false;
  const translate::Dialect& current = adapted_ ? adapted_->dialect : candidate_.backend->dialect;
  static const translate::Adjustments kNone;
  const translate::Adjustments& adjusted = adapted_ ? adapted_->adjustments : kNone;
  const auto repair = translate::detect_repair(status, collected_, current, adjusted);
  if (!repair) return false;
  if (std::find(repairs_.begin(), repairs_.end(), repair->number) != repairs_.end()) return false;
  repairs_.push_back(repair->number);
  auto learned = std::make_shared<Adapted>(Adapted{current, adjusted});
  translate::apply_repair(*repair, learned->dialect, learned->adjustments);
  adapted_history_.push_back(std::exchange(adapted_, std::move(learned)));
  collected_.clear();
  backend_headers_.clear();
  call_.reset();
  attempt();
  return true;
}

// The backend took what it had refused before: the lesson holds.
void Exchange::remember_lesson() {
  if (!repairs_.empty())
    services_.lessons.learn(record_.backend, candidate_.model, adapted_, services_.scheduler.now());
}

void Exchange::answer_without_call() {
  // Pre-warming (max_tokens 0) on a backend that has no such thing: an empty, finished message.
  phase_ = Phase::reading_document;
  translate::Conclusion conclusion;
  conclusion.stop_reason = "max_tokens";
  reply_->conclude(conclusion);
  after_reply_input();
}

// ---- the backend speaks ------------------------------------------------------------------------

void Exchange::on_backend_head(int status, const wire::Headers& headers) {
  backend_status_ = status;
  backend_headers_ = headers;
  record_.upstream_id = std::string(headers.get("x-request-id"));
  if (status < 200 || status > 299) {
    phase_ = Phase::reading_error;
  } else {
    phase_ = is_event_stream(headers) ? Phase::reading_stream : Phase::reading_document;
    remember_lesson();
  }
}

void Exchange::on_backend_body(std::string_view bytes) {
  if (record_.first_byte_us < 0)
    record_.first_byte_us = microseconds(started_, services_.scheduler.now());
  if (services_.records.wants_bodies(false))
    services_.records.on_body(record_.request_id, "backend answer", bytes);
  switch (phase_) {
    case Phase::reading_stream:
      reply_->feed_stream(bytes);
      after_reply_input();
      break;
    case Phase::reading_document:
      if (collected_.size() + bytes.size() > catalog_->settings->limits.response_bytes) {
        fail(bad_gateway("the answer is too large"), "answer above limits.response_bytes");
        break;
      }
      collected_.append(bytes);
      break;
    case Phase::reading_error:
      if (collected_.size() < kErrorBodyLimit)
        collected_.append(bytes.substr(0, kErrorBodyLimit - collected_.size()));
      break;
    case Phase::preparing:
    case Phase::calling:
    case Phase::over:
      break;
  }
}

void Exchange::on_backend_end() {
  switch (phase_) {
    case Phase::reading_stream:
      reply_->finish_stream();
      after_reply_input();
      break;
    case Phase::reading_document:
      on_document();
      break;
    case Phase::reading_error:
      on_backend_error();
      break;
    case Phase::preparing:
    case Phase::calling:
    case Phase::over:
      break;
  }
}

void Exchange::on_backend_failed(const BackendFailure& failure) {
  if (phase_ == Phase::over) return;
  if (phase_ == Phase::reading_error) {
    // The status is known; a cut error body says enough.
    on_backend_error();
    return;
  }
  if (phase_ == Phase::reading_stream && failure.kind == FailureKind::reset) {
    // How a cut is to be understood depends on what was received: the reply decides.
    reply_->finish_stream();
    if (reply_->state() == translate::Reply::State::done) {
      after_reply_input();
      return;
    }
  }
  fail(failure_error(failure), failure.message);
}

void Exchange::on_document() {
  collected_.reserve(collected_.size() + kBodyPadding);
  reply_->feed_document(collected_);
  // Some servers refuse inside a 200.
  if (reply_->state() == translate::Reply::State::failed && repair_and_repeat(200)) return;
  after_reply_input();
}

void Exchange::on_backend_error() {
  if (repair_and_repeat(backend_status_)) return;
  // Two refusals are answers, not errors: a blocked prompt, and a cap that was reached at once.
  auto conclusion = translate::detect_policy_refusal(backend_status_, collected_);
  if (!conclusion) conclusion = translate::detect_output_limit(backend_status_, collected_);
  if (conclusion) {
    reply_->conclude(*conclusion);
    after_reply_input();
    return;
  }
  wire::ApiError error = translate::translate_backend_error(backend_status_, backend_headers_,
                                                            collected_, input_estimate_);
  const std::string cause = "backend answered " + std::to_string(backend_status_);
  fail(error, cause);
}

// ---- the reply's progress ----------------------------------------------------------------------

void Exchange::after_reply_input() {
  using State = translate::Reply::State;
  if (reply_->state() == State::failed) {
    fail(reply_->error(), "the backend's answer cannot be used");
    return;
  }
  if (answer_->streams() && reply_->opened()) {
    grace_timer_.reset();
    answer_->open_stream(answer_headers());
    answer_->flush();
    if (answer_->congested() && call_) call_->pause();
    if (reply_->block_opened()) forget_request();
  }
  if (reply_->state() == State::done) {
    complete();
  } else if (reply_->awaiting_usage() && !usage_timer_) {
    usage_timer_ = services_.scheduler.after(kUsageGrace, [this] { on_usage_timeout(); });
  }
}

void Exchange::arm_answer_grace() {
  const Duration grace{catalog_->settings->timeouts.answer_grace_ms};
  grace_timer_ = services_.scheduler.after(grace, [this] {
    grace_timer_.reset();
    reply_->open();
    answer_->open_stream(answer_headers());
    answer_->flush();
  });
}

void Exchange::on_usage_timeout() {
  usage_timer_.reset();
  reply_->finish_stream();
  after_reply_input();
}

// The reply is whole: the client gets its end, the connection to the backend a moment for its own.
void Exchange::complete() {
  record_reply();
  grace_timer_.reset();
  usage_timer_.reset();
  answer_->complete(answer_headers());
  if (!answer_->streams() && services_.records.wants_bodies(false))
    services_.records.on_body(record_.request_id, "client answer", answer_->plain_body());
  if (call_ && !reply_->wants_cancel()) call_->let_finish();
  finish(Outcome::completed);
}

void Exchange::fail(const wire::ApiError& error, std::string_view cause) {
  record_reply();
  record_.error = error.message;
  record_.cause = std::string(cause);
  answer_->fail(error, answer_headers());
  finish(Outcome::failed);
}

void Exchange::end_with(const wire::ApiError& error) {
  if (phase_ != Phase::over) fail(error, "ended by the daemon");
}

void Exchange::record_reply() {
  if (!reply_) return;
  const translate::Usage& usage = reply_->usage();
  record_.input_tokens = usage.input_tokens + usage.cache_read + usage.cache_write;
  record_.output_tokens = usage.output_tokens;
  record_.cached_tokens = usage.cache_read;
  record_.tokens_estimated = usage.estimated;
  if (!reply_->upstream_id().empty()) record_.upstream_id = std::string(reply_->upstream_id());
  if (reply_->state() == translate::Reply::State::done)
    record_.stop_reason = std::string(reply_->stop_reason());
}

void Exchange::finish(Outcome outcome) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::over;
  grace_timer_.reset();
  usage_timer_.reset();
  call_.reset();
  record_.outcome = outcome;
  record_.total_us = microseconds(started_, services_.scheduler.now());
  if (answer_) {
    record_.status = answer_->status();
    record_.bytes_out = answer_->bytes_out();
  }
  if (outcome == Outcome::client_left) record_reply();
  services_.records.on_record(record_);
}

wire::Headers Exchange::answer_headers() const {
  wire::Headers headers;
  headers.add("request-id", record_.request_id);
  if (candidate_.backend != nullptr) {
    headers.add("x-clasp-backend", candidate_.backend->settings.name);
    headers.add("x-clasp-model", header_text(candidate_.model));
  }
  // Rate limits count on good answers too; the id is that of the backend's request.
  for (const auto& [name, value] :
       translate::translate_backend_headers(backend_headers_, services_.scheduler.unix_seconds()))
    headers.add(name, header_text(value));
  if (reply_ && !reply_->upstream_id().empty() && !answer_->streams())
    headers.add("x-clasp-upstream-id", header_text(reply_->upstream_id()));
  if (!record_.warnings.empty()) headers.add("x-clasp-warning", header_text(record_.warnings));
  return headers;
}

// ---- the client
// ----------------------------------------------------------------------------------

void Exchange::on_client_gone() {
  if (answer_) answer_->forget_client();
  finish(Outcome::client_left);
}

void Exchange::on_client_drained() {
  if (call_) call_->resume();
}

}  // namespace clasp::exchange
