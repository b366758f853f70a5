// The backend's side of an exchange: attempts, what comes back, and what a refusal teaches.
#include "base/words.h"
#include "core/exchange/exchange.h"
#include "core/exchange/outcomes.h"
#include "core/translate/api_choice.h"
#include "core/translate/errors.h"
#include "core/translate/overflow.h"
#include "core/translate/relay.h"

namespace clasp::exchange {

namespace {

// An error body longer than this is cut: its message is at its beginning.
constexpr std::size_t kErrorBodyLimit = 64 * 1024;

// A longer name is not repeated in an error.
constexpr std::size_t kLongestModel = 256;

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

}  // namespace

// The candidate as it is known by now.
translate::Target Exchange::current_target() const {
  translate::Target target = make_target(*catalog_, candidate_);
  const AdaptedPtr& adapted = repairs_.adapted();
  if (adapted) {
    target.dialect = &adapted->dialect;
    target.adjustments = &adapted->adjustments;
  }
  target.api = translate::choose_api(search_->request, target);
  // Azure's address of Responses does not name the deployment: the body does.
  if (target.api == translate::Api::responses)
    target.sent_name = candidate_.backend->settings.azure_deployment;
  target.dialect =
      adapted ? &adapted->dialect_for(target.api) : &candidate_.facts->dialect_for(target.api);
  return target;
}

// True when attempt() has to wait for media that this target takes only in another form; it is
// called again when they are there.
bool Exchange::wait_for_media(const translate::Target& target) {
  if (services_.media == nullptr) return false;
  search_->media.abilities = services_.media->abilities();
  if (!search_->media.abilities.fetch && !search_->media.abilities.pdf_text) return false;
  search_->facts.media = &search_->media;
  auto needs = translate::plan_media(search_->request, target, search_->media);
  if (needs.empty()) return false;
  search_->preparation = std::make_unique<Preparation>(services_.scheduler, *services_.media,
                                                       std::move(needs), search_->media, [this] {
                                                         search_->preparation.reset();
                                                         attempt();
                                                       });
  if (!search_->preparation->start()) {
    phase_ = Phase::preparing;
    return true;
  }
  search_->preparation.reset();
  return false;
}

// True when the candidate wants the client's own key, and there is none.
bool Exchange::lacks_key() {
  const config::BackendSettings& backend = candidate_.backend->settings;
  if (!backend.pass_client_key || !search_->client_key.empty()) return false;
  fail(wire::make_error(
           wire::ErrorType::authentication,
           "the backend " + backend.name +
               " needs a key of yours: send it as x-api-key or as Authorization: Bearer"),
       "no key of the client");
  return true;
}

// Translates for the candidate and calls it.
void Exchange::attempt() {
  if (lacks_key()) return;
  if (relays()) {
    attempt_relay();
    return;
  }
  if (search_->refusal) {
    cannot_ask(*search_->refusal, "bad request");
    return;
  }
  const translate::Target target = current_target();
  api_ = target.api;
  record_.responses = api_ == translate::Api::responses;
  if (wait_for_media(target)) return;
  auto translated = translate::translate_request(search_->request, target, search_->facts);
  if (!translated) {
    cannot_ask(translated.error(), "request cannot be translated");
    return;
  }
  record_.warnings = join(translated->warnings, ", ");
  make_reply(std::move(translated->reply));
  if (translated->answer_without_call) {
    answer_without_call();
    return;
  }
  bool stream = answer_->streams();
  if (const AdaptedPtr& adapted = repairs_.adapted())
    stream = (stream || adapted->adjustments.stream_only) && !adapted->adjustments.no_stream;
  call(make_backend_request(*catalog_, candidate_, std::move(translated->body), stream,
                            search_->client_key, api_));
}

void Exchange::call(BackendRequest request) {
  if (bodies_) bodies_->backend_request(request.body);
  if (trace_) {
    const config::BackendSettings& backend = candidate_.backend->settings;
    AttemptSpan attempt;
    attempt.backend = backend.name;
    attempt.provider = backend.provider;
    attempt.model = candidate_.model;
    attempt.url = backend.base_url;
    attempt.start_us = elapsed_us();
    trace_->begin_attempt(request.headers, std::move(attempt));
  }
  phase_ = Phase::calling;
  ++record_.attempts;
  call_ = services_.backend.start(std::move(request), *this);
  count_prompt();
}

// While the backend thinks: what a stream begins with, and now and then what estimates are held
// against.
void Exchange::count_prompt() {
  const bool tells = answer_->streams() && !relays();
  if (tells || services_.calibration.wants(record_.backend, candidate_.model)) prompt_.tokens();
}

// This candidate cannot serve such a request. When that is not the first one's, the client hears
// why the others before it did not: that may pass, and the request is right for them.
void Exchange::cannot_ask(const wire::ApiError& error, std::string_view cause) {
  if (!search_->last_failure) {
    fail(error, cause);
    return;
  }
  const Failure before = *search_->last_failure;
  fail(before.error,
       before.cause + "; " + record_.backend + ": " + std::string(cause) + ": " + error.message);
}

// A second attempt goes on with the message that the first one began in the client's stream. What
// was collected of a plain answer is thrown away as a whole.
bool Exchange::goes_on() const {
  return answer_->streams() && reply_ && reply_->opened();
}

void Exchange::make_reply(translate::ReplyContext context) {
  if (search_->message_id.empty()) search_->message_id = make_id(services_.random, "msg_");
  context.message_id = search_->message_id;
  context.request_id = record_.request_id;
  context.requested_model = record_.model_asked;
  context.plain = !answer_->streams();
  context.keep_states = services_.states.enabled() && !context.tools.empty() &&
                        !context.compaction &&
                        context.replay_kind() != translate::ReasoningReplay::none;
  context.already_open = goes_on();
  prompt_ = std::exchange(context.input_estimate, calibrated_prompt());
  wire::EventSink& sink = reply_sink(context);
  reply_ = translate::make_reply(std::move(context), services_.parser, sink, services_.random);
}

// True when the refusal taught something and the request is on its way again (spec §6.5). Only
// while the client has seen no content.
bool Exchange::repair_and_repeat(int status, std::string_view refusal) {
  if (relays() || !search_ || reply_->block_opened()) return false;
  // Who lacks an API may have no words for it.
  if (refusal.empty() && api_ == translate::Api::chat) return false;
  if (!repairs_.learn(status, refusal, api_)) return false;
  usage_timer_.reset();
  call_.reset();
  forget_attempt();
  attempt();
  return true;
}

void Exchange::remember_lessons() {
  if (AdaptedPtr settled = repairs_.take_settled())
    services_.lessons.learn(lesson_key(*candidate_.backend), candidate_.model, std::move(settled),
                            services_.scheduler.now());
}

// For clients that do not send thinking blocks back.
void Exchange::remember_states() {
  const auto& states = reply_->call_states();
  if (!states.tool_ids.empty()) services_.states.keep(tenant_, states, services_.scheduler.now());
}

translate::InputEstimate Exchange::calibrated_prompt() {
  return translate::InputEstimate([this] {
    return services_.calibration.correct(record_.backend, candidate_.model, prompt_.tokens());
  });
}

// Estimates of later requests profit from what the backend counted.
void Exchange::calibrate() {
  if (!record_.tokens_estimated && record_.input_tokens > 0 && prompt_.counted())
    services_.calibration.learn(record_.backend, candidate_.model, prompt_.tokens(),
                                record_.input_tokens);
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

void Exchange::on_backend_head(int status, wire::Headers headers) {
  backend_status_ = status;
  search_->backend_headers = std::move(headers);
  record_.upstream_id =
      std::string(search_->backend_headers.get(relays() ? "request-id" : "x-request-id"));
  if (status < 200 || status > 299) {
    phase_ = Phase::reading_error;
  } else {
    phase_ =
        is_event_stream(search_->backend_headers) ? Phase::reading_stream : Phase::reading_document;
  }
}

void Exchange::on_backend_body(std::string_view bytes) {
  if (record_.first_byte_us < 0) record_.first_byte_us = elapsed_us();
  if (bodies_) bodies_->backend_answer(bytes);
  switch (phase_) {
    case Phase::reading_stream:
      reply_->feed_stream(bytes);
      after_reply_input();
      break;
    case Phase::reading_document:
      if (collected_.size() + bytes.size() > catalog_->settings->limits.response_bytes) {
        attempt_failed({policy::OutcomeKind::too_large}, bad_gateway("the answer is too large"),
                       "answer above limits.response_bytes");
        break;
      }
      // Most documents come in one piece.
      if (collected_.empty()) collected_.reserve(bytes.size() + kBodyPadding);
      collected_.append(bytes);
      break;
    case Phase::reading_error:
      if (collected_.size() < kErrorBodyLimit)
        collected_.append(bytes.substr(0, kErrorBodyLimit - collected_.size()));
      break;
    case Phase::preparing:
    case Phase::waiting:
    case Phase::calling:
    case Phase::over:
      break;
  }
}

void Exchange::on_backend_end() {
  switch (phase_) {
    case Phase::reading_stream:
      cut_ = true;
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
    case Phase::waiting:
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
  const bool cut = failure.kind == FailureKind::reset || reply_->awaiting_usage();
  if (phase_ == Phase::reading_stream && cut) {
    // How a cut is to be understood depends on what was received: the reply decides.
    cut_ = true;
    reply_->finish_stream();
    if (reply_->state() == translate::Converter::State::done) {
      after_reply_input();
      return;
    }
  }
  attempt_failed(outcome_of(failure, phase_ == Phase::reading_stream), failure_error(failure),
                 failure.message);
}

void Exchange::on_document() {
  collected_.reserve(collected_.size() + kBodyPadding);
  reply_->feed_document(collected_);
  after_reply_input();
}

void Exchange::on_backend_error() {
  if (repair_and_repeat(backend_status_, collected_)) return;
  const std::string cause = "backend answered " + std::to_string(backend_status_);
  if (relays()) {
    const wire::ApiError error =
        translate::relay_backend_error(backend_status_, search_->backend_headers, collected_);
    attempt_failed(outcome_of_status(backend_status_, error), error, cause);
    return;
  }
  // Two refusals are answers, not errors: a blocked prompt, and a cap that was reached at once.
  auto conclusion = translate::detect_policy_refusal(backend_status_, collected_);
  if (conclusion && candidate_.facts->dialect.policy_as_error) {
    fail(translate::policy_error(*conclusion), "the backend's policy blocked the prompt");
    return;
  }
  if (!conclusion) conclusion = translate::detect_output_limit(backend_status_, collected_);
  if (conclusion) {
    reply_->conclude(*conclusion);
    after_reply_input();
    return;
  }
  wire::ApiError error =
      translate::translate_backend_error(backend_status_, search_->backend_headers, collected_,
                                         prompt_.tokens(), candidate_.facts->context_window);
  // A prompt that is too long was refused for its own sake; what was mended before was right.
  if (error.type == wire::ErrorType::invalid_request &&
      error.message.starts_with(translate::kOverflowWords))
    repairs_.settle();
  // Some servers do not say what they do not know.
  if (error.type == wire::ErrorType::not_found && candidate_.model.size() <= kLongestModel &&
      !icontains(error.message, candidate_.model))
    error.message += " (model " + candidate_.model + ")";
  attempt_failed(outcome_of_status(backend_status_, error), error, cause);
}

}  // namespace clasp::exchange
