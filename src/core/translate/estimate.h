// The parts of the token estimate (translation spec §7.1), for those who must know what single
// blocks cost. Private to this room.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/wire/anthropic_request.h"

namespace clasp::translate {

// Weights are in 38ths of a token, so that they add up to the estimate of the whole.
inline constexpr std::int64_t kTokenWeight = 38;

// What every message costs beside its blocks.
inline constexpr std::int64_t kMessageWeight = 4 * kTokenWeight;

// A tool of the server's own.
inline constexpr std::int64_t kBuiltinTool = 250;

// Of a picture and a PDF, whose data may be empty: then they are somewhere else.
std::int64_t image_tokens(std::string_view base64);
std::int64_t pdf_tokens(std::string_view base64);

// A block of a message.
std::int64_t block_weight(const wire::MessagesRequest& request, const wire::Block& block);
// System prompt and tools.
std::int64_t frame_weight(const wire::MessagesRequest& request);

inline std::int64_t tokens_of(std::int64_t weight) {
  return (weight + kTokenWeight - 1) / kTokenWeight;
}

}  // namespace clasp::translate
