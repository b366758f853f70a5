// The part of an exchange that survives backends: which one is asked, what follows a failed
// attempt, waiting in the queue. The rules are policy's; here they are carried out. Everything in
// this file ends in attempt(), in waiting, or in fail().
#include <algorithm>

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

// `since_arrival` is the time that queue.max_wait limits.
std::string end_text(TicketEnd end, Duration since_arrival) {
  switch (end) {
    case TicketEnd::expired:
      // A queue is looked at a moment after the deadline: not rounded up.
      return "no backend could take the request within " +
             seconds_text(std::chrono::round<std::chrono::seconds>(since_arrival));
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
  if (catalog_->router.splits(request_->model))
    affinity = translate::conversation_affinity(*request_, facts_.session_id);
  auto route =
      choose_route(*catalog_, request_->model, decode_json_string(request_->inference_geo_raw),
                   affinity, services_.random);
  if (!route) {
    fail(route.error(), "unknown model");
    return false;
  }
  route_ = std::move(*route);
  tried_.assign(route_.size(), false);
  adopt(0);
  return true;
}

// Asks for the first candidate that was not tried yet.
void Exchange::choose() {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < route_.size(); ++i)
    if (!tried_[i]) open.push_back(i);
  acquire(open, false);
}

void Exchange::acquire(const std::vector<std::size_t>& wanted, bool repeat) {
  std::vector<policy::BackendId> ids;
  for (const std::size_t i : wanted) ids.push_back(catalog_->desk_ids[route_[i].index]);
  const auto permit = services_.desk.try_acquire(ids, repeat);
  if (!permit) {
    give_up(permit.error());
    return;
  }
  // Those in front could not be asked.
  for (std::size_t i = 0; i < permit->index; ++i) {
    adopt(wanted[i]);
    note_detour("unavailable");
  }
  take(wanted[permit->index], *permit);
}

// Nobody can be asked. The queue may help; else what an earlier attempt said is the better answer.
void Exchange::give_up(const policy::Refusal& refusal) {
  const bool hopeless = refusal.reason == RefusalReason::disabled;
  if (catalog_->settings->queue.enabled && !hopeless) {
    wait(services_.scheduler.now());
    return;
  }
  if (last_failure_) {
    fail(last_failure_->error, last_failure_->cause);
    return;
  }
  fail(refusal_error(refusal), "no backend: " + std::string(policy::refusal_name(refusal.reason)));
}

// From now on the request is about this candidate.
void Exchange::adopt(std::size_t index) {
  const Candidate& next = route_[index];
  at_ = index;
  candidate_ = next;
  record_.model_used = next.model;
  record_.backend = next.backend->settings.name;
  repairs_.begin(next.facts->dialect,
                 services_.lessons.find(lesson_key(*next.backend), next.model, started_));
}

void Exchange::take(std::size_t index, const policy::Permit& permit) {
  permit_ = HeldPermit(services_.desk, permit);
  tried_[index] = true;
  // The same one again goes on with what it has taught.
  if (at_ != index) adopt(index);
  candidate_.key = permit.key;
  collected_.clear();
  backend_headers_.clear();
  backend_status_ = 0;
  cut_ = content_seen_ = false;
  answer_->discard();
  attempt();
}

// ---- after a failure
// -------------------------------------------------------------------------

// Every failed attempt comes through here. Reports it, and goes on as policy decides: the same
// backend after a pause, the next candidate, the queue, or the end.
void Exchange::attempt_failed(const policy::Outcome& outcome, const wire::ApiError& error,
                              std::string_view cause) {
  // The words of the reply, which the next attempt replaces.
  const Failure failure{error, std::string(cause)};
  const bool plain = !answer_->streams();
  const bool committed = !request_ || (!plain && reply_ && reply_->block_opened());
  const policy::Decision decision = decide(outcome, committed);
  const bool returns = decision.step == NextStep::give_up && !committed &&
                       policy::may_queue_again(catalog_->settings->queue, outcome, returns_);
  permit_.reset();
  if (decision.step == NextStep::give_up && !returns) {
    fail(failure.error, failure.cause);
    return;
  }
  call_.reset();
  usage_timer_.reset();
  phase_ = Phase::waiting;
  last_failure_ = failure;
  note_detour(policy::class_name(policy::classify(outcome)));
  if (returns) {
    ++returns_;
    wait(services_.scheduler.now() + Duration{catalog_->settings->queue.retry_delay_ms});
  } else if (decision.step == NextStep::next_candidate) {
    choose();
  } else {
    pause_timer_ = services_.scheduler.after(decision.pause, [this] {
      pause_timer_.reset();
      acquire({at_}, true);
    });
  }
}

policy::Decision Exchange::decide(const policy::Outcome& outcome, bool committed) {
  if (!permit_) return {};
  policy::Situation situation;
  situation.attempts = static_cast<std::uint32_t>(std::max(1, record_.attempts));
  situation.another = std::find(tried_.begin(), tried_.end(), false) != tried_.end();
  situation.committed = committed;
  services_.desk.report(permit_.id(), outcome);
  return services_.desk.decide(permit_.id(), outcome, situation);
}

// "openai:connect": what x-clasp-fallback and the log say about the way here.
void Exchange::note_detour(std::string_view why) {
  constexpr std::size_t kLongest = 200;
  if (record_.detour.size() > kLongest) return;
  if (!record_.detour.empty()) record_.detour.append(",");
  record_.detour.append(record_.backend).append(":").append(why);
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
    if (permit_) services_.desk.report(permit_.id(), {policy::OutcomeKind::timeout});
    fail(error, "timeouts.total has passed");
  });
}

// ---- the queue
// -----------------------------------------------------------------------------------

void Exchange::wait(TimePoint not_before) {
  phase_ = Phase::waiting;
  policy::TicketSpec spec;
  for (const Candidate& one : route_) spec.backends.push_back(catalog_->desk_ids[one.index]);
  spec.client = client_name_;
  spec.returns = returns_;
  spec.arrived = started_;
  spec.not_before = not_before;
  queued_since_ = services_.scheduler.now();
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
  std::string message = end_text(event.end, Duration{elapsed_us() / 1000});
  std::string cause = message;
  if (last_failure_) cause.append("; the last attempt: ").append(last_failure_->cause);
  fail(unavailable(529, std::move(message), kSoon), cause);
}

}  // namespace clasp::exchange
