// See cache.h.
#include "core/policy/cache.h"

#include "base/text.h"

namespace clasp::policy {

namespace {

// List nodes, the hash node and its bucket, the control block: what the allocator hands out for an
// entry besides its texts.
constexpr std::size_t kOverhead = 352;

// Short texts live in their object.
std::size_t memory_of(const std::string& text) {
  return text.capacity() > sizeof(std::string) / 2 ? text.capacity() + 1 : 0;
}

}  // namespace

std::size_t CachedAnswer::bytes() const {
  std::size_t sum = sizeof(CachedAnswer) + kOverhead;
  for (const std::string* text : {&body, &model_asked, &model_used, &backend, &stop_reason,
                                  &warnings, &call_state, &late_call_state})
    sum += memory_of(*text);
  for (const std::string& id : call_ids) sum += sizeof(std::string) + memory_of(id);
  return sum;
}

void Cache::configure(const config::CacheSettings& settings, TimePoint now, Dropped& dropped) {
  enabled_ = settings.enabled;
  max_entries_ = settings.max_size;
  max_bytes_ = settings.max_bytes;
  ttl_ = Duration{settings.ttl_ms};
  drop_expired(now, dropped);
  while (!entries_.empty() &&
         (!enabled_ || entries_.size() > max_entries_ || bytes_ > max_bytes_)) {
    drop(std::prev(entries_.end()), dropped);
    ++flushed_;
  }
}

void Cache::drop(Place place, Dropped& dropped) {
  bytes_ -= place->bytes;
  dropped.push_back(std::move(place->answer));
  by_age_.erase(place->age);
  places_.erase(place->key);
  entries_.erase(place);
}

// Everybody lives equally long, so the oldest ones go first.
void Cache::drop_expired(TimePoint now, Dropped& dropped) {
  while (!by_age_.empty() && expired(*by_age_.front(), now)) {
    drop(by_age_.front(), dropped);
    ++expirations_;
  }
}

CachedAnswerPtr Cache::find(const CacheKey& key, TimePoint now, Dropped& dropped) {
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  const Place place = found->second;
  if (expired(*place, now)) {
    drop(place, dropped);
    ++expirations_;
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, place);
  return place->answer;
}

bool Cache::put(const CacheKey& key, CachedAnswerPtr answer, TimePoint now, Dropped& dropped) {
  const std::size_t size = answer->bytes();
  if (!enabled_ || ttl_.count() <= 0 || max_entries_ == 0 || size > max_bytes_) return false;
  if (const auto found = places_.find(key); found != places_.end()) drop(found->second, dropped);
  drop_expired(now, dropped);
  while (!entries_.empty() && (entries_.size() >= max_entries_ || bytes_ + size > max_bytes_)) {
    drop(std::prev(entries_.end()), dropped);
    ++evictions_;
  }
  entries_.push_front({key, std::move(answer), size, now, {}});
  entries_.front().age = by_age_.insert(by_age_.end(), entries_.begin());
  places_.emplace(key, entries_.begin());
  bytes_ += size;
  ++stored_;
  return true;
}

std::size_t Cache::flush(std::string_view pattern, Dropped& dropped) {
  const std::size_t before = entries_.size();
  for (Place place = entries_.begin(); place != entries_.end();) {
    const Place next = std::next(place);
    const CachedAnswer& answer = *place->answer;
    if (pattern.empty() || glob_match(pattern, answer.model_asked) ||
        glob_match(pattern, answer.model_used))
      drop(place, dropped);
    place = next;
  }
  flushed_ += before - entries_.size();
  return before - entries_.size();
}

void Cache::fill(CacheStats& stats) const {
  stats.enabled = enabled_;
  stats.entries = entries_.size();
  stats.max_entries = max_entries_;
  stats.bytes = bytes_;
  stats.max_bytes = max_bytes_;
  stats.stored = stored_;
  stats.evictions = evictions_;
  stats.expirations = expirations_;
  stats.flushed = flushed_;
}

}  // namespace clasp::policy
