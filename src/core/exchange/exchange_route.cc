// The part of an exchange that survives backends: which one is asked, what follows a failed
// attempt, waiting in the queue. The rules are policy's; here they are carried out. Everything in
// this file ends in attempt(), in waiting, or in fail().
#include <algorithm>
#include <numeric>

#include "core/exchange/exchange.h"
#include "core/translate/identity.h"

namespace clasp::exchange {

namespace {

using policy::NextStep;
using policy::RefusalReason;
using policy::TicketEnd;

// When somebody who waited in vain may come back.
constexpr Duration kSoon{5'000};

std::int64_t whole_seconds(Duration time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

std::string seconds_text(Duration time) {
  return std::to_string(whole_seconds(time)) + (whole_seconds(time) == 1 ? " second" : " seconds");
}

// `status` 503 where backends are known to be out of service, 529 where they are only busy.
wire::ApiError unavailable(int status, std::string message, Duration retry_after) {
  wire::ApiError error = wire::make_error(wire::ErrorType::overloaded, std::move(message));
  error.status = status;
  error.should_retry = true;
  error.retry_after = std::to_string(std::max<std::int64_t>(1, whole_seconds(retry_after)));
  return error;
}

wire::ApiError refusal_error(const policy::Refusal& refusal) {
  const Duration wait = refusal.retry_after;
  switch (refusal.reason) {
    case RefusalReason::open:
      return unavailable(503,
                         "the backend keeps failing and is left alone for a while (circuit "
                         "breaker); try again in " +
                             seconds_text(wait),
                         wait);
    case RefusalReason::disabled:
      return unavailable(503, "the backend was taken out of service by an administrator", wait);
    case RefusalReason::queue_full:
      return unavailable(529, "too many requests are waiting for the backend; try again later",
                         wait);
    case RefusalReason::draining:
      return unavailable(529, "the proxy is shutting down; try again", wait);
    case RefusalReason::mixed:
      return unavailable(
          503, "no backend can take the request now; try again in " + seconds_text(wait), wait);
    case RefusalReason::saturated:
    case RefusalReason::queue_off:
      break;
  }
  return unavailable(
      529, "the backend has as many requests as it may; try again in " + seconds_text(wait), wait);
}

// `passed` since its arrival: it may have been in the queue before.
std::string end_text(TicketEnd end, TimePoint::duration passed) {
  // A queue is looked at a moment after the deadline: not rounded up.
  const Duration waited = std::chrono::round<std::chrono::seconds>(passed);
  switch (end) {
    case TicketEnd::expired:
      return "no backend could take the request within " + seconds_text(waited);
    case TicketEnd::drained:
      return "the proxy is shutting down; try again";
    case TicketEnd::orphaned:
      return "the backend was removed from the configuration; try again";
    case TicketEnd::cancelled:
    case TicketEnd::granted:
      break;
  }
  return "the waiting request was cancelled by an administrator";
}

}  // namespace

// ---- choosing --------------------------------------------------------------------------------

// False when the request was refused: no such model.
bool Exchange::choose_route_first() {
  std::string affinity;
  if (catalog_->router.splits(search_->request.model))
    affinity = translate::conversation_affinity(search_->request, search_->facts.session_id);
  auto route = choose_route(*catalog_, search_->request.model,
                            decode_json_string(search_->request.inference_geo_raw), affinity,
                            services_.random);
  if (!route) {
    fail(route.error(), "unknown model");
    return false;
  }
  search_->route = std::move(*route);
  search_->tried.assign(search_->route.size(), false);
  adopt(0);
  return true;
}

std::vector<std::size_t> Exchange::untried() const {
  std::vector<std::size_t> left;
  if (!search_) return left;  // the answer's content has begun
  for (std::size_t i = 0; i < search_->route.size(); ++i)
    if (!search_->tried[i]) left.push_back(i);
  return left;
}

std::vector<policy::BackendId> Exchange::ids_of(const std::vector<std::size_t>& candidates) const {
  std::vector<policy::BackendId> ids;
  for (const std::size_t i : candidates) ids.push_back(catalog_->desk_ids[search_->route[i].index]);
  return ids;
}

// Asks for the first one of these.
std::optional<policy::Refusal> Exchange::acquire(const std::vector<std::size_t>& wanted,
                                                 bool repeat) {
  const auto permit = services_.desk.try_acquire(ids_of(wanted), repeat);
  if (!permit) return permit.error();
  for (std::size_t i = 0; i < permit->index; ++i) note_skipped(wanted[i]);
  take(wanted[permit->index], *permit);
  return std::nullopt;
}

// Asks for the first candidate that was not tried yet. Those that have failed are not waited for:
// they would be free at once, and fail again.
void Exchange::choose() {
  const std::vector<std::size_t> left = untried();
  if (const auto refusal = acquire(left, false)) give_up(*refusal, left);
}

// The same one again, after its pause.
void Exchange::repeat() {
  const auto refusal = acquire({search_->at}, true);
  if (!refusal) return;
  const std::vector<std::size_t> left = untried();
  if (!left.empty() && !acquire(left, false)) return;
  give_up(*refusal, all());
}

std::vector<std::size_t> Exchange::all() const {
  std::vector<std::size_t> numbers(search_->route.size());
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  return numbers;
}

// Nobody can be asked. The queue may help; else what an earlier attempt said is the better answer.
void Exchange::give_up(const policy::Refusal& refusal, const std::vector<std::size_t>& wanted) {
  const bool hopeless = refusal.reason == RefusalReason::disabled;
  const TimePoint now = services_.scheduler.now();
  if (catalog_->settings->queue.enabled && !hopeless &&
      (!search_->last_failure || may_wait_until(now))) {
    wait(wanted, now);
    return;
  }
  if (search_->last_failure) {
    const Failure last = *search_->last_failure;
    fail(last.error, last.cause);
    return;
  }
  fail(refusal_error(refusal), "no backend: " + std::string(policy::refusal_name(refusal.reason)));
}

// From now on the request is about this candidate.
void Exchange::adopt(std::size_t index) {
  const Candidate& next = search_->route[index];
  search_->at = index;
  candidate_ = next;
  record_.model_used = next.model;
  record_.backend = next.backend->settings.name;
  repairs_.begin(next.facts->dialect, next.facts->responses_dialect,
                 services_.lessons.find(lesson_key(*next.backend), next.model, started_));
}

void Exchange::take(std::size_t index, const policy::Permit& permit) {
  permit_ = HeldPermit(services_.desk, permit);
  search_->tried[index] = true;
  // The same one again goes on with what it has taught.
  if (search_->at != index) adopt(index);
  candidate_.key = permit.key;
  ++tries_;
  forget_attempt();
  attempt();
}

// Nothing of an earlier attempt's answer is told as the next one's.
void Exchange::forget_attempt() {
  if (trace_) trace_->end_attempt(elapsed_us(), backend_status_, "");
  collected_.clear();
  search_->backend_headers.clear();
  backend_status_ = 0;
  cut_ = content_seen_ = false;
  record_.first_byte_us = record_.first_content_us = -1;
  record_.upstream_id.clear();
  if (bodies_) bodies_->end_backend_answer();
  answer_->discard();
}

// ---- after a failure
// -------------------------------------------------------------------------

// Every failed attempt comes through here. Reports it, and goes on as policy decides: the same
// backend after a pause, the next candidate, the queue, or the end.
void Exchange::attempt_failed(policy::Outcome outcome, const wire::ApiError& error,
                              std::string_view cause) {
  outcome.clients_key = candidate_.backend->settings.pass_client_key;
  const std::string_view failure_class = policy::class_name(policy::classify(outcome));
  if (trace_)
    trace_->end_attempt(elapsed_us(), backend_status_, backend_status_ >= 400 ? "" : failure_class);
  // The words of the reply, which the next attempt replaces.
  const Failure failure{error, std::string(cause)};
  const bool plain = !answer_->streams();
  const bool committed = !search_ || (!plain && reply_ && reply_->block_opened());
  const policy::Decision decision = decide(outcome, committed);
  // In the queue, too, nobody asks again before the backend wants to be asked.
  const TimePoint again =
      services_.scheduler.now() +
      Duration{std::max(catalog_->settings->queue.retry_delay_ms, outcome.retry_after_ms)};
  const bool returns =
      decision.step == NextStep::give_up && !committed && may_wait_until(again) &&
      policy::may_queue_again(catalog_->settings->queue, outcome, search_->returns);
  // What will not pass here may be well where there was no room. Nobody comes back for it.
  const bool waits = decision.step == NextStep::give_up && !returns && !committed &&
                     catalog_->settings->queue.enabled && !policy::may_pass(outcome) &&
                     policy::elsewhere_helps(outcome) && !untried().empty();
  permit_.reset();
  if (decision.step == NextStep::give_up && !returns && !waits) {
    fail(failure.error, failure.cause);
    return;
  }
  call_.reset();
  usage_timer_.reset();
  if (reply_ && !reply_->opened()) reply_.reset();  // a failed one begins no message any more
  phase_ = Phase::waiting;
  search_->last_failure = failure;
  note_detour(record_.backend, failure_class);
  if (returns) {
    ++search_->returns;
    wait(all(), again);
  } else if (waits || decision.step == NextStep::next_candidate) {
    choose();
  } else {
    pause_timer_ = services_.scheduler.after(decision.pause, [this] {
      pause_timer_.reset();
      repeat();
    });
  }
}

policy::Decision Exchange::decide(const policy::Outcome& outcome, bool committed) {
  if (!permit_) return {};
  policy::Situation situation;
  situation.attempts = tries_;
  situation.committed = committed;
  services_.desk.report(permit_.id(), outcome);
  return services_.desk.decide(permit_.id(), outcome, situation, ids_of(untried()));
}

// "openai:connect": what x-clasp-fallback and the log say about the way here.
void Exchange::note_detour(std::string_view backend, std::string_view why) {
  constexpr std::size_t kLongest = 200;
  if (record_.detour.size() > kLongest) return;
  if (!record_.detour.empty()) record_.detour.append(",");
  record_.detour.append(backend).append(":").append(why);
}

// It stands in front of the one that is asked, and could not be.
void Exchange::note_skipped(std::size_t index) {
  note_detour(search_->route[index].backend->settings.name, "unavailable");
}

void Exchange::arm_total_limit() {
  const Duration limit{catalog_->settings->timeouts.total_ms};
  if (limit.count() == 0) return;
  total_timer_ = services_.scheduler.after(limit, [this] {
    wire::ApiError error =
        wire::make_error(wire::ErrorType::timeout,
                         "no complete answer within " +
                             seconds_text(Duration{catalog_->settings->timeouts.total_ms}));
    error.should_retry = true;
    // The backend's fault only where it alone had all the time, and its answer has not begun.
    const bool its_own = tries_ == 1 && record_.queued_us == 0 && !content_seen_;
    if (permit_ && its_own && phase_ != Phase::preparing)
      services_.desk.report(permit_.id(), {policy::OutcomeKind::timeout});
    fail(error, "timeouts.total has passed");
  });
}

// ---- the queue
// -----------------------------------------------------------------------------------

// Somebody who could be asked then would still be in time.
bool Exchange::may_wait_until(TimePoint when) const {
  return when < started_ + Duration{catalog_->settings->queue.max_wait_ms};
}

void Exchange::wait(const std::vector<std::size_t>& wanted, TimePoint not_before) {
  phase_ = Phase::waiting;
  search_->waits_for = wanted;
  policy::TicketSpec spec;
  spec.backends = ids_of(wanted);
  spec.client = search_->client_name;
  spec.returns = search_->returns;
  spec.arrived = started_;
  spec.not_before = not_before;
  search_->queued_since = services_.scheduler.now();
  const auto ticket = services_.desk.enqueue(std::move(spec), *this);
  if (!ticket) {
    fail(refusal_error(ticket.error()),
         "not queued: " + std::string(policy::refusal_name(ticket.error().reason)));
    return;
  }
  ticket_ = *ticket;
}

void Exchange::leave_queue() {
  if (ticket_ == 0) return;
  services_.desk.leave(std::exchange(ticket_, 0));
  record_.queued_us += (services_.scheduler.now() - search_->queued_since).count();
}

void Exchange::on_ticket(const policy::TicketEvent& event, const policy::Permit& permit) {
  ticket_ = 0;
  record_.queued_us += (services_.scheduler.now() - search_->queued_since).count();
  if (event.end == TicketEnd::granted) {
    if (search_->waits_for.size() == search_->route.size())
      search_->tried.assign(search_->route.size(), false);
    for (std::size_t i = 0; i < permit.index && !search_->last_failure; ++i)
      note_skipped(search_->waits_for[i]);
    take(search_->waits_for[permit.index], permit);
    return;
  }
  search_->backend_headers.clear();
  std::string message = end_text(event.end, services_.scheduler.now() - started_);
  std::string cause = message;
  if (search_->last_failure)
    cause.append("; the last attempt: ").append(search_->last_failure->cause);
  fail(unavailable(529, std::move(message), kSoon), cause);
}

}  // namespace clasp::exchange
