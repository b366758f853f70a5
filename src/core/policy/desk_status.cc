// The desk's status, its names, and what an administrator may do to it.
#include "core/policy/desk_status.h"

#include "core/policy/desk.h"

namespace clasp::policy {

std::string_view admin_state_name(AdminState state) {
  switch (state) {
    case AdminState::enabled:
      return "enabled";
    case AdminState::draining:
      return "draining";
    case AdminState::disabled:
      return "disabled";
  }
  return "";
}

std::string_view refusal_name(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::saturated:
      return "saturated";
    case RefusalReason::open:
      return "open";
    case RefusalReason::disabled:
      return "disabled";
    case RefusalReason::mixed:
      return "mixed";
    case RefusalReason::queue_full:
      return "queue_full";
    case RefusalReason::queue_off:
      return "queue_off";
    case RefusalReason::draining:
      return "draining";
  }
  return "";
}

BackendStatus Desk::status_of(Slot& slot, TimePoint now) const {
  BackendStatus status = slot.counts;
  status.id = slot.id;
  status.name = slot.name;
  status.admin = slot.admin;
  status.in_flight = slot.in_flight;
  status.max_concurrency = slot.max_concurrency;
  status.waiting = queue_.waiting_for(slot.id);
  status.retry_budget = slot.budget.available(now);
  status.keys = slot.keys.size();
  status.keys_resting = slot.keys.resting(now);
  status.breaker = slot.breaker.status(now);
  status.health = slot.health.status(now);
  return status;
}

DeskStatus Desk::snapshot(TimePoint now) {
  DeskStatus status;
  status.backends.reserve(slots_.size());
  for (Slot& slot : slots_)
    if (!slot.retired) status.backends.push_back(status_of(slot, now));
  status.queue = queue_.status(now);
  status.permits = held_.size();
  return status;
}

bool Desk::set_admin_state(std::string_view backend, AdminState state) {
  Slot* slot = find(backend);
  if (slot == nullptr) return false;
  slot->admin = state;
  return true;
}

Breaker* Desk::breaker(std::string_view backend) {
  Slot* slot = find(backend);
  return slot == nullptr ? nullptr : &slot->breaker;
}

KeyRing* Desk::keys(std::string_view backend) {
  Slot* slot = find(backend);
  return slot == nullptr ? nullptr : &slot->keys;
}

bool Desk::is_idle(std::string_view backend) const {
  for (const Slot& slot : slots_)
    if (!slot.retired && slot.name == backend) return slot.in_flight == 0;
  return true;
}

}  // namespace clasp::policy
