// The calibration of token estimates for all workers: a lock around the one store.
#pragma once

#include <mutex>

#include "core/exchange/calibration.h"

namespace clasp::daemon {

class SharedCalibration final : public exchange::CalibrationPort {
 public:
  std::int64_t correct(const std::string& backend, const std::string& model,
                       std::int64_t estimate) override {
    const std::lock_guard lock(mutex_);
    return calibration_.correct(backend, model, estimate);
  }
  bool wants(const std::string& backend, const std::string& model) override {
    const std::lock_guard lock(mutex_);
    return calibration_.wants(backend, model);
  }
  void learn(const std::string& backend, const std::string& model, std::int64_t estimate,
             std::int64_t counted) override {
    const std::lock_guard lock(mutex_);
    calibration_.learn(backend, model, estimate, counted);
  }

 private:
  std::mutex mutex_;
  exchange::Calibration calibration_;  // guarded by mutex_
};

}  // namespace clasp::daemon
