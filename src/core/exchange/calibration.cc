// See calibration.h.
#include "core/exchange/calibration.h"

#include <algorithm>
#include <cmath>

namespace clasp::exchange {

namespace {

// Model names come from clients: what is remembered has a bound, and so have the names.
constexpr std::size_t kMostModels = 1000;
constexpr std::size_t kLongestName = 256;
// What a new count weighs.
constexpr double kWeight = 0.2;
// Below this the fixed parts of a prompt say more than its text.
constexpr std::int64_t kLeastTokens = 100;

}  // namespace

std::int64_t Calibration::correct(const std::string& backend, const std::string& model,
                                  std::int64_t estimate) {
  if (factors_.empty()) return estimate;
  const auto found = factors_.find(Key(backend, model));
  if (found == factors_.end()) return estimate;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(estimate) * found->second.value));
}

bool Calibration::wants(const std::string& backend, const std::string& model) {
  if (model.size() > kLongestName) return false;
  const auto found = factors_.find(Key(backend, model));
  if (found == factors_.end()) return factors_.size() < kMostModels;
  return found->second.learned < kFirst || ++found->second.passed % kOneIn == 0;
}

void Calibration::learn(const std::string& backend, const std::string& model, std::int64_t estimate,
                        std::int64_t counted) {
  if (estimate < kLeastTokens || counted <= 0 || model.size() > kLongestName) return;
  const double ratio =
      std::clamp(static_cast<double>(counted) / static_cast<double>(estimate), kLeast, kMost);
  const auto found = factors_.find(Key(backend, model));
  if (found != factors_.end()) {
    Factor& factor = found->second;
    factor.value += kWeight * (ratio - factor.value);
    ++factor.learned;
  } else if (factors_.size() < kMostModels) {
    factors_.emplace(Key(backend, model), Factor{ratio, 1, 0});
  }
}

}  // namespace clasp::exchange
