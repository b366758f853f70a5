// The requests that make a backend count the tokens of a prompt, and what comes back (translation
// spec §7.1).
#pragma once

#include <optional>
#include <string>

#include "core/translate/target.h"
#include "core/wire/anthropic_request.h"

namespace clasp::translate {

// What is asked for. llama.cpp counts in one step if it is new enough, else in two.
enum class CountStep {
  input_tokens,    // an endpoint below that of the API
  vllm_tokenize,   // the conversation, as tokens
  apply_template,  // the conversation, as the text that the model would see
  tokenize,        // that text, as tokens
};

// The first step at this target; nothing when it does not count.
std::optional<CountStep> first_count_step(const Target& target);

// Its body; nothing when the target does not count or the request cannot be translated for it.
std::optional<std::string> count_request(const wire::MessagesRequest& request, const Target& target,
                                         const RequestFacts& facts);
// The body of the step `tokenize`, from the answer of `apply_template`; nothing where text is not
// all of the prompt.
std::optional<std::string> tokenize_request(std::string_view answer);

// Where the step is asked for, from the address of the API.
std::string count_url(CountStep step, std::string_view api_url);

// The number in the step's answer; nothing when it is something else.
std::optional<std::int64_t> counted_tokens(CountStep step, std::string_view answer);

}  // namespace clasp::translate
