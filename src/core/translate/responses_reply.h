// Responses reply -> Anthropic message, one state machine for streams and plain answers (spec §4.5,
// §5.7). Whatever order the events come in, the client sees the output items one after the other;
// the grammar of §5.1 holds for every input.
#pragma once

#include "core/translate/reply_base.h"

namespace clasp::translate {

class ResponsesReply final : public ReplyBase {
 public:
  // `parser`, `sink` and `random` are not owned and must outlive this.
  ResponsesReply(ReplyContext context, ReplyParser& parser, wire::EventSink& sink, Random& random);

 private:
  struct Impl;
};

}  // namespace clasp::translate
