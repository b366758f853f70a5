// Cleaned schemas by their exact bytes. Clients send the same tools with every turn; cleaning
// them anew was half of a large request's cost. One per loop: not thread-safe. It never changes
// what comes out, only how fast.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/translate/schema.h"

namespace clasp::translate {

class SchemaCache {
 public:
  // Kept bytes of input and output together; when they are used up, everything is forgotten:
  // the next requests fill it with what is in use.
  static constexpr std::size_t kMostBytes = 2u << 20;
  // A schema that takes more than this share is cleaned each time.
  static constexpr std::size_t kLargest = kMostBytes / 8;

  struct Entry {
    std::string cleaned;
    SchemaOutcome outcome;
    const std::string* next_json = nullptr;  // of the one that was asked for next, by these rules
    Entry* next = nullptr;
  };
  // Valid until the next put(). What came behind the one found last is tried first: lists of tools
  // come again as they were, and comparing costs less than hashing.
  const Entry* find(std::string_view json, const SchemaRules& rules);
  void put(std::string_view json, const SchemaRules& rules, std::string_view cleaned,
           const SchemaOutcome& outcome);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  // One map for each combination of rules, so that the key is the client's bytes alone.
  std::unordered_map<unsigned, Entries> entries_;
  std::size_t bytes_ = 0;
  Entry* last_ = nullptr;  // what was found last; entries do not move
  unsigned last_rules_ = 0;
};

}  // namespace clasp::translate
