// See flights.h.
#include "core/policy/flights.h"

namespace clasp::policy {

Flights::Seat Flights::join(const CacheKey& key, std::uint64_t owner) {
  const SeatId id = ++last_;
  seats_.emplace(id, key);
  const auto [place, fresh] = flights_.try_emplace(key);
  if (fresh)
    place->second.leader = id;
  else
    place->second.followers.emplace(id, owner);
  return {id, fresh};
}

void Flights::end(Map::iterator flight, SeatNews::What what, std::vector<SeatNews>& news) {
  for (const auto& [seat, owner] : flight->second.followers) {
    news.push_back({seat, owner, what});
    seats_.erase(seat);
  }
  flights_.erase(flight);
}

std::vector<SeatNews> Flights::land(SeatId leader) {
  std::vector<SeatNews> news;
  const auto seat = seats_.find(leader);
  if (seat == seats_.end()) return news;
  const auto flight = flights_.find(seat->second);
  if (flight->second.leader != leader) return news;
  seats_.erase(seat);
  end(flight, SeatNews::What::answer, news);
  return news;
}

std::vector<SeatNews> Flights::leave(SeatId id, bool failed) {
  std::vector<SeatNews> news;
  const auto seat = seats_.find(id);
  if (seat == seats_.end()) return news;
  const auto place = flights_.find(seat->second);
  seats_.erase(seat);
  Flight& flight = place->second;
  if (flight.leader != id) {
    flight.followers.erase(id);
    return news;
  }
  if (failed) ++flight.failures;
  if (flight.followers.empty() || flight.failures >= kMostLeaders) {
    end(place, SeatNews::What::alone, news);
    return news;
  }
  const auto next = flight.followers.begin();
  flight.leader = next->first;
  news.push_back({next->first, next->second, SeatNews::What::lead});
  flight.followers.erase(next);
  return news;
}

}  // namespace clasp::policy
