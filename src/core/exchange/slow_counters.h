// Backends whose counting of tokens gave no answer in time lately: each further question would cost
// its client the whole wait for nothing. After a while one question is let through again, and the
// others go without until it has its answer.
#pragma once

#include <string>
#include <unordered_map>

#include "base/scheduler.h"

namespace clasp::exchange {

class SlowCounters {
 public:
  // `url`: of the API that the prompt is for.
  bool may_ask(const std::string& url, TimePoint now) {
    const auto slow = silent_until_.find(url);
    if (slow == silent_until_.end()) return true;
    if (now < slow->second) return false;
    slow->second = now + kSilence;
    return true;
  }

  // A question has ended after `waited`. A quick refusal is an answer too.
  void on_end(const std::string& url, bool counted, Duration waited, TimePoint now) {
    if (counted || waited < kTooLong) {
      silent_until_.erase(url);
      return;
    }
    if (silent_until_.size() >= kMost) silent_until_.clear();
    silent_until_[url] = now + kSilence;
  }

 private:
  static constexpr Duration kSilence{60'000};
  static constexpr Duration kTooLong{1'000};
  static constexpr std::size_t kMost = 1000;  // addresses; a configuration has a handful

  std::unordered_map<std::string, TimePoint> silent_until_;
};

}  // namespace clasp::exchange
