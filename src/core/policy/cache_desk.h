// The response cache as requests meet it: what is kept (cache.h) and what is being asked right now
// (flights.h) together, so that between two looks nothing can happen. Counts. Knows no clock and no
// threads.
#pragma once

#include "core/policy/cache.h"
#include "core/policy/flights.h"

namespace clasp::policy {

// What a request is told: an answer; else, with a seat, to lead or to wait; else to ask alone.
struct CacheReply {
  CachedAnswerPtr answer;
  SeatId seat = 0;
  bool leads = false;
};

class CacheDesk {
 public:
  using Dropped = Cache::Dropped;

  void configure(const config::CacheSettings& settings, TimePoint now, Dropped& dropped) {
    cache_.configure(settings, now, dropped);
  }
  // `coalesce`: the request would wait for another one's answer.
  CacheReply ask(const CacheKey& key, bool coalesce, std::uint64_t owner, TimePoint now,
                 Dropped& dropped);
  // A request has its answer. `seat` may be 0: it asked alone. `keep`: later requests get it too.
  std::vector<SeatNews> land(SeatId seat, const CacheKey& key, CachedAnswerPtr answer, bool keep,
                             TimePoint now, Dropped& dropped);
  // As Flights::leave().
  std::vector<SeatNews> leave(SeatId seat, bool failed);
  std::size_t flush(std::string_view pattern, Dropped& dropped) {
    return cache_.flush(pattern, dropped);
  }
  CacheStats stats() const;

 private:
  std::vector<SeatNews> count(std::vector<SeatNews> news);

  Cache cache_;
  Flights flights_;
  std::uint64_t hits_ = 0, misses_ = 0, coalesced_ = 0;
};

}  // namespace clasp::policy
