// Which converter reads a reply.
#include "core/translate/reply.h"
#include "core/translate/responses_reply.h"

namespace clasp::translate {

std::unique_ptr<Converter> make_reply(ReplyContext context, ReplyParser& parser,
                                      wire::EventSink& sink, Random& random) {
  if (context.api == Api::responses)
    return std::make_unique<ResponsesReply>(std::move(context), parser, sink, random);
  return std::make_unique<Reply>(std::move(context), parser, sink, random);
}

}  // namespace clasp::translate
