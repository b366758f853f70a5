// The events of an Anthropic message stream, and two receivers for them: one writes SSE frames,
// one collects the plain Message (spec §5.1, §4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace clasp::wire {

struct MessageUsage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cache_creation_input_tokens = 0;
  std::int64_t cache_read_input_tokens = 0;
  std::int64_t thinking_tokens = -1;  // -1: null
  std::int64_t web_search_requests = 0;
  bool cache_write_known = false;
  std::string_view service_tier = "standard";
  bool fast = false;  // speed "fast", else null
};

struct MessageStart {
  std::string_view id, model;
  bool beta = false;
  MessageUsage usage;
};

struct MessageEnd {
  std::string_view stop_reason;    // "end_turn", …
  std::string_view stop_sequence;  // meaningful when has_stop_sequence
  bool has_stop_sequence = false;
  std::string_view context_management_json;  // on beta calls; empty: null
  bool refusal = false;                      // stop_details is present
  std::string_view refusal_category;         // empty: null
  std::string_view refusal_explanation;      // empty: null
  bool beta = false;
  MessageUsage usage;
};

// All string_views are UTF-8 text, not JSON, unless called `json` or `raw`; `raw` is the inside of
// a JSON string, already escaped.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void message_start(const MessageStart& start) = 0;
  virtual void text_start(int index) = 0;
  virtual void text_delta(int index, std::string_view raw) = 0;
  virtual void thinking_start(int index) = 0;
  virtual void thinking_delta(int index, std::string_view raw) = 0;
  virtual void signature_delta(int index, std::string_view signature) = 0;
  virtual void tool_start(int index, std::string_view id, std::string_view name,
                          std::string_view toolset) = 0;
  // A piece of the tool's input JSON.
  virtual void input_delta(int index, std::string_view json_piece) = 0;
  // One citation object (JSON) for the open text block.
  virtual void citation_delta(int index, std::string_view json) = 0;
  virtual void block_stop(int index) = 0;
  // A whole compaction block; without a summary it says that none could be made.
  virtual void compaction(int index, std::optional<std::string_view> summary_raw,
                          std::string_view signature) = 0;
  // A content block (JSON) that has no deltas.
  virtual void whole_block(int index, std::string_view json) = 0;
  virtual void message_end(const MessageEnd& end) = 0;  // message_delta and message_stop
};

// Appends complete SSE frames to a buffer that the caller empties once per read. A ping follows
// message_start at once (spec §5.2).
class SseEventWriter final : public EventSink {
 public:
  explicit SseEventWriter(std::string& out) : out_(out) {}
  void message_start(const MessageStart& start) override;
  void text_start(int index) override;
  void text_delta(int index, std::string_view raw) override;
  void thinking_start(int index) override;
  void thinking_delta(int index, std::string_view raw) override;
  void signature_delta(int index, std::string_view signature) override;
  void tool_start(int index, std::string_view id, std::string_view name,
                  std::string_view toolset) override;
  void input_delta(int index, std::string_view json_piece) override;
  void citation_delta(int index, std::string_view json) override;
  void block_stop(int index) override;
  void compaction(int index, std::optional<std::string_view> summary_raw,
                  std::string_view signature) override;
  void whole_block(int index, std::string_view json) override;
  void message_end(const MessageEnd& end) override;

 private:
  std::string& out_;
  bool beta_ = false;  // thinking deltas then name an (unknown) token count
};
void append_ping_event(std::string& out);

// Builds the Message object of a plain answer; body() is complete after message_end().
class MessageCollector final : public EventSink {
 public:
  void message_start(const MessageStart& start) override;
  void text_start(int index) override;
  void text_delta(int index, std::string_view raw) override;
  void thinking_start(int index) override;
  void thinking_delta(int index, std::string_view raw) override;
  void signature_delta(int index, std::string_view signature) override;
  void tool_start(int index, std::string_view id, std::string_view name,
                  std::string_view toolset) override;
  void input_delta(int index, std::string_view json_piece) override;
  void citation_delta(int index, std::string_view json) override;
  void block_stop(int index) override;
  void compaction(int index, std::optional<std::string_view> summary_raw,
                  std::string_view signature) override;
  void whole_block(int index, std::string_view json) override;
  void message_end(const MessageEnd& end) override;
  const std::string& body() const { return body_; }
  // For a message that was not put together here.
  std::string& whole() { return body_; }

 private:
  enum class Kind { text, thinking, tool };
  void start_block(int index, Kind kind);

  std::string body_;
  Kind kind_ = Kind::text;
  std::string citations_;  // of the open text block, comma between
  std::string signature_;  // of the open thinking block
  std::string tool_tail_;  // what follows the input of the open tool block
  bool has_input_ = false;
};

}  // namespace clasp::wire
