// Counting a whole prompt with a vocabulary, as OpenAI's models would (translation spec §7.1): its
// texts exactly, what stands around them by formula. It takes milliseconds, so it is for who asks
// for the number, not for every request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/translate/bpe.h"
#include "core/translate/dialect.h"
#include "core/translate/request.h"
#include "core/translate/target.h"

namespace clasp::translate {

// The model's tokens are those of o200k_base, whoever serves it. `model` may have a vendor in
// front.
bool speaks_o200k(std::string_view model);

// A request as the backend would get it.
struct Prompt {
  Api api = Api::chat;
  std::string body;
};

// Nothing where the model has another vocabulary or the request cannot be translated.
std::optional<Prompt> make_prompt(const wire::MessagesRequest& request, const Target& target,
                                  const RequestFacts& facts);

// About 6 MB of ordinary text, more than any window; less of one that takes longer to count. A
// fifth of a second, then.
inline constexpr CountBudget kPromptBudget{8u << 20};

// Nothing when it is longer than the budget allows.
std::optional<std::int64_t> count_prompt(const Vocabulary& vocabulary, const Prompt& prompt,
                                         CountBudget budget = kPromptBudget);

}  // namespace clasp::translate
