#include "core/translate/reply.h"

namespace clasp::translate {

std::unique_ptr<Converter> make_reply(ReplyContext context, ReplyParser& parser,
                                      wire::EventSink& sink, Random& random) {
  return std::make_unique<Reply>(std::move(context), parser, sink, random);
}

}  // namespace clasp::translate
