// Recognises that a prompt was too long, in the words of many servers, and how long (translation
// spec §6.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/translate/error_body.h"

namespace clasp::translate {

struct Overflow {
  std::int64_t tokens = -1;  // of the prompt, -1: not named
  std::int64_t maximum = -1;
};

std::optional<Overflow> detect_overflow(const ErrorBody& error);

// How a rendered overflow begins; clients go by these words.
inline constexpr std::string_view kOverflowWords = "prompt is too long:";

// "prompt is too long: N tokens > M maximum", with what is unknown filled in.
std::string render_overflow(const Overflow& overflow, std::int64_t input_estimate,
                            std::int64_t context_window);

}  // namespace clasp::translate
