// Choosing the id of a tool_use block.
#include "core/translate/tool_ids.h"

#include <algorithm>

#include "base/text.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxId = 64;
constexpr std::size_t kMaxEncoded = 30;  // bytes of a backend id that fit into one of ours
constexpr std::size_t kRandomTail = 6;

bool is_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_clean(std::string_view id) {
  return !id.empty() && id.size() <= kMaxId && std::all_of(id.begin(), id.end(), is_id_char);
}

// A number, or "call_" and a small number: the same in every turn, hence no identity.
bool is_generic(std::string_view id) {
  constexpr std::string_view kPrefix = "call_";
  constexpr std::size_t kSmall = 4;
  if (id.substr(0, kPrefix.size()) == kPrefix) {
    id.remove_prefix(kPrefix.size());
    if (id.size() > kSmall) return false;
  }
  return std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string make_client_tool_id(std::string_view backend_id,
                                const std::unordered_set<std::string>& history,
                                const std::unordered_set<std::string>& used, Random& random) {
  std::string id(backend_id);
  if (is_clean(id) && !is_generic(id) && history.count(id) == 0 && used.count(id) == 0) return id;
  if (id.empty() || id.size() > kMaxEncoded) return make_id(random, "toolu_");
  return "toolu_clasp" + base64url_encode(id) + "_" +
         base62(random.next(), random.next(), kRandomTail);
}

}  // namespace clasp::translate
