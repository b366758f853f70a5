// Chat Completions reply -> Anthropic message, one state machine for streams and plain answers
// (spec §4, §5). It is fed the backend's bytes and emits events into an EventSink; the grammar of
// §5.1 holds for every input.
#pragma once

#include "core/translate/reply_base.h"

namespace clasp::translate {

class Reply final : public ReplyBase {
 public:
  // `parser`, `sink` and `random` are not owned and must outlive this.
  Reply(ReplyContext context, ReplyParser& parser, wire::EventSink& sink, Random& random);

 private:
  struct Impl;
};

}  // namespace clasp::translate
