// See shared_desk.h. Every change that may let somebody in pumps the queue before it gives the lock
// back; while nobody waits that costs nothing.
#include "daemon/shared_desk.h"

#include <algorithm>

namespace clasp::daemon {

using policy::TicketEnd;
using policy::TicketEvent;

namespace {
constexpr Duration kLongestWatch{250};
}

// ---- the desk --------------------------------------------------------------------------------

std::vector<policy::BackendId> SharedDesk::reconfigure(const config::Settings& settings,
                                                       TimePoint now) {
  const std::lock_guard lock(mutex_);
  return desk_.reconfigure(settings, now);
}

policy::DeskStatus SharedDesk::snapshot(TimePoint now) {
  const std::lock_guard lock(mutex_);
  return desk_.snapshot(now);
}

void SharedDesk::on_probe(policy::BackendId backend, const policy::Outcome& outcome,
                          TimePoint now) {
  const std::lock_guard lock(mutex_);
  desk_.on_probe(backend, outcome, now);
  if (!desk_.queue().empty()) deliver(desk_.pump(now));
}

void SharedDesk::drain(TimePoint now) {
  const std::lock_guard lock(mutex_);
  deliver(desk_.drain(now));
}

void SharedDesk::pump(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (!desk_.queue().empty()) deliver(desk_.pump(now));
}

bool SharedDesk::set_admin_state(std::string_view backend, policy::AdminState state,
                                 TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (!desk_.set_admin_state(backend, state)) return false;
  deliver(desk_.pump(now));
  return true;
}

bool SharedDesk::trip_breaker(std::string_view backend, TimePoint now) {
  const std::lock_guard lock(mutex_);
  policy::Breaker* breaker = desk_.breaker(backend);
  if (breaker != nullptr) breaker->trip(now, false);
  return breaker != nullptr;
}

bool SharedDesk::reset_breaker(std::string_view backend, TimePoint now) {
  const std::lock_guard lock(mutex_);
  policy::Breaker* breaker = desk_.breaker(backend);
  if (breaker == nullptr) return false;
  breaker->reset(now);
  deliver(desk_.pump(now));
  return true;
}

std::vector<policy::TicketInfo> SharedDesk::tickets(TimePoint now, std::size_t most) {
  const std::lock_guard lock(mutex_);
  return desk_.queue().list(now, most);
}

bool SharedDesk::cancel_ticket(policy::TicketId ticket, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto event = desk_.queue().cancel(ticket, now);
  if (event) deliver({*event});
  return event.has_value();
}

std::size_t SharedDesk::flush_queue(TimePoint now) {
  const std::lock_guard lock(mutex_);
  const auto events = desk_.queue().flush(now);
  deliver(events);
  return events.size();
}

void SharedDesk::pause_queue(bool paused, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (paused) {
    desk_.queue().pause();
    return;
  }
  desk_.queue().resume();
  deliver(desk_.pump(now));
}

std::uint64_t SharedDesk::add(WorkerDesk& worker) {
  const std::lock_guard lock(mutex_);
  workers_.emplace(++last_owner_, &worker);
  return last_owner_;
}

void SharedDesk::remove(std::uint64_t owner) {
  const std::lock_guard lock(mutex_);
  workers_.erase(owner);
}

void SharedDesk::deliver(const std::vector<TicketEvent>& events) {
  std::unordered_map<std::uint64_t, std::vector<WorkerDesk::News>> by_owner;
  for (const TicketEvent& event : events) {
    const auto permit = event.end == TicketEnd::granted ? desk_.granted(event.id) : std::nullopt;
    by_owner[event.owner].push_back({event, permit.value_or(policy::Permit{})});
  }
  for (auto& [owner, news] : by_owner) {
    const auto found = workers_.find(owner);
    if (found == workers_.end()) continue;
    WorkerDesk* worker = found->second;
    // The mailbox drops what comes after the worker's end.
    worker->mailbox_.send([worker, news = std::move(news)] { worker->on_news(news); });
  }
}

// ---- one worker's port -------------------------------------------------------------------------

WorkerDesk::WorkerDesk(SharedDesk& shared, Mailbox& mailbox, Scheduler& scheduler, Random& random)
    : shared_(shared), mailbox_(mailbox), scheduler_(scheduler), random_(random) {
  owner_ = shared_.add(*this);
}

WorkerDesk::~WorkerDesk() {
  shared_.remove(owner_);
}

Result<policy::Permit, policy::Refusal> WorkerDesk::try_acquire(
    std::span<const policy::BackendId> candidates, bool repeat) {
  const std::lock_guard lock(shared_.mutex_);
  return shared_.desk_.try_acquire(candidates, scheduler_.now(), repeat);
}

void WorkerDesk::on_content(policy::PermitId permit) {
  const std::lock_guard lock(shared_.mutex_);
  shared_.desk_.on_content(permit, scheduler_.now());
  if (!shared_.desk_.queue().empty()) shared_.deliver(shared_.desk_.pump(scheduler_.now()));
}

void WorkerDesk::report(policy::PermitId permit, const policy::Outcome& outcome) {
  const std::lock_guard lock(shared_.mutex_);
  shared_.desk_.report(permit, outcome, scheduler_.now());
}

policy::Decision WorkerDesk::decide(policy::PermitId permit, const policy::Outcome& outcome,
                                    policy::Situation situation,
                                    std::span<const policy::BackendId> others) {
  const std::lock_guard lock(shared_.mutex_);
  situation.another = shared_.desk_.has_room(others, permit, scheduler_.now());
  return shared_.desk_.decide(permit, outcome, situation, random_, scheduler_.now());
}

void WorkerDesk::release(policy::PermitId permit) {
  const std::lock_guard lock(shared_.mutex_);
  shared_.desk_.release(permit);
  if (!shared_.desk_.queue().empty()) shared_.deliver(shared_.desk_.pump(scheduler_.now()));
}

Result<policy::TicketId, policy::Refusal> WorkerDesk::enqueue(policy::TicketSpec spec,
                                                              exchange::TicketListener& listener) {
  spec.owner = owner_;
  std::optional<TimePoint> wake;
  Result<policy::TicketId, policy::Refusal> ticket = [&] {
    const std::lock_guard lock(shared_.mutex_);
    auto entered = shared_.desk_.enqueue(std::move(spec), scheduler_.now());
    if (entered) {
      shared_.deliver(shared_.desk_.pump(scheduler_.now()));
      wake = shared_.desk_.next_wake(scheduler_.now());
    }
    return entered;
  }();
  if (!ticket) return ticket;
  listeners_.emplace(*ticket, &listener);
  arm(wake);
  return ticket;
}

void WorkerDesk::leave(policy::TicketId ticket) {
  listeners_.erase(ticket);
  if (listeners_.empty()) timer_.reset();
  const std::lock_guard lock(shared_.mutex_);
  shared_.desk_.leave(ticket);
  if (!shared_.desk_.queue().empty()) shared_.deliver(shared_.desk_.pump(scheduler_.now()));
}

void WorkerDesk::on_news(const std::vector<News>& news) {
  for (const News& one : news) {
    const auto found = listeners_.find(one.event.id);
    if (found == listeners_.end()) continue;  // it left meanwhile, and gave back what it got
    exchange::TicketListener* listener = found->second;
    listeners_.erase(found);
    listener->on_ticket(one.event, one.permit);
  }
  if (listeners_.empty()) timer_.reset();
}

// Whoever has requests waiting watches the clock for the whole queue: with several workers the
// first one to wake up does the work, the others find nothing to do. What other workers change may
// bring the next deed forward, so the watch is never longer than kLongestWatch.
void WorkerDesk::arm(std::optional<TimePoint> wake) {
  timer_.reset();
  if (listeners_.empty()) return;
  Duration delay = kLongestWatch;
  if (wake) delay = std::min(delay, std::chrono::ceil<Duration>(*wake - scheduler_.now()));
  timer_ = scheduler_.after(std::max(delay, Duration{1}), [this] { on_timer(); });
}

void WorkerDesk::on_timer() {
  std::optional<TimePoint> wake;
  {
    const std::lock_guard lock(shared_.mutex_);
    shared_.deliver(shared_.desk_.pump(scheduler_.now()));
    wake = shared_.desk_.next_wake(scheduler_.now());
  }
  arm(wake);
}

}  // namespace clasp::daemon
