// See states.h.
#include "core/exchange/states.h"

#include <algorithm>
#include <iterator>

#include "base/sha256.h"
#include "base/text.h"

namespace clasp::exchange {

namespace {

// Of the hash of a client's key: enough that no two keys meet.
constexpr std::size_t kTenantBytes = 16;
// What an entry and a key cost beside their texts, roughly.
constexpr std::size_t kEntryCost = 128;
constexpr std::size_t kKeyCost = 128;

std::string make_key(std::string_view tenant, std::string_view tool_id) {
  std::string key;
  key.reserve(tenant.size() + tool_id.size());
  return key.append(tenant).append(tool_id);
}

std::string short_digest(std::string_view text) {
  const Sha256 digest = sha256(text);
  return {reinterpret_cast<const char*>(digest.data()), kTenantBytes};
}

}  // namespace

std::string tenant_of(const wire::Headers& headers) {
  constexpr std::string_view kBearer = "bearer ";
  std::string_view key = trim(headers.get("x-api-key"));
  if (key.empty()) {
    key = trim(headers.get("authorization"));
    // The same key in either header is the same client.
    if (iequals(key.substr(0, kBearer.size()), kBearer)) key = trim(key.substr(kBearer.size()));
  }
  if (key.empty()) return std::string(kTenantBytes, '\0');
  return short_digest(key);
}

// The NUL keeps it apart from every key: no header has one.
std::string tenant_of_client(std::string_view name) {
  return short_digest(std::string("client") + '\0' + std::string(name));
}

translate::KeptStatePtr States::find(std::string_view tenant, std::string_view tool_id,
                                     TimePoint now) {
  if (entries_.empty() || tool_id.size() > kLongestToolId) return nullptr;
  drop_expired(now);
  const auto found = by_key_.find(make_key(tenant, tool_id));
  if (found == by_key_.end()) return nullptr;
  // A conversation that goes on keeps its state, however long ago it was made.
  entries_.splice(entries_.begin(), entries_, found->second);
  if (found->second->used < now) found->second->used = now;
  return found->second->state;
}

void States::keep(std::string_view tenant, const translate::Reply::CallStates& states,
                  TimePoint now) {
  if (!enabled() || states.tool_ids.empty()) return;
  drop_expired(now);
  Entry entry;
  entry.used = entries_.empty() ? now : std::max(now, entries_.front().used);
  entry.bytes = kEntryCost + states.state.whole.size() + states.state.late.size();
  for (const std::string& id : states.tool_ids) {
    if (id.size() > kLongestToolId) continue;
    entry.keys.push_back(make_key(tenant, id));
    entry.bytes += kKeyCost + 2 * entry.keys.back().size();
  }
  if (entry.bytes > limits_.bytes || entry.keys.size() > kMostCalls) return;
  entry.state = std::make_shared<const translate::KeptState>(states.state);
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  for (const std::string& key : entries_.front().keys) by_key_[key] = entries_.begin();
  while (bytes_ > limits_.bytes || by_key_.size() > kMostCalls) drop_oldest();
}

void States::drop_oldest() {
  const auto oldest = std::prev(entries_.end());
  for (const std::string& key : oldest->keys) {
    const auto found = by_key_.find(key);
    // An id that came twice belongs to the newer reply.
    if (found != by_key_.end() && found->second == oldest) by_key_.erase(found);
  }
  bytes_ -= oldest->bytes;
  entries_.pop_back();
}

void States::drop_expired(TimePoint now) {
  while (!entries_.empty() && now - entries_.back().used >= limits_.life) drop_oldest();
}

}  // namespace clasp::exchange
