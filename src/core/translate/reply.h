// Chat Completions reply -> Anthropic message, one state machine for streams and plain answers
// (spec §4, §5). It is fed the backend's bytes and emits events into an EventSink; the grammar of
// §5.1 holds for every input.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "core/translate/converter.h"
#include "core/translate/reply_context.h"
#include "core/translate/target.h"
#include "core/wire/anthropic_events.h"
#include "core/wire/api_error.h"

namespace clasp::wire {
class ChatParser;
}

namespace clasp::translate {

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

class Reply final : public Converter {
 public:
  // `parser`, `sink` and `random` are not owned and must outlive this.
  Reply(ReplyContext context, ReplyParser& parser, wire::EventSink& sink, Random& random);
  ~Reply() override;

  // Emits message_start; also done implicitly by the first content.
  void open() override;
  bool opened() const override;
  bool block_opened() const override;
  State feed_stream(std::string_view bytes) override;
  State finish_stream() override;
  bool awaiting_usage() const override;
  State feed_document(std::string& body) override;
  State conclude(const Conclusion& conclusion) override;
  State state() const override;
  const wire::ApiError& error() const override;
  std::string_view refusal() const override;
  const Usage& usage() const override;
  Usage usage_so_far() const override;
  std::string_view stop_reason() const override;
  std::uint32_t tool_calls() const override;
  std::string_view upstream_id() const override;
  const CallStates& call_states() const override;
  const std::vector<std::string>& notes() const override;
  bool wants_cancel() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The converter of a reply of that context's API; see Reply for the references.
std::unique_ptr<Converter> make_reply(ReplyContext context, ReplyParser& parser,
                                      wire::EventSink& sink, Random& random);

}  // namespace clasp::translate
