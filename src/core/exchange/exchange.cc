// The story of one request. Every way through it ends in finish(), once.
#include "core/exchange/exchange.h"

#include <algorithm>
#include <utility>

#include "base/network.h"
#include "base/text.h"
#include "core/exchange/caching.h"
#include "core/exchange/outcomes.h"
#include "core/exchange/routes.h"
#include "core/translate/errors.h"
#include "core/translate/relay.h"
#include "core/wire/plain_spelling.h"

namespace clasp::exchange {

namespace {

// After finish_reason a backend has this long to send its usage (translation spec §5.6).
constexpr Duration kUsageGrace{1000};

// Room for an answer's fields, those that are added on their way out included.
constexpr std::size_t kUsualHeaders = 12;

// Names from clients and backends may be of any length, but common HTTP clients refuse an answer
// whose headers exceed 16 KB.
void add_cut(wire::Headers& headers, std::string_view name, std::string_view text) {
  constexpr std::size_t kLimit = 1024;
  if (text.size() <= kLimit) return headers.add(name, text);
  headers.add(name, std::string(text.substr(0, kLimit)) + "...");
}

}  // namespace

Exchange::Exchange(const Services& services, CatalogPtr catalog, RequestHead head, std::string body,
                   std::string request_id, ClientStream& client)
    : services_(services),
      catalog_(std::move(catalog)),
      client_(client),
      started_(services_.scheduler.now()),
      search_(std::make_unique<Search>()) {
  search_->head = std::move(head);
  search_->body = std::move(body);
  admission_ = std::move(search_->head.admission);
  record_.request_id = std::move(request_id);
  record_.client = search_->head.peer;
  if (search_->head.client) record_.client_name = search_->head.client->name;
  record_.method = std::move(search_->head.method);
  record_.path = std::move(search_->head.path);
  record_.bytes_in = search_->body.size();
}

Exchange::~Exchange() {
  if (phase_ != Phase::over) finish(Outcome::client_left);
}

void Exchange::make_answer(bool stream) {
  record_.stream = stream;
  const Duration ping{catalog_->settings->timeouts.ping_ms};
  answer_ =
      std::make_unique<Answer>(client_, services_.scheduler, ping, stream, record_.request_id);
  answer_->log_to(bodies_.get());
}

void Exchange::start() {
  bodies_ = BodyLog::make(services_.records, catalog_->secrets, record_.request_id);
  if (bodies_) bodies_->client_request(search_->body);
  trace_ = Trace::make(catalog_->settings->tracing, search_->head.headers, services_.random);
  if (trace_) record_.trace_id = trace_->trace_id();
  auto parsed =
      wire::parse_plain_request(search_->body, false, search_->plain_body, services_.tools);
  if (!parsed && has_relay(*catalog_)) {
    // A new kind of block or field is no reason to refuse what another one understands.
    if (auto envelope = wire::parse_messages_envelope(search_->body)) {
      search_->refusal = parsed.error();
      parsed = std::move(envelope);
    }
  }
  make_answer(parsed ? parsed->stream : false);
  if (!parsed) {
    fail(parsed.error(), "bad request");
    return;
  }
  search_->request = std::move(*parsed);
  // A backend that takes the client's bytes still gets those.
  if (!search_->plain_body.empty() && !has_relay(*catalog_)) std::string().swap(search_->body);
  read_facts();
  record_.model_asked = search_->request.model;
  if (const auto& client = search_->head.client;
      client && !policy::may_ask_for(*client, record_.model_asked)) {
    fail(policy::model_refusal(record_.model_asked), "model not allowed");
    return;
  }
  if (!choose_route_first()) return;
  arm_total_limit();
  if (answer_->streams()) arm_answer_grace();
  if (caching_ && ask_cache()) return;
  choose();
}

void Exchange::read_facts() {
  const RequestHead& head = search_->head;
  translate::RequestFacts& facts = search_->facts;
  facts.anthropic_version = std::string(head.headers.get("anthropic-version"));
  for (const auto& [name, value] : head.headers)
    if (iequals(name, "anthropic-beta"))
      facts.anthropic_beta.append(facts.anthropic_beta.empty() ? "" : ",").append(value);
  facts.beta_query = asks_for_beta(head.query);
  facts.session_id = std::string(head.headers.get("x-claude-code-session-id"));
  facts.beta = is_beta_call(head);
  facts.schemas = &services_.schemas;
  const bool queues = catalog_->settings->queue.enabled;
  if (queues || services_.states.enabled())
    tenant_ = head.client ? tenant_of_client(head.client->name) : tenant_of(head.headers);
  if (queues && head.client) {
    search_->client_name = head.client->name;
  } else if (queues) {
    // Strangers take turns by their key, those without one by their address.
    const bool named = head.headers.find("x-api-key").has_value() ||
                       head.headers.find("authorization").has_value();
    search_->client_name = named ? tenant_ : std::string(address_of_peer(head.peer));
  }
  if (services_.cache != nullptr && catalog_->settings->cache.enabled)
    caching_ = begin_caching(*catalog_, head);
  if (services_.states.enabled())
    facts.replay = &search_->kept_states.emplace(services_.states, tenant_, started_);
  if (catalog_->passes_client_keys)
    search_->client_key = policy::key_to_pass(head.headers, head.client.get());
  if (!search_->client_key.empty()) {
    own_secrets_ = std::make_unique<KnownSecrets>();
    own_secrets_->add(search_->client_key.reveal());
    if (bodies_) bodies_->mask(search_->client_key.reveal());
  }
  search_->head.headers = {};
}

// ---- the reply's progress ----------------------------------------------------------------------

void Exchange::after_reply_input() {
  using State = translate::Converter::State;
  if (reply_->state() == State::failed) {
    // Some servers refuse inside a 200: in place of a document, or in a stream's first chunk.
    if (repair_and_repeat(200, reply_->refusal())) return;
    attempt_failed(
        cut_ ? policy::Outcome{policy::OutcomeKind::cut} : outcome_in_band(reply_->error()),
        reply_->error(), "the backend's answer cannot be used");
    return;
  }
  if (reply_->block_opened() || reply_->state() == State::done) {
    if (permit_ && !content_seen_) services_.desk.on_content(permit_.id());
    if (!content_seen_) on_first_content();
    repairs_.settle();
    remember_lessons();
  }
  if (answer_->streams() && reply_->opened()) {
    grace_timer_.reset();
    if (!answer_->committed()) answer_->open_stream(answer_headers());
    answer_->flush();
    if (answer_->congested() && call_) {
      call_->pause();
      stop_leading();
    }
    if (reply_->block_opened()) {
      // The prompt goes, and who has not told its length may be asked for it still.
      if (!relays() || reply_->usage().estimated) prompt_.tokens();
      search_.reset();  // and may be used no more
    }
  }
  if (reply_->state() == State::done) {
    complete();
  } else if (reply_->awaiting_usage() && !usage_timer_) {
    usage_timer_ = services_.scheduler.after(kUsageGrace, [this] { on_usage_timeout(); });
  }
}

void Exchange::on_first_content() {
  content_seen_ = true;
  record_.first_content_us = elapsed_us();
  if (services_.meter != nullptr && answer_->streams())
    answer_->measure_gaps(services_.meter->gaps(record_.backend));
}

void Exchange::arm_answer_grace() {
  const Duration grace{catalog_->settings->timeouts.answer_grace_ms};
  grace_timer_ = services_.scheduler.after(grace, [this] {
    grace_timer_.reset();
    // Nobody was asked yet (media are being prepared, or no backend is free): the message begins
    // without knowing its request.
    if (!reply_ && !relays())
      make_reply(
          translate::begin_reply_context(search_->request, current_target(), search_->facts));
    if (reply_) reply_->open();
    // Who waits does not know yet who will answer; who has failed does not any more.
    answer_->open_stream(phase_ == Phase::waiting ? own_headers() : answer_headers());
    if (!reply_ || !reply_->opened()) answer_->ping();
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
  remember_states();
  if (backend_status_ != 0) calibrate();
  grace_timer_.reset();
  usage_timer_.reset();
  answer_->complete(answer_->committed() ? wire::Headers() : answer_headers());
  if (caching_) {
    keep_answer();
    // What could not be shared is so for the next one as well: they do not ask one by one.
    caching_->seat.leave(true);
  }
  if (call_ && !reply_->wants_cancel()) call_->let_finish();
  if (permit_) services_.desk.report(permit_.id(), {});
  finish(Outcome::completed);
}

void Exchange::fail(const wire::ApiError& error, std::string_view cause) {
  record_reply();
  remember_lessons();
  if (caching_) caching_->seat.leave(true);
  // What a backend says may hold the key that it was asked with.
  wire::ApiError told = error;
  std::string why(cause);
  for (std::string* text : {&told.message, &told.verbatim, &why}) {
    catalog_->secrets.mask(*text);
    if (own_secrets_) own_secrets_->mask(*text);
  }
  record_.error = told.message;
  record_.cause = std::move(why);
  answer_->fail(told, answer_->committed() ? wire::Headers() : answer_headers());
  finish(Outcome::failed);
}

bool Exchange::end_with(const wire::ApiError& error, std::string_view cause) {
  if (phase_ == Phase::over) return false;
  fail(error, cause);
  return true;
}

void Exchange::record_reply() {
  if (!reply_) return;
  const translate::Usage usage = content_seen_ ? reply_->usage_so_far() : reply_->usage();
  record_.input_tokens = usage.input_tokens + usage.cache_read + usage.cache_write;
  record_.output_tokens = usage.output_tokens;
  record_.cached_tokens = usage.cache_read;
  record_.cache_write_tokens = usage.cache_write;
  record_.tokens_estimated = usage.estimated;
  record_.tool_calls = reply_->tool_calls();
  record_.repairs = repairs_.render();
  for (const std::string& note : reply_->notes())
    record_.tolerated.append(record_.tolerated.empty() ? "" : ", ").append(note);
  if (!reply_->upstream_id().empty()) record_.upstream_id = std::string(reply_->upstream_id());
  if (reply_->state() == translate::Converter::State::done)
    record_.stop_reason = std::string(reply_->stop_reason());
}

void Exchange::finish(Outcome outcome) {
  if (phase_ == Phase::over) return;
  phase_ = Phase::over;
  grace_timer_.reset();
  usage_timer_.reset();
  pause_timer_.reset();
  total_timer_.reset();
  if (search_) search_->preparation.reset();
  call_.reset();
  leave_queue();
  permit_.reset();
  caching_.reset();
  record_.outcome = outcome;
  record_.total_us = elapsed_us();
  if (answer_) {
    record_.status = answer_->status();
    record_.bytes_out = answer_->bytes_out();
  }
  if (outcome == Outcome::client_left) record_reply();
  catalog_->secrets.mask(record_.upstream_id);
  if (own_secrets_) own_secrets_->mask(record_.upstream_id);
  if (bodies_) bodies_->end();
  if (trace_) {
    trace_->end_attempt(record_.total_us, backend_status_,
                        outcome == Outcome::completed ? "" : render_outcome(outcome));
    record_.spans = trace_->take_spans();
  }
  settle();
  services_.records.on_record(record_);
}

// What it has used is charged. An answer from memory used nothing, and what was never answered is
// not charged by an estimate.
void Exchange::settle() {
  const std::int64_t tokens =
      used_tokens(record_) ? record_.input_tokens + record_.output_tokens : 0;
  record_.ended = services_.scheduler.unix_seconds();
  if (tokens > 0 && tries_ > 0) {
    const auto price = catalog_->prices.find(candidate_.index, candidate_.model);
    record_.priced = price.has_value();
    if (price)
      record_.cost = policy::cost_of(*price, {record_.input_tokens, record_.output_tokens,
                                              record_.cached_tokens, record_.cache_write_tokens});
  }
  if (const auto admission = std::exchange(admission_, nullptr))
    admission->settle(static_cast<std::uint64_t>(std::max<std::int64_t>(0, tokens)));
}

std::int64_t Exchange::elapsed_us() const {
  return (services_.scheduler.now() - started_).count();
}

// What holds whoever answers.
wire::Headers Exchange::own_headers() const {
  wire::Headers headers;
  headers.reserve(kUsualHeaders);
  headers.add("request-id", record_.request_id);
  if (catalog_->settings->cache.enabled) headers.add("x-clasp-cache", cache_header());
  if (!record_.detour.empty()) add_cut(headers, "x-clasp-fallback", record_.detour);
  if (admission_) admission_->add_headers(headers);
  return headers;
}

wire::Headers Exchange::answer_headers() const {
  wire::Headers headers = own_headers();
  if (tries_ > 0 || from_cache()) {
    headers.add("x-clasp-backend", record_.backend);
    add_cut(headers, "x-clasp-model", record_.model_used);
  }
  // Rate limits count on good answers too; the id is that of the backend's request.
  const bool input_tokens = catalog_->settings->translation.input_token_limits;
  const auto masked = [this](std::string_view text) {
    std::string out = catalog_->secrets.masked(text);
    if (own_secrets_) own_secrets_->mask(out);
    return out;
  };
  for (const auto& [name, value] :
       relays() ? translate::relay_backend_headers(search_->backend_headers)
                : translate::translate_backend_headers(
                      search_->backend_headers, services_.scheduler.unix_seconds(), input_tokens)) {
    // Where we limit, the client is told our limits: they are the ones that refuse it.
    if (admission_ && admission_->has_headers() && name.starts_with("anthropic-ratelimit-"))
      continue;
    add_cut(headers, name, masked(value));
  }
  if (reply_ && !reply_->upstream_id().empty() && !answer_->streams())
    add_cut(headers, "x-clasp-upstream-id", masked(reply_->upstream_id()));
  // A stream's headers are out before anybody knows.
  const bool done = from_cache() || (reply_ && reply_->state() == translate::Reply::State::done);
  if (done && !answer_->streams() && record_.tokens_estimated)
    headers.add("x-clasp-usage", "estimated");
  if (!record_.warnings.empty()) add_cut(headers, "x-clasp-warning", record_.warnings);
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
  if (caching_ && caching_->replay) replay();
}

}  // namespace clasp::exchange
