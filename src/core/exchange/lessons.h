// What was learned from refusals, per backend and model, for a day (translation spec §6.5): the
// dialect as it turned out to be. Shared by all workers; the only state that exchanges leave
// behind.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/scheduler.h"
#include "core/translate/dialect.h"
#include "core/translate/repair.h"
#include "core/translate/target.h"

namespace clasp::exchange {

inline constexpr std::chrono::hours kLessonLife{24};
// Model names come from clients: what is remembered has a bound.
inline constexpr std::size_t kMostLessons = 1000;

// A dialect with lessons applied. Immutable once shared.
struct Adapted {
  translate::Dialect dialect;
  translate::Adjustments adjustments;
};
using AdaptedPtr = std::shared_ptr<const Adapted>;

class Lessons {
 public:
  // nullptr when nothing was learned, or too long ago. Without lessons it takes no lock.
  AdaptedPtr find(const std::string& backend, const std::string& model, TimePoint now);
  // Remembers. When there are too many the oldest one goes.
  void learn(const std::string& backend, const std::string& model, AdaptedPtr adapted,
             TimePoint now);

 private:
  struct Lesson {
    AdaptedPtr adapted;
    TimePoint learned;
  };
  using Key = std::pair<std::string, std::string>;

  std::atomic<bool> any_{false};
  std::mutex mutex_;
  std::map<Key, Lesson> lessons_;  // guarded by mutex_
};

}  // namespace clasp::exchange
