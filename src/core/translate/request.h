// Anthropic Messages request -> Chat Completions request body. Pure and deterministic: the same
// input gives the same bytes, and turn n+1 of a conversation starts with the bytes of turn n.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "core/translate/reply_context.h"
#include "core/translate/target.h"
#include "core/wire/anthropic_request.h"
#include "core/wire/api_error.h"

namespace clasp::translate {

struct TranslatedRequest {
  std::string body;    // JSON for /chat/completions
  ReplyContext reply;  // ids not filled in: the exchange does that. Its estimate looks
                       // at the request when it is asked for.
  std::vector<std::string> warnings;  // tokens for x-clasp-warning, in order, without repeats
  // Set when the spec answers without a backend call (max_tokens:0).
  bool answer_without_call = false;
};

// Errors are 4xx for the client, naming the JSON path.
Result<TranslatedRequest, wire::ApiError> translate_request(const wire::MessagesRequest& request,
                                                            const Target& target,
                                                            const RequestFacts& facts);

struct TokenCount {
  std::int64_t input_tokens = 0;
  std::optional<std::int64_t> original_input_tokens;  // before context edits, if there were any
};

// What count_tokens says: the estimate, with the context edits that the request asks for applied.
Result<TokenCount, wire::ApiError> count_tokens(const wire::MessagesRequest& request,
                                                const Dialect& dialect);

// What the reply needs to begin before the request is translated, because a wait has become long.
ReplyContext begin_reply_context(const wire::MessagesRequest& request, const Target& target,
                                 const RequestFacts& facts);

// Deterministic token estimate of spec §7.1, a little high.
std::int64_t estimate_tokens(const wire::MessagesRequest& request);

}  // namespace clasp::translate
