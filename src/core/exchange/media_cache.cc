// See media_cache.h.
#include "core/exchange/media_cache.h"

#include <algorithm>

namespace clasp::exchange {

namespace {

constexpr std::chrono::hours kLife{1}, kMostLife{24};
constexpr std::chrono::seconds kFailureLife{60};
constexpr std::size_t kOverhead = 256;

std::size_t size_of(const std::string& key, const translate::Medium& medium) {
  return 2 * key.size() + medium.raw.size() + kOverhead;
}

}  // namespace

void MediaCache::forget(Place place) {
  bytes_ -= size_of(place->key, *place->medium);
  places_.erase(place->key);
  entries_.erase(place);
}

translate::MediumPtr MediaCache::find(const std::string& key, TimePoint now) {
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  const Place place = found->second;
  if (place->expires <= now) {
    forget(place);
    return nullptr;
  }
  if (place->medium->state != translate::Medium::State::failed)
    place->expires = std::min<TimePoint>(now + kLife, place->born + kMostLife);
  entries_.splice(entries_.begin(), entries_, place);
  return place->medium;
}

void MediaCache::put(const std::string& key, translate::MediumPtr medium, TimePoint now) {
  if (const auto found = places_.find(key); found != places_.end()) forget(found->second);
  const std::size_t size = size_of(key, *medium);
  if (size > most_bytes_) return;
  while (bytes_ + size > most_bytes_) forget(std::prev(entries_.end()));
  const bool failed = medium->state == translate::Medium::State::failed;
  const TimePoint expires = failed ? now + kFailureLife : now + kLife;
  entries_.push_front({key, std::move(medium), now, expires});
  places_[key] = entries_.begin();
  bytes_ += size;
}

}  // namespace clasp::exchange
