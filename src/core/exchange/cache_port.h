// The response cache (core/policy/cache_desk.h) as an exchange sees it. One port per loop; the
// cache behind it may be shared by several.
#pragma once

#include <utility>

#include "core/policy/cache_desk.h"

namespace clasp::exchange {

// Hears what became of a seat that follows, from the loop and never from inside a call of the
// port. Once.
class SeatListener {
 public:
  virtual ~SeatListener() = default;
  // `answer` is set when that is what it is.
  virtual void on_seat(policy::SeatNews::What what, const policy::CachedAnswerPtr& answer) = 0;
};

class CachePort {
 public:
  virtual ~CachePort() = default;
  // As CacheDesk::ask(). `listener` of a seat that follows must live until it was told, or until
  // leave().
  virtual policy::CacheReply ask(const policy::CacheKey& key, bool coalesce,
                                 SeatListener& listener) = 0;
  virtual void land(policy::SeatId seat, const policy::CacheKey& key,
                    policy::CachedAnswerPtr answer, bool keep) = 0;
  // Nothing is heard of it afterwards.
  virtual void leave(policy::SeatId seat, bool failed) = 0;
};

// A seat that is given up when it is let go.
class HeldSeat {
 public:
  HeldSeat() = default;
  HeldSeat(CachePort& cache, policy::SeatId seat) : cache_(&cache), seat_(seat) {}
  HeldSeat(HeldSeat&& other) noexcept
      : cache_(other.cache_), seat_(std::exchange(other.seat_, 0)) {}
  HeldSeat& operator=(HeldSeat&& other) noexcept {
    if (this == &other) return *this;
    leave(false);
    cache_ = other.cache_;
    seat_ = std::exchange(other.seat_, 0);
    return *this;
  }
  ~HeldSeat() { leave(false); }
  explicit operator bool() const { return seat_ != 0; }
  // Somebody else gives it up: it landed, or was taken away.
  policy::SeatId release() { return std::exchange(seat_, 0); }
  void leave(bool failed) {
    if (const policy::SeatId seat = release(); seat != 0) cache_->leave(seat, failed);
  }

 private:
  CachePort* cache_ = nullptr;
  policy::SeatId seat_ = 0;
};

}  // namespace clasp::exchange
