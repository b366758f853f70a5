// Lines about requests that were refused at the door, so few that a flood of them fills no disk:
// per status some in ten seconds, the others are counted and told as a number.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "core/exchange/record.h"

namespace clasp::daemon {

class RefusalLog {
 public:
  static constexpr Duration kWindow{10'000};
  static constexpr unsigned kLines = 10;  // of one status in one window, all workers together

  // Writes the line, or counts it. From any thread.
  void note(const exchange::Refusal& refusal, TimePoint now);
  // Tells what was held back in windows that are over; all of it with `everything`.
  void settle(TimePoint now, bool everything = false);

 private:
  struct Window {
    int status = 0;
    TimePoint began;
    unsigned lines = 0;
    std::uint64_t suppressed = 0;
  };
  Window& window_of(int status, TimePoint now);
  void tell(Window& window);

  std::mutex mutex_;
  std::vector<Window> windows_;  // as many as there are statuses; guarded by mutex_
};

}  // namespace clasp::daemon
