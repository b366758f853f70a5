// Chat Completions reply -> Anthropic message, one state machine for streams and plain answers
// (spec §4, §5). It is fed the backend's bytes and emits events into an EventSink; the grammar of
// §5.1 holds for every input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "core/translate/reply_context.h"
#include "core/wire/anthropic_events.h"
#include "core/wire/api_error.h"

namespace clasp::translate {

struct Usage {
  std::int64_t input_tokens = 0;   // without cached ones
  std::int64_t output_tokens = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_write = 0;
  std::int64_t thinking_tokens = -1;  // -1: unknown
  bool estimated = false;
};

class Reply {
 public:
  enum class State {
    running,  // more input is needed
    done,     // message_stop was emitted
    failed,   // error() is set; nothing was or will be emitted for it: the exchange decides
  };

  // `sink` and `random` are not owned and must outlive this.
  Reply(ReplyContext context, wire::EventSink& sink, Random& random);
  ~Reply();

  // Emits message_start (+ ping is the caller's). Idempotent; called by the exchange after its
  // grace period, and implicitly by the first content.
  void open();
  bool opened() const;         // message_start was emitted
  bool block_opened() const;   // a content block was emitted: no repair or retry any more

  // Bytes of an SSE body, any split.
  State feed_stream(std::string_view bytes);
  // The SSE body ended by its framing.
  State finish_stream();
  // True when finish_reason has been seen but neither usage nor [DONE]: the exchange waits a
  // bounded grace and then calls finish_stream().
  bool awaiting_usage() const;

  // A complete JSON body (capacity must leave kBodyPadding behind the end).
  State feed_document(std::string& body);

  State state() const;
  const wire::ApiError& error() const;  // valid when failed
  const Usage& usage() const;           // valid when done; best knowledge otherwise
  std::string_view stop_reason() const;  // valid when done
  // A local stop matched: the backend call is no longer needed.
  bool wants_cancel() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace clasp::translate
