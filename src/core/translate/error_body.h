// What a backend says went wrong, taken out of the many shapes it is said in (translation spec
// §6.1). It reads; what the client is told is decided elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::translate {

struct ErrorBody {
  std::string message;             // human text as the backend wrote it; for HTML its visible text
  std::string nested;              // openrouter: what the provider behind it said
  std::vector<std::string> names;  // lower case: type, code, status, and codes further inside
  std::string param;
  int numeric_code = 0;             // `code` when it is a number
  std::int64_t prompt_tokens = -1;  // llama.cpp names both numbers
  std::int64_t context_size = -1;
  std::string retry_delay;   // gemini RetryInfo
  bool moderation = false;   // openrouter: metadata of a moderation verdict
  std::string block_reason;  // gemini promptFeedback

  bool has_name(std::string_view name) const;       // exact
  bool has_name_part(std::string_view part) const;  // contained in one of them
  // Whether message or nested text contains it, without case.
  bool says(std::string_view text) const;
};

ErrorBody parse_error_body(std::string_view body);

}  // namespace clasp::translate
