// The line that Claude Code puts in front of its system prompt and changes with every request
// (`x-anthropic-billing-header: …; cch=5f1b2;`). It would keep backends, and the response cache,
// from recognising the prompt (spec §2.2, trap 29).
#pragma once

#include <string_view>

namespace clasp::translate {

// A system text without that line.
std::string_view without_billing(std::string_view raw);
// What changes in it: the value of `cch`, hexadecimal and short; empty when there is none. A view
// into `raw`.
std::string_view billing_nonce(std::string_view raw);

}  // namespace clasp::translate
