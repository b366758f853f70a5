// The public face that the converters of OpenAI's APIs have in common: bytes of a stream or of a
// document go to the machine behind it (reply_core.h), and what that knows can be asked.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "core/translate/converter.h"
#include "core/translate/reply_context.h"
#include "core/wire/anthropic_events.h"
#include "core/wire/api_error.h"

namespace clasp::wire {
class ChatParser;
class ResponsesParser;
}  // namespace clasp::wire

namespace clasp::translate {

// The parsers and their scratch memory: one per loop, shared by all replies of that loop, so that
// an open stream costs no parser of its own. Not thread-safe; must outlive the replies.
class ReplyParser {
 public:
  ReplyParser();
  ~ReplyParser();
  ReplyParser(const ReplyParser&) = delete;
  ReplyParser& operator=(const ReplyParser&) = delete;

 private:
  friend class Reply;
  friend class ResponsesReply;
  std::unique_ptr<wire::ChatParser> chat_;
  std::unique_ptr<wire::ResponsesParser> responses_;
};

struct ReplyCore;

class ReplyBase : public Converter {
 public:
  ~ReplyBase() override;

  // Emits message_start; also done implicitly by the first content.
  void open() final;
  bool opened() const final;
  bool block_opened() const final;
  State feed_stream(std::string_view bytes) final;
  State finish_stream() final;
  bool awaiting_usage() const final;
  State feed_document(std::string& body) final;
  State conclude(const Conclusion& conclusion) final;
  State state() const final;
  const wire::ApiError& error() const final;
  std::string_view refusal() const final;
  const Usage& usage() const final;
  Usage usage_so_far() const final;
  std::string_view stop_reason() const final;
  std::uint32_t tool_calls() const final;
  std::string_view upstream_id() const final;
  const CallStates& call_states() const final;
  const std::vector<std::string>& notes() const final;
  bool wants_cancel() const final;

 protected:
  explicit ReplyBase(std::unique_ptr<ReplyCore> core);

 private:
  std::unique_ptr<ReplyCore> core_;
};

// The converter for the API that the context names. `parser`, `sink` and `random` are not owned
// and must outlive it.
std::unique_ptr<Converter> make_reply(ReplyContext context, ReplyParser& parser,
                                      wire::EventSink& sink, Random& random);

}  // namespace clasp::translate
