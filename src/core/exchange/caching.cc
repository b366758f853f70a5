// See caching.h.
#include "core/exchange/caching.h"

#include <algorithm>
#include <array>

#include "base/network.h"
#include "base/sha256.h"
#include "base/text.h"
#include "core/exchange/states.h"

namespace clasp::exchange {

namespace {

// The number as it was sent is zero, however it is spelled.
bool is_zero(std::string_view number) {
  for (const char c : number) {
    if (c == 'e' || c == 'E') break;
    if (c >= '1' && c <= '9') return false;
  }
  return true;
}

// Tools that the backend or a third party runs: what they do and find is not in the request.
bool runs_elsewhere(const wire::Tool& tool) {
  constexpr std::array<std::string_view, 5> kKinds = {"web_search", "web_fetch", "code_execution",
                                                      "mcp_", "advisor"};
  return std::any_of(kKinds.begin(), kKinds.end(),
                     [&](std::string_view kind) { return tool.type_raw.starts_with(kind); });
}

bool has_directive(std::string_view cache_control, std::string_view name) {
  const auto directives = split(cache_control, ',');
  return std::any_of(directives.begin(), directives.end(),
                     [&](std::string_view one) { return iequals(trim(one), name); });
}

// By name, key or address.
std::string identity_of(const RequestHead& head) {
  if (head.client) return "n" + head.client->name;
  if (head.headers.find("x-api-key") || head.headers.find("authorization"))
    return "k" + tenant_of(head.headers);
  return "a" + std::string(address_of_peer(head.peer));
}

}  // namespace

std::unique_ptr<Caching> begin_caching(const Catalog& catalog, const RequestHead& head) {
  const std::string_view wish = head.headers.get("cache-control");
  if (has_directive(wish, "no-store")) return nullptr;
  auto caching = std::make_unique<Caching>();
  caching->afresh = has_directive(wish, "no-cache");
  if (catalog.settings->cache.per_client) caching->client = identity_of(head);
  // The key that goes on, which need not be the one that the client is known by.
  if (catalog.passes_client_keys)
    caching->key_owner =
        "p" + sha256_hex(policy::key_to_pass(head.headers, head.client.get()).reveal());
  return caching;
}

bool is_cacheable(const wire::MessagesRequest& request, const config::CacheSettings& settings,
                  bool relayed) {
  if (request.stream && (!settings.streams || relayed)) return false;
  if (request.temperature_json.empty() ? !settings.unset_temperature
                                       : !is_zero(request.temperature_json))
    return false;
  if (request.max_tokens == 0) return false;
  if (!request.container_json.empty() || !request.mcp_servers_json.empty()) return false;
  return std::none_of(request.tools.begin(), request.tools.end(), runs_elsewhere);
}

bool is_kept_stop_reason(std::string_view stop_reason) {
  return stop_reason == "end_turn" || stop_reason == "tool_use" || stop_reason == "stop_sequence" ||
         stop_reason == "max_tokens";
}

}  // namespace clasp::exchange
