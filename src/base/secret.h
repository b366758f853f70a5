// A string that cannot be printed by accident: it has no stream operator and no conversion. The
// one way to its text is reveal(), which is easy to find in a review.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace clasp {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) = default;
  Secret& operator=(const Secret&) = default;
  Secret& operator=(Secret&&) = default;
  // Overwrites its memory, so that a key does not linger in a freed page or a core file.
  ~Secret();

  bool empty() const { return text_.empty(); }
  std::string_view reveal() const { return text_; }
  // Compares in time that depends on the lengths only.
  bool equals(std::string_view other) const;
  friend bool operator==(const Secret& a, const Secret& b) { return a.equals(b.text_); }

 private:
  std::string text_;
};

// Replaces what looks like a credential in text meant for people: `sk-…` style keys, bearer
// tokens, and the query part of URLs. For messages that come from outside.
std::string mask_secrets(std::string_view text);

}  // namespace clasp
