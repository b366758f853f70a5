// The part of an exchange that survives backends: which one is asked, what follows a failed
// attempt, waiting in the queue. The rules are policy's; here they are carried out. Everything in
// this file ends in attempt(), in waiting, or in fail().
#include <algorithm>

#include "core/exchange/exchange.h"
#include "core/translate/identity.h"

namespace clasp::exchange {

namespace {

using policy::NextStep;
using policy::Outcome;
using policy::OutcomeKind;
using policy::RefusalReason;
using policy::TicketEnd;

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
      return unavailable(503, "no backend can take the request now; try again in " +
                                  seconds_text(wait),
                         wait);
    case RefusalReason::saturated:
    case RefusalReason::queue_off:
      break;
  }
  return unavailable(529, "the backend has as many requests as it may; try again in " +
                              seconds_text(wait),
                     wait);
}

}  // namespace

// ---- choosing
// ------------------------------------------------------------------------------------

void Exchange::begin_route() {
  std::string affinity = facts_.session_id;
  if (affinity.empty() && catalog_->router.splits(request_->model))
    affinity = translate::conversation_affinity(*request_);
  route_ = catalog_->router.route(request_->model, affinity, services_.random);
  tried_.assign(route_.size(), false);
  choose();
}

// Asks for the first candidate that was not tried yet.
void Exchange::choose() {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < route_.size(); ++i)
    if (!tried_[i]) open.push_back(i);
  acquire(open);
}

void Exchange::acquire(const std::vector<std::size_t>& wanted) {
  std::vector<policy::BackendId> ids;
  for (const std::size_t i : wanted) ids.push_back(catalog_->desk_ids[route_[i].backend]);
  auto permit = services_.desk.try_acquire(ids);
  if (permit) {
    take(wanted[permit->index], *permit);
    return;
  }
  // Nobody could be asked: what an earlier attempt said is the better answer, unless waiting helps.
  const bool hopeless = permit.error().reason == RefusalReason::disabled;
  if (catalog_->settings->queue.enabled && !hopeless) {
    wait(services_.scheduler.now());
    return;
  }
  if (last_failure_) {
    fail(last_failure_->error, last_failure_->cause);
    return;
  }
  fail(refusal_error(permit.error()),
       "no backend: " + std::string(policy::refusal_name(permit.error().reason)));
}

void Exchange::take(std::size_t index, const policy::Permit& permit) {
  permit_ = HeldPermit(services_.desk, permit);
  const policy::RouteChoice& choice = route_[index];
  const Backend* backend = &catalog_->backends[choice.backend];
  const bool same = candidate_.backend == backend && candidate_.model == choice.model;
  tried_[index] = true;
  at_ = index;
  if (!same) {
    candidate_ = {backend, choice.model};
    record_.model_used = candidate_.model;
    record_.backend = backend->settings.name;
    // Replies of earlier attempts may still refer to what was learned for them.
    adapted_history_.push_back(std::exchange(
        adapted_, services_.lessons.find(record_.backend, candidate_.model, started_)));
    repairs_.clear();
    lessons_last_ = true;
  }
  candidate_.key = permit.key;
  collected_.clear();
  backend_headers_.clear();
  backend_status_ = 0;
  attempt();
}

// ---- after a failure
// -----------------------------------------------------------------------------

// Every failed attempt comes through here. Reports it, and goes on as policy decides: the same
// backend after a pause, the next candidate, the queue, or the end.
void Exchange::attempt_failed(const Outcome& outcome, const wire::ApiError& error,
                              std::string_view cause) {
  if (!permit_) {
    fail(error, cause);
    return;
  }
  policy::Situation situation;
  situation.attempts = static_cast<std::uint32_t>(record_.attempts);
  situation.another = std::find(tried_.begin(), tried_.end(), false) != tried_.end();
  situation.committed = !request_ || (reply_ && reply_->block_opened());
  services_.desk.report(permit_.id(), outcome);
  const policy::Decision decision = services_.desk.decide(permit_.id(), outcome, situation);
  const bool returns = decision.step == NextStep::give_up && !situation.committed &&
                       policy::may_queue_again(catalog_->settings->queue, outcome, returns_);
  permit_.reset();
  if (decision.step == NextStep::give_up && !returns) {
    fail(error, cause);
    return;
  }
  call_.reset();
  usage_timer_.reset();
  phase_ = Phase::waiting;
  last_failure_ = Failure{error, std::string(cause)};
  note_detour(policy::class_name(policy::classify(outcome)));
  if (returns) {
    ++returns_;
    wait(services_.scheduler.now() +
         Duration{catalog_->settings->queue.retry_delay_ms});
    return;
  }
  if (decision.step == NextStep::next_candidate) {
    choose();
    return;
  }
  pause_timer_ = services_.scheduler.after(decision.pause, [this] {
    pause_timer_.reset();
    acquire({at_});
  });
}

// "openai:connect": what x-clasp-fallback and the log say about the way here.
void Exchange::note_detour(std::string_view why) {
  constexpr std::size_t kLongest = 200;
  if (record_.detour.size() > kLongest) return;
  if (!record_.detour.empty()) record_.detour.append(",");
  record_.detour.append(record_.backend).append(":").append(why);
}

// ---- the queue
// -----------------------------------------------------------------------------------

void Exchange::wait(TimePoint not_before) {
  phase_ = Phase::waiting;
  policy::TicketSpec spec;
  for (const policy::RouteChoice& choice : route_)
    spec.backends.push_back(catalog_->desk_ids[choice.backend]);
  spec.client = client_name_;
  spec.returns = returns_;
  spec.arrived = started_;
  spec.not_before = not_before;
  queued_since_ = services_.scheduler.now();
  auto ticket = services_.desk.enqueue(std::move(spec), *this);
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
  record_.queued_us += (services_.scheduler.now() - queued_since_).count();
}

void Exchange::on_ticket(const policy::TicketEvent& event, const policy::Permit& permit) {
  ticket_ = 0;
  record_.queued_us += (services_.scheduler.now() - queued_since_).count();
  if (event.end == TicketEnd::granted) {
    tried_.assign(route_.size(), false);
    take(permit.index, permit);
    return;
  }
  const Duration soon{5'000};
  std::string message;
  switch (event.end) {
    case TicketEnd::expired:
      message = "no backend could take the request within " + seconds_text(event.waited);
      break;
    case TicketEnd::drained:
      message = "the proxy is shutting down; try again";
      break;
    case TicketEnd::orphaned:
      message = "the backend was removed from the configuration; try again";
      break;
    case TicketEnd::cancelled:
    case TicketEnd::granted:
      message = "the waiting request was cancelled by an administrator";
      break;
  }
  std::string cause = message;
  if (last_failure_) cause.append("; the last attempt: ").append(last_failure_->cause);
  fail(unavailable(529, std::move(message), soon), cause);
}

}  // namespace clasp::exchange
