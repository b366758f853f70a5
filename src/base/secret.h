// A string that cannot be printed by accident: it has no stream operator and no conversion. The
// one way to its text is reveal(), which is easy to find in a review.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

// The program's own secrets, to be taken out of texts word for word wherever they turn up: also as
// a URL or JSON spells them. Immutable once filled; any thread may mask.
class KnownSecrets {
 public:
  // Words below eight characters are left out: they stand in ordinary text.
  void add(std::string_view secret);
  // "name:password" as it stands in a URL, and as the Authorization header spells it.
  void add_userinfo(std::string_view userinfo);
  bool empty() const { return words_.empty(); }
  // Replaces each by "***"; true when there was one.
  bool mask(std::string& text) const;
  std::string masked(std::string_view text) const;

 private:
  void add_word(std::string word);

  std::vector<Secret> words_;  // the longest first: one may be a part of another
};

// Replaces what looks like a credential in text meant for people: `sk-…` style keys, bearer
// tokens, what follows words such as "api_key":, names and the query part of URLs. For messages
// that come from outside.
std::string mask_secrets(std::string_view text);

}  // namespace clasp
