// How far the token estimate is from what a backend counts, per backend and model (translation
// spec §7.1): a moving average of counted / estimated. For what clients are shown before the
// backend has counted, never for guards. Knows no threads: the daemon's port shares it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace clasp::exchange {

class CalibrationPort {
 public:
  virtual ~CalibrationPort() = default;
  // The estimate as that backend would probably count, in tokens.
  virtual std::int64_t correct(const std::string& backend, const std::string& model,
                               std::int64_t estimate) = 0;
  // Whether an estimate is worth its time only to be held against what the backend will count.
  virtual bool wants(const std::string& backend, const std::string& model) = 0;
  // A request of that estimate was counted.
  virtual void learn(const std::string& backend, const std::string& model, std::int64_t estimate,
                     std::int64_t counted) = 0;
};

class Calibration final : public CalibrationPort {
 public:
  std::int64_t correct(const std::string& backend, const std::string& model,
                       std::int64_t estimate) override;
  // The first few requests of a model, then one in many.
  bool wants(const std::string& backend, const std::string& model) override;
  void learn(const std::string& backend, const std::string& model, std::int64_t estimate,
             std::int64_t counted) override;

  static constexpr double kLeast = 0.7, kMost = 1.5;
  static constexpr std::uint32_t kFirst = 8, kOneIn = 16;

 private:
  using Key = std::pair<std::string, std::string>;
  struct Factor {
    double value = 1;
    std::uint32_t learned = 0;  // counts so far
    std::uint32_t passed = 0;   // asked since then
  };
  std::map<Key, Factor> factors_;  // at most kMostModels
};

}  // namespace clasp::exchange
