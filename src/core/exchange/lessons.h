// What was learned from refusals, per backend and model, for a day (translation spec §6.5): the
// dialect as it turned out to be. Lessons themselves know no threads: the daemon's LessonPort
// shares them between workers.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/scheduler.h"
#include "core/exchange/catalog.h"
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
  translate::Dialect responses;  // the dialect for the Responses API
  const translate::Dialect& dialect_for(translate::Api api) const {
    return api == translate::Api::responses ? responses : dialect;
  }
};
using AdaptedPtr = std::shared_ptr<const Adapted>;

// The name under which lessons about a backend are kept: another address is another backend.
std::string lesson_key(const Backend& backend);

class LessonPort {
 public:
  virtual ~LessonPort() = default;
  // nullptr when nothing was learned, or too long ago.
  virtual AdaptedPtr find(const std::string& backend, const std::string& model, TimePoint now) = 0;
  // Remembers. When there are too many the oldest one goes.
  virtual void learn(const std::string& backend, const std::string& model, AdaptedPtr adapted,
                     TimePoint now) = 0;
};

class Lessons final : public LessonPort {
 public:
  AdaptedPtr find(const std::string& backend, const std::string& model, TimePoint now) override;
  void learn(const std::string& backend, const std::string& model, AdaptedPtr adapted,
             TimePoint now) override;
  bool empty() const { return lessons_.empty(); }

 private:
  struct Lesson {
    AdaptedPtr adapted;
    TimePoint learned;
  };
  using Key = std::pair<std::string, std::string>;

  std::map<Key, Lesson> lessons_;
};

}  // namespace clasp::exchange
