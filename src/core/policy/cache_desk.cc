// See cache_desk.h.
#include "core/policy/cache_desk.h"

namespace clasp::policy {

CacheReply CacheDesk::ask(const CacheKey& key, bool coalesce, std::uint64_t owner, TimePoint now,
                          Dropped& dropped) {
  CacheReply reply;
  reply.answer = cache_.find(key, now, dropped);
  if (reply.answer) {
    ++hits_;
    return reply;
  }
  if (coalesce) {
    const Flights::Seat seat = flights_.join(key, owner);
    reply.seat = seat.id;
    reply.leads = seat.leads;
  }
  if (!coalesce || reply.leads) ++misses_;
  return reply;
}

std::vector<SeatNews> CacheDesk::land(SeatId seat, const CacheKey& key, CachedAnswerPtr answer,
                                      bool keep, TimePoint now, Dropped& dropped) {
  if (keep) cache_.put(key, std::move(answer), now, dropped);
  return seat == 0 ? std::vector<SeatNews>() : count(flights_.land(seat));
}

std::vector<SeatNews> CacheDesk::leave(SeatId seat, bool failed) {
  return count(flights_.leave(seat, failed));
}

std::vector<SeatNews> CacheDesk::count(std::vector<SeatNews> news) {
  for (const SeatNews& one : news) ++(one.what == SeatNews::What::answer ? coalesced_ : misses_);
  return news;
}

CacheStats CacheDesk::stats() const {
  CacheStats stats;
  cache_.fill(stats);
  stats.hits = hits_;
  stats.misses = misses_;
  stats.coalesced = coalesced_;
  stats.waiting = flights_.waiting();
  return stats;
}

}  // namespace clasp::policy
