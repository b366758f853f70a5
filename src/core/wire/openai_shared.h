// What Chat chunks and Responses events have in common: the counts of tokens in all their
// spellings, citations, and how a parser's memory is kept small. For the .cc files of this room
// only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "core/wire/ondemand_walk.h"

namespace clasp::wire {

// Replaces `into` when the value is a report of usage.
void take_usage(od::value& value, ChatUsage& into);

// Nothing when the value is no citation of a web address.
std::optional<ChatAnnotation> take_url_citation(od::value& value);

// simdjson's parser and the memory for texts that came without room behind them, or broken.
class ObjectParser {
 public:
  // Gives the members of one JSON object to `take`, which says whether it could walk them and must
  // begin from nothing each time. `slack` bytes behind `json` may be read; with fewer than needed
  // the text is copied. What `take` keeps is valid until the next call and while `json` is.
  template <class F>
  bool parse(std::string_view json, std::size_t slack, F take) {
    if (parse_once(json, slack, take)) return true;
    // Some servers cut a character in two. What is left of it is replaced, the rest is good.
    if (is_valid_utf8(json)) return false;
    scrubbed_ = scrub_utf8(json);
    return parse_once(scrubbed_, 0, take);
  }

 private:
  // A stream's chunks are small; what a huge one made the parser allocate is given back.
  static constexpr std::size_t kKeepCapacity = 256u << 10;

  std::string_view prepare(std::string_view json, std::size_t& slack);

  template <class F>
  bool parse_once(std::string_view json, std::size_t slack, F take) {
    json = prepare(json, slack);
    od::document document;
    if (parser_.iterate(json.data(), json.size(), json.size() + slack).get(document) !=
        simdjson::SUCCESS)
      return false;
    od::object object;
    if (document.get_object().get(object) != simdjson::SUCCESS) return false;
    if (!take(object) || !document.is_alive()) return false;
    // Nothing may follow the object.
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  }

  od::parser parser_;
  std::string scratch_;   // padded copy of what came without slack
  std::string scrubbed_;  // the same with broken UTF-8 replaced
};

}  // namespace clasp::wire
