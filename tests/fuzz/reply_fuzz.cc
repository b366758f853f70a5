// Whole replies: whatever a backend sends, the client sees the event grammar or an error, the same
// for every split, and never a success after a cut.
//
// The first bytes choose the dialect, the options, how the rest is cut and what it is.
#include "../unit/support/reply_gen.h"
#include "whole_reply.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;

namespace {

constexpr const char* kDialects[] = {"openai",   "openrouter", "ollama",  "vllm",
                                     "deepseek", "gemini",     "mistral", "xai"};

ReplyContext context_of(unsigned char flags, unsigned char which) {
  ReplyContext context = make_context(kDialects[which % std::size(kDialects)]);
  static const clasp::translate::Dialect text_tools = [] {
    clasp::translate::Dialect on = dialect("lmstudio");
    on.parse_text_tools = true;
    return on;
  }();
  if (which >= 192) context.dialect = &text_tools;
  set_options(context, flags, which);
  return context;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  return fuzz_whole_reply<ReplyMaker>(data, size, context_of);
}
