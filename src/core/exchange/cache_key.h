// The name under which an answer is kept: a digest of everything that it may depend on.
//
// Taken of the client's request, not of what is made of it for the backend. The request with its
// headers, the backend, and the configuration's words about that backend are all that translation
// knows, so a digest of all of these cannot forget anything: what does not count is left out by
// name, one by one (below), instead of what counts being collected. It is cheaper as well, since
// what is found in the cache is never translated, and it stays the same when a refusal has taught
// how to put the request for this backend. The price: requests that differ in words but not in
// meaning (a number's spelling, a null, the order inside of objects) are asked twice.
//
// Left out: white space between tokens, the order of the body's own members, `stream` (only kept
// apart where streams are not cached at all), metadata.user_id unless clients are kept apart, and
// of the billing line in the system prompt what never reaches the backend: all of it where requests
// are translated, the short hexadecimal `cch` where they are relayed. No client can reach another
// one's answers by anything but the very same words, or spoil them by words that do not count.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "core/policy/cache.h"
#include "core/wire/anthropic_request.h"

namespace clasp::exchange {

// What the configuration says about a backend and can change its answers; not its keys, limits and
// timeouts. A digest.
std::string make_cache_scope(const config::Settings& settings,
                             const config::BackendSettings& backend);

// What an answer depends on besides the body.
struct CacheKeyFacts {
  std::string_view scope;  // make_cache_scope() of the backend
  std::string_view model;  // the backend's name for it
  bool geo_served = false;
  bool relayed = false;  // the backend gets the client's own bytes
  std::string_view anthropic_version, anthropic_beta;
  bool beta_query = false;
  std::string_view client;  // whose answers these are; empty: everybody's
};

// `body` is what `request` was parsed from. Nothing when there is no memory for a digest.
std::optional<policy::CacheKey> make_cache_key(std::string_view body,
                                               const wire::MessagesRequest& request,
                                               const CacheKeyFacts& facts);

}  // namespace clasp::exchange
