// Lines of tickets, one per client, and the turns of the lines.
#include "core/policy/wait_queue.h"

#include <algorithm>

#include "core/policy/router.h"

namespace clasp::policy {
namespace {

constexpr std::size_t kLongestClient = 128;

Duration between(TimePoint from, TimePoint to) {
  return to > from ? std::chrono::duration_cast<Duration>(to - from) : Duration(0);
}

// A backend may be acceptable with two models. The list is short.
std::vector<BackendId> each_once(const std::vector<BackendId>& backends) {
  std::vector<BackendId> once;
  for (const BackendId backend : backends)
    if (std::find(once.begin(), once.end(), backend) == once.end()) once.push_back(backend);
  return once;
}

std::uint64_t& counter(QueueStatus& counts, TicketEnd how) {
  switch (how) {
    case TicketEnd::granted:
      return counts.granted;
    case TicketEnd::expired:
      return counts.expired;
    case TicketEnd::cancelled:
      return counts.cancelled;
    case TicketEnd::drained:
      return counts.drained;
    case TicketEnd::orphaned:
      break;
  }
  return counts.orphaned;
}

}  // namespace

bool WaitQueue::accepts() const {
  return settings_.enabled && !draining_ && tickets_.size() < settings_.max_size;
}

bool WaitQueue::enter(TicketId id, TicketSpec spec, TimePoint now) {
  if (!accepts() || spec.backends.empty()) {
    ++counts_.rejected;
    return false;
  }
  if (spec.backends.size() > kMostCandidates) spec.backends.resize(kMostCandidates);
  if (spec.client.size() > kLongestClient) spec.client.resize(kLongestClient);
  const TimePoint deadline = spec.arrived + Duration(settings_.max_wait_ms);
  auto [client, fresh] = by_client_.try_emplace(spec.client);
  if (fresh) client->second = lines_.insert(lines_.end(), Line{spec.client, {}});
  const LineAt line = client->second;
  for (const BackendId backend : each_once(spec.backends)) ++waiting_for_[backend];
  line->tickets.push_back({id, std::move(spec), now, deadline});
  tickets_[id] = {line, std::prev(line->tickets.end())};
  ++counts_.entered;
  return true;
}

void WaitQueue::erase(Place place) {
  for (const BackendId backend : each_once(place.ticket->spec.backends)) {
    const auto count = waiting_for_.find(backend);
    if (--count->second == 0) waiting_for_.erase(count);
  }
  tickets_.erase(place.ticket->id);
  place.line->tickets.erase(place.ticket);
  if (!place.line->tickets.empty()) return;
  by_client_.erase(place.line->client);
  lines_.erase(place.line);
}

TicketEvent WaitQueue::end(Place place, TicketEnd how, TimePoint now) {
  TicketEvent event;
  event.id = place.ticket->id;
  event.owner = place.ticket->spec.owner;
  event.end = how;
  event.waited = between(place.ticket->entered, now);
  ++counter(counts_, how);
  if (how == TicketEnd::granted || how == TicketEnd::expired)
    counts_.longest_ever = std::max(counts_.longest_ever, event.waited);
  if (how == TicketEnd::granted)
    counts_.typical =
        counts_.granted == 1 ? event.waited : (counts_.typical * 7 + event.waited) / 8;
  erase(place);
  return event;
}

bool WaitQueue::leave(TicketId id) {
  const auto place = tickets_.find(id);
  if (place == tickets_.end()) return false;
  erase(place->second);
  ++counts_.left;
  return true;
}

// Grants the line's first ticket that can go. What could not go before cannot go later in the
// same pump, because places only become fewer: so each ticket is looked at once.
bool WaitQueue::grant_one(QueueGate& gate, TimePoint now, Visit& visit,
                          std::vector<TicketEvent>& events) {
  for (; visit.at != visit.line->tickets.end(); ++visit.at) {
    if (visit.at->spec.not_before > now) continue;
    const auto index = gate.try_grant(visit.at->id, visit.at->spec.backends);
    if (!index) continue;
    const Place place{visit.line, visit.at++};
    // The line's turn is over; an emptied one goes away with its last ticket.
    lines_.splice(lines_.end(), lines_, visit.line);
    const bool emptied = visit.line->tickets.size() == 1;
    events.push_back(end(place, TicketEnd::granted, now));
    events.back().index = *index;
    return !emptied;
  }
  return false;
}

void WaitQueue::grant_all(QueueGate& gate, TimePoint now, std::vector<TicketEvent>& events) {
  std::vector<Visit> visits;
  visits.reserve(lines_.size());
  for (LineAt line = lines_.begin(); line != lines_.end(); ++line)
    visits.push_back({line, line->tickets.begin()});
  while (!visits.empty()) {
    std::vector<Visit> left;
    for (Visit visit : visits)
      if (grant_one(gate, now, visit, events)) left.push_back(visit);
    visits.swap(left);
  }
}

void WaitQueue::end_expired(const QueueGate& gate, TimePoint now,
                            std::vector<TicketEvent>& events) {
  for (LineAt line = lines_.begin(); line != lines_.end();) {
    const LineAt next_line = std::next(line);
    for (TicketAt ticket = line->tickets.begin(), end_of_line = line->tickets.end();
         ticket != end_of_line;) {
      const bool last = std::next(ticket) == end_of_line;
      const Place place{line, ticket++};
      const auto& backends = place.ticket->spec.backends;
      const bool orphaned = std::none_of(backends.begin(), backends.end(),
                                         [&gate](BackendId id) { return gate.exists(id); });
      if (orphaned)
        events.push_back(end(place, TicketEnd::orphaned, now));
      else if (place.ticket->deadline <= now)
        events.push_back(end(place, TicketEnd::expired, now));
      if (last) break;  // the line may be gone
    }
    line = next_line;
  }
}

std::vector<TicketEvent> WaitQueue::pump(QueueGate& gate, TimePoint now) {
  std::vector<TicketEvent> events;
  if (tickets_.empty()) return events;
  if (!paused_) grant_all(gate, now, events);
  end_expired(gate, now, events);
  return events;
}

std::optional<TimePoint> WaitQueue::next_wake(const QueueGate& gate, TimePoint now) const {
  std::optional<TimePoint> wake;
  const auto consider = [&wake](TimePoint when) {
    if (!wake || when < *wake) wake = when;
  };
  for (const Line& line : lines_) {
    for (const Ticket& ticket : line.tickets) {
      consider(ticket.deadline);
      if (paused_) continue;
      if (ticket.spec.not_before > now) {
        consider(ticket.spec.not_before);
        continue;
      }
      for (const BackendId backend : ticket.spec.backends)
        if (const auto change = gate.next_change(backend)) consider(*change);
    }
  }
  return wake;
}

bool WaitQueue::has_ready(BackendId backend, TimePoint now) const {
  if (!waiting_for_.contains(backend)) return false;
  for (const Line& line : lines_)
    for (const Ticket& ticket : line.tickets)
      if (ticket.spec.not_before <= now &&
          std::find(ticket.spec.backends.begin(), ticket.spec.backends.end(), backend) !=
              ticket.spec.backends.end())
        return true;
  return false;
}

std::size_t WaitQueue::waiting_for(BackendId backend) const {
  const auto count = waiting_for_.find(backend);
  return count == waiting_for_.end() ? 0 : count->second;
}

std::optional<TicketEvent> WaitQueue::cancel(TicketId id, TimePoint now) {
  const auto place = tickets_.find(id);
  if (place == tickets_.end()) return std::nullopt;
  return end(place->second, TicketEnd::cancelled, now);
}

std::vector<TicketEvent> WaitQueue::end_all(TicketEnd how, TimePoint now) {
  std::vector<TicketEvent> events;
  events.reserve(tickets_.size());
  while (!lines_.empty())
    events.push_back(end({lines_.begin(), lines_.front().tickets.begin()}, how, now));
  return events;
}

std::vector<TicketEvent> WaitQueue::flush(TimePoint now) {
  return end_all(TicketEnd::cancelled, now);
}

std::vector<TicketEvent> WaitQueue::drain(TimePoint now) {
  draining_ = true;
  return end_all(TicketEnd::drained, now);
}

std::vector<TicketInfo> WaitQueue::list(TimePoint now, std::size_t most) const {
  std::vector<TicketInfo> infos;
  for (const Line& line : lines_) {
    for (const Ticket& ticket : line.tickets) {
      if (infos.size() >= most) return infos;
      infos.push_back({ticket.id, line.client, ticket.spec.backends, ticket.spec.returns,
                       between(ticket.entered, now), between(now, ticket.deadline)});
    }
  }
  return infos;
}

QueueStatus WaitQueue::status(TimePoint now) const {
  QueueStatus status = counts_;
  status.enabled = settings_.enabled;
  status.paused = paused_;
  status.draining = draining_;
  status.waiting = tickets_.size();
  status.clients = lines_.size();
  status.max_size = settings_.max_size;
  for (const Line& line : lines_)
    for (const Ticket& ticket : line.tickets)
      status.longest_now = std::max(status.longest_now, between(ticket.entered, now));
  return status;
}

std::optional<Duration> WaitQueue::typical_wait() const {
  if (counts_.granted == 0) return std::nullopt;
  return counts_.typical;
}

}  // namespace clasp::policy
