// Chat Completions reply -> Anthropic message, one state machine for streams and plain answers
// (spec §4, §5). It is fed the backend's bytes and emits events into an EventSink; the grammar of
// §5.1 holds for every input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "core/translate/reply_context.h"
#include "core/translate/target.h"
#include "core/wire/anthropic_events.h"
#include "core/wire/api_error.h"

namespace clasp::wire {
class ChatParser;
}

namespace clasp::translate {

struct Usage {
  std::int64_t input_tokens = 0;  // without cached ones
  std::int64_t output_tokens = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_write = 0;
  std::int64_t thinking_tokens = -1;  // -1: unknown
  bool cache_write_known = false;
  bool estimated = false;
};

// The parser and its scratch memory: one per loop, shared by all replies of that loop, so that an
// open stream costs no parser of its own. Not thread-safe; must outlive the replies.
class ReplyParser {
 public:
  ReplyParser();
  ~ReplyParser();
  ReplyParser(const ReplyParser&) = delete;
  ReplyParser& operator=(const ReplyParser&) = delete;

 private:
  friend class Reply;
  std::unique_ptr<wire::ChatParser> chat_;
};

// How an answer ends that has no content: a policy refusal, max_tokens:0, a cap reached at once.
struct Conclusion {
  std::string stop_reason = "end_turn";
  bool refusal = false;
  std::string category;     // "cyber", "bio"; empty: null
  std::string explanation;  // empty: null
};

class Reply {
 public:
  enum class State {
    running,  // more input is needed
    done,     // message_stop was emitted
    failed,   // error() is set; nothing was or will be emitted for it: the exchange decides
  };

  // `parser`, `sink` and `random` are not owned and must outlive this.
  Reply(ReplyContext context, ReplyParser& parser, wire::EventSink& sink, Random& random);
  ~Reply();

  // Emits message_start. Idempotent; called by the exchange after its
  // grace period, and implicitly by the first content.
  void open();
  bool opened() const;        // message_start was emitted
  bool block_opened() const;  // a content block was emitted: no repair or retry any more

  // Bytes of an SSE body, any split.
  State feed_stream(std::string_view bytes);
  // The SSE body ended by its framing.
  State finish_stream();
  // True when finish_reason has been seen but the input goes on (usage or [DONE] may follow): the
  // exchange waits a bounded grace and then calls finish_stream().
  bool awaiting_usage() const;

  // A complete body: JSON, or SSE where the backend streamed unasked. Instead of feed_stream().
  // Its capacity should leave kBodyPadding behind the end (else it is grown).
  State feed_document(std::string& body);

  // Ends the message without any content; only while no content block was opened.
  State conclude(const Conclusion& conclusion);

  State state() const;
  const wire::ApiError& error() const;  // valid when failed
  // When failed because the backend said so: its words, for detect_repair(). Else empty.
  std::string_view refusal() const;
  const Usage& usage() const;            // valid when done; best knowledge otherwise
  std::string_view stop_reason() const;  // valid when done
  std::string_view upstream_id() const;  // the backend's id of the reply, empty: none seen
  // Replay state of the reply's calls for the secondary store. Without ids when there is none or
  // the context did not ask for it (keep_states); valid when done.
  struct CallStates {
    std::vector<std::string> tool_ids;
    KeptState state;
  };
  const CallStates& call_states() const;
  // What was tolerated and is worth a log line, e.g. "unknown finish_reason"; no user content.
  const std::vector<std::string>& notes() const;
  // A local stop matched: the backend call is no longer needed.
  bool wants_cancel() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clasp::translate
