// Numbers for statistics: one thread writes, any thread may read. A write costs what it costs on a
// plain integer; what is read is never torn, and two numbers read together need not fit.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace clasp {

class Count {
 public:
  Count(std::uint64_t value = 0) : value_(value) {}
  Count(const Count& other) : value_(other.read()) {}
  Count& operator=(const Count& other) { return set(other.read()); }

  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }
  operator std::uint64_t() const { return read(); }
  Count& set(std::uint64_t value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  Count& operator+=(std::uint64_t n) { return set(read() + n); }
  Count& operator++() { return set(read() + 1); }
  Count& operator--() { return set(read() - 1); }

 private:
  std::atomic<std::uint64_t> value_;
};

// How often something took how long, in microseconds, by fixed limits. The last bucket has none.
class Histogram {
 public:
  static constexpr std::size_t kMostLimits = 16;
  struct Reading {
    std::span<const std::int64_t> limits;
    std::array<std::uint64_t, kMostLimits + 1> buckets{};  // each by itself, not cumulative
    std::uint64_t sum_us = 0;

    std::uint64_t count() const {
      std::uint64_t all = 0;
      for (const std::uint64_t one : buckets) all += one;
      return all;
    }
    void add(const Reading& other) {
      limits = other.limits;
      for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
      sum_us += other.sum_us;
    }
  };

  // `limits` rise, are at most kMostLimits, and outlive this.
  explicit Histogram(std::span<const std::int64_t> limits) : limits_(limits) {}

  // A value that equals a limit belongs to that limit's bucket.
  void observe(std::int64_t us) {
    us = std::max<std::int64_t>(us, 0);
    std::size_t at = 0;
    while (at < limits_.size() && us > limits_[at]) ++at;
    ++buckets_[at];
    sum_us_ += static_cast<std::uint64_t>(us);
  }

  Reading read() const {
    Reading out;
    out.limits = limits_;
    for (std::size_t i = 0; i < buckets_.size(); ++i) out.buckets[i] = buckets_[i];
    out.sum_us = sum_us_;
    return out;
  }

 private:
  std::span<const std::int64_t> limits_;
  std::array<Count, kMostLimits + 1> buckets_{};
  Count sum_us_;
};

}  // namespace clasp
