// One Chat Completions chunk, or a whole completion, as a flat index over the backend's bytes.
// It finds the members that some server of this family sends, and judges none of them.
//
// Naming: `raw` is the inside of a JSON string as it stood, escapes included and not yet checked;
// `json` is a whole JSON value as it stood. All views point into the bytes given to parse().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::wire {

// A raw string that may be absent; null counts as absent.
struct RawField {
  std::string_view raw;
  bool present = false;
  explicit operator bool() const { return present; }
  bool empty() const { return raw.empty(); }
};

struct ChatToolDelta {
  std::int64_t index = -1;  // -1: absent
  RawField id, name;
  RawField arguments;               // a string, or for custom tools the input text
  std::string_view arguments_json;  // anything that is not a string
  RawField thought_signature;       // extra_content.google.thought_signature
  bool custom = false;              // type:"custom"
  bool legacy = false;              // the old function_call member
};

struct ChatReasoningDetail {
  RawField type, id, format, text, summary, data, signature;
  std::string_view index_json;
  std::string_view json;  // the whole entry
};

struct ChatContentPart {
  enum class Kind { text, thinking, image } kind = Kind::text;
  std::string_view raw;
};

struct ChatAnnotation {
  RawField url, title, content;
  std::int64_t start = -1, end = -1;  // code points, end exclusive
};

// Ranges [first, end) refer to the vectors of ChatChunk.
struct ChatRange {
  std::uint32_t first = 0, end = 0;
  bool empty() const { return first == end; }
};

struct ChatChoice {
  std::int64_t index = 0;
  std::string_view error_json;  // a router: this answer failed
  RawField finish, native_finish;
  RawField stop_text;  // stop_reason or matched_stop when it is a string
  RawField content, refusal, reasoning_content, reasoning;
  RawField thought_signature;  // extra_content on the message itself
  bool thought = false;        // gemini: this content is thinking
  bool images = false;         // generated images were attached
  bool whole = false;          // from `message`: everything so far, not a piece
  ChatRange parts, details, annotations, tools;
};

// -1: absent, negative or not a number.
// What a backend says above this counts as this: nobody needs more, and sums of such counts stay
// far away from the end of 64 bits.
inline constexpr std::int64_t kMostTokens = 1'000'000'000'000;

struct ChatUsage {
  bool present = false;
  std::int64_t prompt = -1, completion = -1, total = -1;
  std::int64_t cached = -1, cache_write = -1, reasoning = -1, web_searches = -1;
};

struct ChatChunk {
  RawField id, service_tier;
  std::string_view error_json;            // an object, or a string with its quotes
  std::string_view prompt_feedback_json;  // gemini: why the prompt was blocked
  std::string_view citations_json;        // perplexity, xai: a list of addresses
  bool has_choices = false;               // the member was there, maybe empty
  // An error without an `error` member: object "error", or a bare message or detail.
  bool bare_error = false;
  ChatUsage usage;
  std::vector<ChatChoice> choices;
  std::vector<ChatToolDelta> tools;
  std::vector<ChatReasoningDetail> details;
  std::vector<ChatContentPart> parts;
  std::vector<ChatAnnotation> annotations;
  ChatChoice message;  // scratch of the parser
  void clear();
};

// Owns the JSON parser and its memory; one serves any number of streams in turn.
class ChatParser {
 public:
  ChatParser();
  ~ChatParser();
  ChatParser(const ChatParser&) = delete;
  ChatParser& operator=(const ChatParser&) = delete;

  // Parses one JSON object. `slack` bytes behind `json` may be read; with fewer than needed the
  // text is copied. False when it is not a JSON object of a sane shape. chunk() and its views
  // are valid until the next parse() and while `json` is.
  bool parse(std::string_view json, std::size_t slack);
  const ChatChunk& chunk() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clasp::wire
