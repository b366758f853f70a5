// What one exchange has to do with the response cache, and which requests and answers belong there.
// docs/operating.md tells operators the same.
//
// A request is cached when
//   - it is plain, or streams are cached too and the backend's answers are translated;
//   - its temperature is 0, or it names none (unless that is switched off): the API's default of 1
//     then holds, but who wants different answers to the same words says so;
//   - it neither uses tools that somebody else runs (web search, fetching, code, MCP servers,
//     containers) nor asks for nothing (max_tokens 0);
//   - the client does not forbid it (Cache-Control: no-store; no-cache asks afresh).
// An answer is kept when it is whole and came to its end by itself: end_turn, tool_use,
// stop_sequence or max_tokens, nothing in it had to be put right, and it came from the backend that
// stands first in the route.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/exchange/cache_port.h"
#include "core/exchange/catalog.h"
#include "core/wire/anthropic_request.h"
#include "core/wire/message_replay.h"
#include "core/wire/tee_sink.h"

namespace clasp::exchange {

// Null when it is known already that the request will not be cached.
struct Caching;
std::unique_ptr<Caching> begin_caching(const Catalog& catalog, const RequestHead& head);

struct Caching {
  // Whose answers these are: where clients are kept apart, and where the client's own key pays.
  std::string client, key_owner;
  bool afresh = false;  // the answer is kept, but not looked for
  policy::CacheKey key;
  const Backend* backend = nullptr;     // that the key is of
  std::string model;                    // the same: the backend's name for it
  HeldSeat seat;                        // among those who ask the same
  std::unique_ptr<wire::TeeSink> copy;  // of a stream
  bool shareable = true;                // what comes is the same for plain answers and streams
  policy::CachedAnswerPtr answer;       // that is sent as a stream now
  std::optional<wire::MessageReplay> replay;
};

bool is_cacheable(const wire::MessagesRequest& request, const config::CacheSettings& settings,
                  bool relayed);
bool is_kept_stop_reason(std::string_view stop_reason);

}  // namespace clasp::exchange
