// Whole replies of the Responses API: whatever a backend sends, the client sees the event grammar
// or an error, the same for every split.
//
// The first bytes choose the dialect, the options, how the rest is cut and what it is.
#include "../unit/support/responses_kit.h"
#include "whole_reply.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;

namespace {

constexpr const char* kDialects[] = {"openai", "azure", "vllm", "ollama"};

ReplyContext context_of(unsigned char flags, unsigned char which) {
  ReplyContext context = responses_context(kDialects[which % std::size(kDialects)]);
  set_options(context, flags, which);
  context.mcp = context.beta;
  return context;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  return fuzz_whole_reply<ResponsesMaker>(data, size, context_of);
}
