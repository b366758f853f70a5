// The length of a prompt in tokens, counted when somebody asks for it and then only once. Counting
// costs half as much as reading the request, and most replies need no estimate: their backend
// reports what it has counted before anybody wants to know.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace clasp::translate {

class InputEstimate {
 public:
  // Known already.
  InputEstimate(std::int64_t tokens = 0) : tokens_(tokens) {}
  // What `count` looks at must live until tokens() was called, or be asked for no more.
  explicit InputEstimate(std::function<std::int64_t()> count) : count_(std::move(count)) {}

  std::int64_t tokens() const {
    if (count_) tokens_ = std::exchange(count_, nullptr)();
    return tokens_;
  }
  bool counted() const { return !count_; }

 private:
  mutable std::function<std::int64_t()> count_;
  mutable std::int64_t tokens_ = 0;
};

}  // namespace clasp::translate
