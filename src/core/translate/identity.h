// Who is asking, as backends want to know it: hashes and cache keys, never the client's own words
// (translation spec §1.4). Private to this room.
#pragma once

#include <string>

#include "core/translate/translation.h"

namespace clasp::translate {

// ,"safety_identifier":… ,"prompt_cache_key":… ,"session_id":… ,"user":…
void append_identity(std::string& out, const Translation& t);

// Names the conversation that a request belongs to: the client's session, else a hash of what its
// turns have in common. For choosing among backends; never sent anywhere.
std::string conversation_affinity(const wire::MessagesRequest& request,
                                  const std::string& session_id);

}  // namespace clasp::translate
