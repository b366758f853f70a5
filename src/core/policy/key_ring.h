// Several keys of one backend, used in turn. A key that was refused rests for a while; when all
// rest, the one whose rest ends first is used, so that the backend's own words reach the client.
// Knows positions only, never a key. The owner serialises calls.
#pragma once

#include <cstddef>
#include <vector>

#include "base/scheduler.h"
#include "config/settings.h"
#include "core/policy/outcome.h"

namespace clasp::policy {

class KeyRing {
 public:
  // At least one, also for a backend without a key.
  explicit KeyRing(std::size_t keys = 1);

  std::size_t size() const { return rest_until_.size(); }
  // The position of the key for the next request.
  std::size_t pick(TimePoint now);
  // Rests the key when the outcome says that it is the key's fault.
  void report(std::size_t key, const Outcome& outcome, const config::KeySettings& settings,
              TimePoint now);
  // Whether a key other than this one is not resting.
  bool has_other(std::size_t key, TimePoint now) const;
  std::size_t resting(TimePoint now) const;
  // All are good again.
  void wake();

 private:
  std::vector<TimePoint> rest_until_;
  std::size_t next_ = 0;
};

// How long the key should rest after this; 0: not at all.
Duration key_rest(const Outcome& outcome, const config::KeySettings& settings);

}  // namespace clasp::policy
