// The desk: who gets which backend, and what the ends of requests change.
#include "core/policy/desk.h"

#include <algorithm>
#include <functional>

namespace clasp::policy {
namespace {

constexpr Duration kShortestHint{1'000};
constexpr Duration kLongestHint{60'000};

// Identity only: neither a key nor a part of one is kept.
std::uint64_t hash_keys(const config::BackendSettings& backend) {
  std::uint64_t hash = std::hash<std::string_view>()(backend.api_key.reveal());
  if (backend.pass_client_key) ++hash;
  for (const Secret& key : backend.more_keys)
    hash = hash * 0x9e3779b97f4a7c15ull + std::hash<std::string_view>()(key.reveal());
  return hash;
}

void average(Duration& mean, TimePoint from, TimePoint to) {
  const auto value = std::max(std::chrono::duration_cast<Duration>(to - from), Duration(1));
  mean = mean == Duration(0) ? value : (mean * 7 + value) / 8;
}

Duration whole_seconds(Duration wait) {
  const Duration bounded = std::clamp(wait, kShortestHint, kLongestHint);
  return std::chrono::ceil<std::chrono::seconds>(bounded);
}

}  // namespace

std::vector<BackendId> Desk::reconfigure(const config::Settings& settings, TimePoint now) {
  retry_ = settings.retry;
  key_settings_ = settings.keys;
  queue_.configure(settings.queue);
  std::vector<Slot> old = std::exchange(slots_, {});
  std::vector<BackendId> ids;
  by_id_.clear();
  for (const config::BackendSettings& backend : settings.backends) {
    const std::uint64_t keys_hash = hash_keys(backend);
    const auto same = std::find_if(old.begin(), old.end(), [&](const Slot& slot) {
      return slot.id != 0 && !slot.retired && slot.name == backend.name &&
             slot.provider == backend.provider && slot.base_url == backend.base_url &&
             slot.keys_hash == keys_hash;
    });
    if (same != old.end()) {
      slots_.push_back(std::move(*same));
      same->id = 0;
    } else {
      Slot& slot = slots_.emplace_back();
      slot.id = ++last_backend_;
      slot.name = backend.name;
      slot.provider = backend.provider;
      slot.base_url = backend.base_url;
      slot.keys_hash = keys_hash;
      slot.budget = RetryBudget(settings.retry);
      // Clients' own keys are not in turn: the next attempt of a request has the same one.
      slot.keys = KeyRing(backend.pass_client_key ? 1 : 1 + backend.more_keys.size());
    }
    Slot& slot = slots_.back();
    slot.max_concurrency = backend.max_concurrency;
    slot.breaker.configure(settings.breaker, now);
    slot.budget.configure(settings.retry);
    ids.push_back(slot.id);
  }
  // Requests that know only the old configuration are still on their way to these.
  for (Slot& slot : old) {
    if (slot.id == 0 || slot.retired) continue;
    slot.retired = true;
    slots_.push_back(std::move(slot));
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) by_id_[slots_[i].id] = i;
  return ids;
}

Desk::Slot* Desk::find(BackendId id) {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &slots_[at->second];
}

const Desk::Slot* Desk::find(BackendId id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &slots_[at->second];
}

Desk::Slot* Desk::find(std::string_view name) {
  for (Slot& slot : slots_)
    if (!slot.retired && slot.name == name) return &slot;
  return nullptr;
}

QueueGate& Desk::at(TimePoint now) {
  now_ = now;
  return *this;
}

std::optional<RefusalReason> Desk::obstacle(const Slot* slot, TimePoint now) const {
  if (slot == nullptr || slot->admin != AdminState::enabled) return RefusalReason::disabled;
  if (!slot->breaker.would_pass(now)) return RefusalReason::open;
  if (slot->max_concurrency != 0 && slot->in_flight >= slot->max_concurrency)
    return RefusalReason::saturated;
  return std::nullopt;
}

// Returns the key's position. Only when there is no obstacle.
std::size_t Desk::take(Slot& slot, PermitId id, std::size_t index, TimePoint now) {
  Held held;
  held.backend = slot.id;
  held.index = index;
  held.key = slot.keys.pick(now);
  if (const auto pass = slot.breaker.try_pass(now)) held.pass = *pass;
  held.since = now;
  ++slot.in_flight;
  ++slot.counts.attempts;
  held_[id] = held;
  return held.key;
}

Result<Permit, Refusal> Desk::try_acquire(std::span<const BackendId> candidates, TimePoint now,
                                          bool repeat) {
  std::optional<RefusalReason> reason;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Slot* slot = find(candidates[i]);
    auto problem = obstacle(slot, now);
    if (!problem && queue_.has_ready(candidates[i], now)) problem = RefusalReason::saturated;
    if (!problem) {
      if (!repeat) slot->budget.on_request();
      const PermitId id = ++last_id_;
      const std::size_t key = take(*slot, id, i, now);
      return Permit{id, i, key};
    }
    if (slot != nullptr) ++slot->counts.refused;
    reason = !reason || *reason == *problem ? *problem : RefusalReason::mixed;
  }
  return tl::unexpected(
      Refusal{reason.value_or(RefusalReason::disabled), wait_hint(candidates, now)});
}

bool Desk::has_room(std::span<const BackendId> candidates, PermitId mine, TimePoint now) const {
  const auto held = held_.find(mine);
  return std::any_of(candidates.begin(), candidates.end(), [&](BackendId id) {
    const Slot* slot = find(id);
    auto problem = obstacle(slot, now);
    // The same backend with another model: its place is the one that gets free.
    if (problem == RefusalReason::saturated && held != held_.end() && held->second.backend == id &&
        slot->in_flight == slot->max_concurrency)
      problem.reset();
    return !problem && !queue_.has_ready(id, now);
  });
}

std::optional<std::size_t> Desk::try_grant(TicketId id, const std::vector<BackendId>& backends) {
  for (std::size_t i = 0; i < backends.size(); ++i) {
    Slot* slot = find(backends[i]);
    if (obstacle(slot, now_) || slot->retired) continue;
    take(*slot, id, i, now_);
    return i;
  }
  return std::nullopt;
}

std::optional<TimePoint> Desk::next_change(BackendId backend) const {
  const Slot* slot = find(backend);
  // What is full or out of service by hand changes by deeds, and they pump.
  if (obstacle(slot, now_) != RefusalReason::open) return std::nullopt;
  return slot->breaker.next_change(now_);
}

// Nothing: nobody can say.
std::optional<Duration> Desk::time_until_free(const Slot& slot, TimePoint now) const {
  if (slot.admin != AdminState::enabled) return std::nullopt;
  const Duration closed_for = slot.breaker.retry_after(now);
  if (closed_for == Breaker::kForever) return std::nullopt;
  if (closed_for > Duration(0)) return closed_for;
  const std::size_t waiting = queue_.waiting_for(slot.id);
  if (waiting > 0)
    if (const auto typical = queue_.typical_wait()) return typical;
  // Those in flight end one after the other, and those who wait go first.
  return slot.counts.latency * (waiting + 1) / std::max(slot.in_flight, 1u);
}

Duration Desk::wait_hint(std::span<const BackendId> candidates, TimePoint now) const {
  Duration soonest = kLongestHint;
  for (const BackendId id : candidates)
    if (const Slot* slot = find(id))
      soonest = std::min(soonest, time_until_free(*slot, now).value_or(kLongestHint));
  return whole_seconds(soonest);
}

void Desk::on_content(PermitId permit, TimePoint now) {
  const auto held = held_.find(permit);
  if (held == held_.end() || held->second.content) return;
  held->second.content = true;
  Slot* slot = find(held->second.backend);
  if (slot == nullptr) return;
  slot->breaker.on_content(held->second.pass);
  average(slot->counts.first_content, held->second.since, now);
}

void Desk::report(PermitId permit, const Outcome& outcome, TimePoint now) {
  const auto found = held_.find(permit);
  if (found == held_.end() || found->second.reported) return;
  Held& held = found->second;
  held.reported = true;
  Slot* slot = find(held.backend);
  if (slot == nullptr) return;
  const FailureClass failure = classify(outcome);
  slot->breaker.report(held.pass, judge(outcome), failure, now);
  slot->health.on_outcome(outcome, now);
  if (!outcome.clients_key) slot->keys.report(held.key, outcome, key_settings_, now);
  if (outcome.kind == OutcomeKind::success) {
    ++slot->counts.successes;
    average(slot->counts.latency, held.since, now);
  } else if (failure != FailureClass::none) {
    ++slot->counts.failures[static_cast<std::size_t>(failure)];
  } else {
    ++slot->counts.abandoned;
  }
}

Decision Desk::decide(PermitId permit, const Outcome& outcome, Situation situation, Random& random,
                      TimePoint now) {
  const auto held = held_.find(permit);
  Slot* slot = held == held_.end() ? nullptr : find(held->second.backend);
  if (slot == nullptr) {
    // Its backend was removed: elsewhere or not at all.
    const bool next = situation.another && !situation.committed && elsewhere_helps(outcome);
    return {next ? NextStep::next_candidate : NextStep::give_up, Duration(0)};
  }
  situation.another_key = slot->keys.has_other(held->second.key, now);
  const Decision decision = policy::decide(retry_, outcome, situation, slot->budget, random, now);
  if (decision.step == NextStep::again) ++slot->counts.retries;
  if (decision.step == NextStep::next_candidate) ++slot->counts.fallbacks;
  return decision;
}

void Desk::release(PermitId permit) {
  const auto found = held_.find(permit);
  if (found == held_.end()) return;
  const Held held = found->second;
  held_.erase(found);
  Slot* slot = find(held.backend);
  if (slot == nullptr) return;
  --slot->in_flight;
  if (held.reported) return;
  slot->breaker.abandon(held.pass);
  ++slot->counts.abandoned;
}

Result<TicketId, Refusal> Desk::enqueue(TicketSpec spec, TimePoint now) {
  const auto refuse = [&](RefusalReason reason) {
    return tl::unexpected(Refusal{reason, wait_hint(spec.backends, now)});
  };
  if (queue_.is_draining()) return refuse(RefusalReason::draining);
  if (!queue_.settings().enabled) return refuse(RefusalReason::queue_off);
  // Waiting for what an administrator took away would be waiting for the deadline.
  const bool hopeless = std::all_of(spec.backends.begin(), spec.backends.end(), [&](BackendId id) {
    return !exists(id) || obstacle(find(id), now) == RefusalReason::disabled;
  });
  if (hopeless) return refuse(RefusalReason::disabled);
  // Before spec is moved from, which it also is when the queue is full.
  const Refusal full{RefusalReason::queue_full,
                     queue_.accepts() ? Duration(0) : wait_hint(spec.backends, now)};
  const TicketId id = ++last_id_;
  if (!queue_.enter(id, std::move(spec), now)) return tl::unexpected(full);
  return id;
}

void Desk::leave(TicketId ticket) {
  if (!queue_.leave(ticket)) release(ticket);
}

std::optional<Permit> Desk::granted(TicketId ticket) const {
  const auto held = held_.find(ticket);
  if (held == held_.end()) return std::nullopt;
  return Permit{ticket, held->second.index, held->second.key};
}

void Desk::on_probe(BackendId backend, const Outcome& outcome, TimePoint now) {
  if (Slot* slot = find(backend)) slot->health.on_probe(outcome, now);
}

}  // namespace clasp::policy
