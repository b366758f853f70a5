// Prepared media, kept for the next turn: a conversation sends its pictures and PDFs again with
// every request, and must get the same bytes for them. Bounded by bytes; the one that was not used
// for the longest time goes first. Knows no threads.
#pragma once

#include <list>
#include <string>
#include <unordered_map>

#include "base/scheduler.h"
#include "core/translate/media.h"

namespace clasp::exchange {

class MediaCache {
 public:
  explicit MediaCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // Every use prolongs the life of what is found, up to a day.
  translate::MediumPtr find(const std::string& key, TimePoint now);
  // Failures live shortly: long enough that a dead address does not delay every turn.
  void put(const std::string& key, translate::MediumPtr medium, TimePoint now);
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    translate::MediumPtr medium;
    TimePoint born, expires;
  };
  using Place = std::list<Entry>::iterator;
  void forget(Place place);

  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  // the one used last in front
  std::unordered_map<std::string, Place> places_;
};

}  // namespace clasp::exchange
