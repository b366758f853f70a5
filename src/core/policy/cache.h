// Answers kept in memory: those not used for longest make room, nobody is used after its time. All
// steps take constant time but flush(). Knows no clock and no threads; what it lets go is handed
// out, so that memory is given back outside of the caller's lock.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "config/settings.h"

namespace clasp::policy {

// A digest of everything that an answer depends on (core/exchange/cache_key.h).
struct CacheKey {
  std::array<unsigned char, 32> bytes{};
  friend bool operator==(const CacheKey&, const CacheKey&) = default;
};

struct CacheKeyHash {
  // It is a digest: any of its bytes are as good as a hash.
  std::size_t operator()(const CacheKey& key) const {
    std::size_t hash = 0;
    std::memcpy(&hash, key.bytes.data(), sizeof hash);
    return hash;
  }
};

// One whole Message, and what an answer made of it has to say besides.
struct CachedAnswer {
  std::string body;                    // the Message as JSON
  std::size_t id_at = 0, id_size = 0;  // where its id stands in it, without the quotes
  std::string model_asked, model_used, backend;
  std::string stop_reason;
  std::string warnings;  // of the request's translation
  // As Record has them.
  std::int64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0, cache_write_tokens = 0;
  std::uint32_t tool_calls = 0;
  bool tokens_estimated = false;
  bool beta = false;  // made for a call that sees the beta members
  // Reasoning state of its calls, by their ids, for clients that do not send it back.
  std::vector<std::string> call_ids;
  std::string call_state, late_call_state;

  std::size_t bytes() const;  // all memory that keeping it costs
};
using CachedAnswerPtr = std::shared_ptr<const CachedAnswer>;

// What became of requests, for metrics and for the control API.
struct CacheStats {
  bool enabled = false;
  std::size_t entries = 0, max_entries = 0;
  std::size_t bytes = 0, max_bytes = 0;
  std::uint64_t hits = 0;         // answered from memory
  std::uint64_t misses = 0;       // asked of a backend although it is a request that is cached
  std::uint64_t coalesced = 0;    // answered with what another request was asking already
  std::uint64_t stored = 0;       // answers that were kept
  std::uint64_t evictions = 0;    // let go to make room
  std::uint64_t expirations = 0;  // let go because their time was over
  std::uint64_t flushed = 0;      // let go because somebody said so, or the limits shrank
  std::size_t waiting = 0;        // requests that wait for another one's answer now
};

class Cache {
 public:
  using Dropped = std::vector<CachedAnswerPtr>;

  // What does not fit any more goes at once. Not enabled: everything goes, nothing is kept.
  void configure(const config::CacheSettings& settings, TimePoint now, Dropped& dropped);

  // The answer, used last from now on; null when there is none.
  CachedAnswerPtr find(const CacheKey& key, TimePoint now, Dropped& dropped);
  // In place of an older one. False when it is larger than all there is room for.
  bool put(const CacheKey& key, CachedAnswerPtr answer, TimePoint now, Dropped& dropped);
  // Lets go what was asked of, or answered by, models whose name matches (`*` and `?`; empty: all).
  std::size_t flush(std::string_view pattern, Dropped& dropped);

  std::size_t entries() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }
  void fill(CacheStats& stats) const;

 private:
  struct Entry;
  using Entries = std::list<Entry>;
  using Place = Entries::iterator;
  struct Entry {
    CacheKey key;
    CachedAnswerPtr answer;
    std::size_t bytes;
    TimePoint born;
    std::list<Place>::iterator age;  // in by_age_
  };

  void drop(Place place, Dropped& dropped);
  void drop_expired(TimePoint now, Dropped& dropped);
  bool expired(const Entry& entry, TimePoint now) const { return entry.born + ttl_ <= now; }

  bool enabled_ = false;
  std::size_t max_entries_ = 0, max_bytes_ = 0;
  Duration ttl_{0};
  std::size_t bytes_ = 0;
  Entries entries_;          // the one used last in front
  std::list<Place> by_age_;  // the oldest one in front
  std::unordered_map<CacheKey, Place, CacheKeyHash> places_;
  std::uint64_t stored_ = 0, evictions_ = 0, expirations_ = 0, flushed_ = 0;
};

}  // namespace clasp::policy
