// Tool ids on their way to the client (translation spec §3.8): kept where every API takes them,
// else replaced by one of ours that still tells the original.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include "base/random.h"

namespace clasp::translate {

// `history`: ids of the request; `used`: ids this reply has given out already.
std::string make_client_tool_id(std::string_view backend_id,
                                const std::unordered_set<std::string>& history,
                                const std::unordered_set<std::string>& used, Random& random);

}  // namespace clasp::translate
