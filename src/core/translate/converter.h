// What turns a backend's answer into the client's, as an exchange sees it: a state machine that is
// fed bytes and writes events. Two kinds exist: reply.h translates Chat Completions, relay.h hands
// on what speaks the Messages API already. An exchange may use one after the other, when a request
// is tried again elsewhere.
//
// Calls are per read of the backend, never per token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/translate/target.h"
#include "core/wire/api_error.h"

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

// How an answer ends that has no content: a policy refusal, max_tokens:0, a cap reached at once.
struct Conclusion {
  std::string stop_reason = "end_turn";
  bool refusal = false;
  std::string category;     // "cyber", "bio"; empty: null
  std::string explanation;  // empty: null
};

class Converter {
 public:
  enum class State {
    running,  // more input is needed
    done,     // message_stop was emitted
    failed,   // error() is set; nothing was or will be emitted for it: the exchange decides
  };

  virtual ~Converter() = default;

  // The client's stream is about to be opened: what can be shown of the message's beginning is
  // emitted, at once and from now on. Idempotent; called by the exchange after its grace period.
  virtual void open() = 0;
  virtual bool opened() const = 0;        // message_start was emitted
  virtual bool block_opened() const = 0;  // a content block was emitted: no other attempt any more

  // Bytes of an SSE body, any split.
  virtual State feed_stream(std::string_view bytes) = 0;
  // The SSE body ended by its framing.
  virtual State finish_stream() = 0;
  // True when finish_reason has been seen but the input goes on (usage or [DONE] may follow): the
  // exchange waits a bounded grace and then calls finish_stream().
  virtual bool awaiting_usage() const = 0;

  // A complete body: JSON, or SSE where the backend streamed unasked. Instead of feed_stream().
  // Its capacity should leave kBodyPadding behind the end (else it is grown).
  virtual State feed_document(std::string& body) = 0;

  // Ends the message without any content; only while no content block was opened.
  virtual State conclude(const Conclusion& conclusion) = 0;

  virtual State state() const = 0;
  virtual const wire::ApiError& error() const = 0;  // valid when failed
  // When failed because the backend said so: its words, for detect_repair(). Else empty.
  virtual std::string_view refusal() const { return {}; }
  virtual const Usage& usage() const = 0;  // valid when done; best knowledge otherwise
  // For an answer that is given up in its middle: what was produced of it costs, too.
  virtual Usage usage_so_far() const { return usage(); }
  virtual std::string_view stop_reason() const = 0;  // valid when done
  virtual std::uint32_t tool_calls() const = 0;      // tool_use blocks that were begun
  virtual std::string_view upstream_id() const = 0;  // the backend's id of the reply, if seen
  // Replay state of the reply's calls for the secondary store. Without ids when there is none or
  // the context did not ask for it (keep_states); valid when done.
  struct CallStates {
    std::vector<std::string> tool_ids;
    KeptState state;
  };
  virtual const CallStates& call_states() const = 0;
  // What was tolerated and is worth a log line, e.g. "unknown finish_reason"; no user content.
  virtual const std::vector<std::string>& notes() const = 0;
  // The backend call is no longer needed although its body goes on: a local stop matched.
  virtual bool wants_cancel() const = 0;
};

}  // namespace clasp::translate
