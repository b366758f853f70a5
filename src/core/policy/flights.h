// Requests that ask the same at the same time: one of them leads and asks a backend, the others
// follow and get its answer. A leader that has none makes room for the follower that came first,
// so that never two ask at once. After kMostLeaders have failed in a row nobody waits for anybody
// any more: each follower asks for itself, as it would without all this, and no wait is longer
// than a few attempts. Knows no clock and no threads.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "core/policy/cache.h"

namespace clasp::policy {

using SeatId = std::uint64_t;  // never 0

inline constexpr int kMostLeaders = 2;

// What a follower hears, once.
struct SeatNews {
  SeatId seat = 0;
  std::uint64_t owner = 0;  // whom to tell
  enum class What {
    answer,  // the leader has it; the seat is gone
    lead,    // the seat leads from now on
    alone,   // the seat is gone: ask for yourself
  } what = What::answer;
};

class Flights {
 public:
  struct Seat {
    SeatId id = 0;
    bool leads = false;
  };
  // A place among those who ask this; the first one leads.
  Seat join(const CacheKey& key, std::uint64_t owner);
  // The leader's answer is there: everybody is told, all seats are gone. Not for followers.
  std::vector<SeatNews> land(SeatId leader);
  // Gives up a seat of any kind; one that is gone is no mistake. `failed`: a leader that got an
  // error where the next one may well get the same.
  std::vector<SeatNews> leave(SeatId seat, bool failed);

  std::size_t waiting() const { return seats_.size() - flights_.size(); }
  bool empty() const { return seats_.empty(); }

 private:
  struct Flight {
    SeatId leader = 0;
    int failures = 0;                           // of leaders, in a row
    std::map<SeatId, std::uint64_t> followers;  // their owners, in the order of arrival
  };
  using Map = std::unordered_map<CacheKey, Flight, CacheKeyHash>;

  void end(Map::iterator flight, SeatNews::What what, std::vector<SeatNews>& news);

  Map flights_;
  std::unordered_map<SeatId, CacheKey> seats_;
  SeatId last_ = 0;
};

}  // namespace clasp::policy
