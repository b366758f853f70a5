// Texts of option values into values: booleans, numbers with a range and a unit, durations,
// sizes, choices. Errors say what was expected; the caller adds where the text stood.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace clasp::config {

enum class Kind {
  boolean,
  integer,
  bytes,    // K, M, G are powers of 1024
  seconds,  // a duration; a bare number counts seconds. Kept in milliseconds
  millis,   // a duration; a bare number counts milliseconds
  money,    // dollars, kept in millionths
  text,
  url,
  path,
  secret,
  list,  // separated by commas; an option given again adds to it
  choice,
};

// Numbers: `low` to `high`, durations in milliseconds. Choices: words separated by '|'; for a text
// they are suggestions only.
struct Domain {
  Kind kind = Kind::text;
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::string_view choices = {};
};

// One parsed value; which member counts follows from the kind.
struct Value {
  bool boolean = false;
  std::int64_t number = 0;
  std::string text = {};
  std::vector<std::string> list = {};
  friend bool operator==(const Value&, const Value&) = default;
};

Result<Value> parse_value(const Domain& domain, std::string_view text);

// true, 1, yes, on and their opposites, any case.
Result<bool> parse_bool(std::string_view text);

// "90s", "5m", "250ms", "1h", "32M": the shortest exact spelling.
std::string render_duration(std::int64_t milliseconds);
std::string render_bytes(std::int64_t bytes);
// "2.50", "0.075"; of an amount that is not negative.
std::string render_money(std::int64_t micro_dollars);

// The name among `names` that `asked` was probably meant to be; empty when none is close.
std::string_view nearest(std::string_view asked, const std::vector<std::string_view>& names);
// " (did you mean X?)" or nothing.
std::string hint(std::string_view asked, const std::vector<std::string_view>& names);
// `text` in quotes, shortened and without control characters, for messages.
std::string quoted(std::string_view text);

}  // namespace clasp::config
