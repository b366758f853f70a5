// Who is asking, as backends want to know it: hashes and cache keys, never the client's own words
// (translation spec §1.4). Private to this room.
#pragma once

#include <string>

#include "core/translate/translation.h"

namespace clasp::translate {

// ,"safety_identifier":… ,"prompt_cache_key":… ,"session_id":… ,"user":…
void append_identity(std::string& out, const Translation& t);

}  // namespace clasp::translate
