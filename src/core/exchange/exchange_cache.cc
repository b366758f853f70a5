// Where an exchange meets the response cache: between the choice of a backend and the desk, so that
// an answer from memory needs neither a place nor a backend; and at its end, when the answer that
// it got is kept and told to those who wait for it.
#include "core/exchange/cache_key.h"
#include "core/exchange/caching.h"
#include "core/exchange/exchange.h"
#include "core/wire/json_reader.h"

namespace clasp::exchange {

namespace {

using policy::CachedAnswer;
using policy::CachedAnswerPtr;

// Of a replayed stream in one write.
constexpr std::size_t kPerWrite = 64 * 1024;

// It stands first in messages that were made here, and mostly in others.
void locate_id(CachedAnswer& answer) {
  constexpr std::string_view kHead = "{\"id\":\"";
  const std::string_view body = answer.body;
  std::string_view id;
  if (body.starts_with(kHead))
    id = body.substr(kHead.size(), body.find('"', kHead.size()) - kHead.size());
  else
    id = wire::json_string_member(body, "id");
  if (id.empty()) return;
  answer.id_at = static_cast<std::size_t>(id.data() - body.data());
  answer.id_size = id.size();
}

// Every answer has an id of its own: clients tell messages apart by it.
void write_with_id(std::string& out, const CachedAnswer& answer, std::string_view id) {
  const std::string_view body = answer.body;
  out.clear();
  out.reserve(body.size() + id.size());
  if (answer.id_at == 0) {
    out.append(body);
    return;
  }
  out.append(body.substr(0, answer.id_at)).append(id);
  out.append(body.substr(answer.id_at + answer.id_size));
}

}  // namespace

// True when the request is answered, or waits for another one's answer.
bool Exchange::ask_cache() {
  Caching& caching = *caching_;
  const config::CacheSettings& settings = catalog_->settings->cache;
  if (search_->refusal || !is_cacheable(search_->request, settings, relays())) {
    caching_.reset();
    return false;
  }
  CacheKeyFacts facts;
  facts.scope = candidate_.backend->cache_scope;
  facts.model = candidate_.model;
  facts.geo_served = candidate_.geo_served;
  facts.relayed = relays();
  facts.anthropic_version = search_->facts.anthropic_version;
  facts.anthropic_beta = search_->facts.anthropic_beta;
  facts.beta_query = search_->facts.beta_query;
  const bool own_key = candidate_.backend->settings.pass_client_key;
  facts.client = own_key ? caching.client.append(caching.key_owner) : caching.client;
  const std::string& body = search_->plain_body.empty() ? search_->body : search_->plain_body;
  const auto key = make_cache_key(body, search_->request, facts);
  if (!key) {
    caching_.reset();
    return false;
  }
  caching.key = *key;
  caching.backend = candidate_.backend;
  caching.model = candidate_.model;
  record_.cache = CacheUse::miss;
  if (caching.afresh) return false;
  const policy::CacheReply reply = services_.cache->ask(*key, settings.coalesce, *this);
  if (reply.answer) {
    answer_from_cache(reply.answer, CacheUse::hit);
    return true;
  }
  if (reply.seat != 0) caching.seat = HeldSeat(*services_.cache, reply.seat);
  if (reply.seat == 0 || reply.leads) return false;
  phase_ = Phase::waiting;
  return true;
}

void Exchange::on_seat(policy::SeatNews::What what, const CachedAnswerPtr& answer) {
  if (what != policy::SeatNews::What::lead) caching_->seat.release();
  if (answer)
    answer_from_cache(answer, CacheUse::coalesced);
  else
    choose();
}

// ---- an answer that is there
// ---------------------------------------------------------------------

void Exchange::answer_from_cache(const CachedAnswerPtr& answer, CacheUse use) {
  // A client that waited may have seen the beginning of a message.
  const bool started = goes_on();
  reply_.reset();
  grace_timer_.reset();
  record_.cache = use;
  record_.backend = answer->backend;
  record_.model_used = answer->model_used;
  record_.warnings = answer->warnings;
  record_.stop_reason = answer->stop_reason;
  record_.input_tokens = answer->input_tokens;
  record_.output_tokens = answer->output_tokens;
  record_.cached_tokens = answer->cached_tokens;
  record_.cache_write_tokens = answer->cache_write_tokens;
  record_.tool_calls = answer->tool_calls;
  record_.tokens_estimated = answer->tokens_estimated;
  if (!answer->call_ids.empty() && services_.states.enabled())
    services_.states.keep(tenant_,
                          {answer->call_ids, {answer->call_state, answer->late_call_state}},
                          services_.scheduler.now());
  std::string& id = search_->message_id;
  if (id.empty()) id = make_id(services_.random, "msg_");
  if (answer_->streams()) {
    caching_->answer = answer;
    caching_->replay.emplace(answer->body, id, started);
    answer_->open_stream(answer_headers());
    search_.reset();
    replay();
    return;
  }
  write_with_id(answer_->raw(), *answer, id);
  answer_->complete(answer_headers());
  finish(Outcome::completed);
}

// As much as the client takes; goes on when it has taken that.
void Exchange::replay() {
  while (!answer_->congested()) {
    const bool more = caching_->replay->next(answer_->sink(), kPerWrite);
    answer_->flush();
    if (more) continue;
    answer_->complete({});
    finish(Outcome::completed);
    return;
  }
}

// ---- an answer that was made
// ---------------------------------------------------------------------

// Where the reply writes to.
wire::EventSink& Exchange::reply_sink(const translate::ReplyContext& context) {
  if (!caching_ || !answer_->streams()) return answer_->sink();
  // A fence around JSON is taken off plain answers only.
  caching_->shareable = !context.strip_fence;
  if (!caching_->copy)
    caching_->copy = std::make_unique<wire::TeeSink>(
        answer_->sink(), static_cast<std::size_t>(catalog_->settings->cache.max_bytes));
  return *caching_->copy;
}

// After the client got it: what was collected is not needed any more.
void Exchange::keep_answer() {
  Caching& caching = *caching_;
  // Who waits for it may want events, which is only known to work for what was translated.
  const bool first = candidate_.backend == caching.backend && candidate_.model == caching.model;
  if (relays() && (answer_->streams() || !first)) return;
  if (answer_->streams() && !caching.copy) return;
  auto answer = std::make_shared<CachedAnswer>();
  answer->body = answer_->streams() ? caching.copy->take() : std::move(answer_->raw());
  const bool replayable = !catalog_->settings->cache.streams || relays() ||
                          (caching.shareable && wire::is_valid_json(answer->body));
  if (answer->body.empty() || !replayable || record_.stop_reason == "compaction") return;
  locate_id(*answer);
  answer->model_asked = record_.model_asked;
  answer->model_used = record_.model_used;
  answer->backend = record_.backend;
  answer->stop_reason = record_.stop_reason;
  answer->warnings = record_.warnings;
  answer->input_tokens = record_.input_tokens;
  answer->output_tokens = record_.output_tokens;
  answer->cached_tokens = record_.cached_tokens;
  answer->cache_write_tokens = record_.cache_write_tokens;
  answer->tool_calls = record_.tool_calls;
  answer->tokens_estimated = record_.tokens_estimated;
  const auto& states = reply_->call_states();
  answer->call_ids = states.tool_ids;
  answer->call_state = states.state.whole;
  answer->late_call_state = states.state.late;
  answer->body.shrink_to_fit();
  // What a fallback said is not kept under the name of the first one. Who waits gets it all the
  // same, as it would have by itself.
  const bool keep = first && backend_status_ >= 200 && backend_status_ <= 299 &&
                    is_kept_stop_reason(record_.stop_reason) && record_.tolerated.empty();
  services_.cache->land(caching.seat.release(), caching.key, std::move(answer), keep);
}

// Somebody else asks instead: this client reads so slowly that its answer may take for ever.
void Exchange::stop_leading() {
  if (caching_) caching_->seat.leave(false);
}

bool Exchange::from_cache() const {
  return record_.cache == CacheUse::hit || record_.cache == CacheUse::coalesced;
}

std::string_view Exchange::cache_header() const {
  if (from_cache()) return "HIT";
  return record_.cache == CacheUse::miss ? "MISS" : "BYPASS";
}

}  // namespace clasp::exchange
