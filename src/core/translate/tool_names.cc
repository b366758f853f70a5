// Tool names and ids that backends accept, made without a table.
#include "core/translate/tool_names.h"

#include <cstdint>

#include "base/text.h"
#include "core/translate/translation.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kNameStem = 55;  // leaves room for "_" and eight digits
constexpr std::string_view kOwnPrefix = "toolu_clasp";
constexpr std::size_t kOwnSuffix = 7;  // "_" and six random characters

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}
bool is_name_start(char c) {
  return is_name_char(c) && c != '-' && !(c >= '0' && c <= '9');
}

bool all_name_chars(std::string_view text) {
  for (char c : text)
    if (!is_name_char(c)) return false;
  return true;
}

// Nine alphanumerics from the hash, as mistral's templates demand.
std::string nine_characters(std::string_view id) {
  const std::string hex = sha256_hex(id);
  const auto word = [&hex](std::size_t from) {
    std::uint64_t value = 0;
    for (char c : hex.substr(from, 16))
      value = value * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    return value;
  };
  return base62(word(0), word(16), 9);
}

}  // namespace

std::string tool_wire_name(std::string_view name, std::string_view toolset,
                           const Dialect& dialect) {
  std::string full;
  if (!toolset.empty()) full.append(toolset).append("__");
  full.append(name);
  const bool good_start = !dialect.letter_names || (!full.empty() && is_name_start(full[0]));
  if (!full.empty() && full.size() <= kMaxName && good_start && all_name_chars(full)) return full;
  std::string stem = good_start ? "" : "_";
  for (char c : full) stem.push_back(is_name_char(c) ? c : '_');
  stem.resize(std::min(stem.size(), kNameStem));
  return stem + "_" + sha256_hex(full).substr(0, 8);
}

std::string restored_tool_id(std::string_view id) {
  if (!id.starts_with(kOwnPrefix) || id.size() <= kOwnPrefix.size() + kOwnSuffix) return {};
  id.remove_prefix(kOwnPrefix.size());
  if (id[id.size() - kOwnSuffix] != '_') return {};
  const auto original = base64url_decode(id.substr(0, id.size() - kOwnSuffix));
  return original && is_valid_utf8(*original) ? *original : std::string();
}

std::string tool_wire_id(std::string_view id, const Dialect& dialect, const Profile& profile) {
  if (profile.mistral_ids) return nine_characters(id);
  if (profile.restore_ids)
    if (std::string original = restored_tool_id(id); !original.empty()) return original;
  const auto limit = static_cast<std::size_t>(dialect.max_tool_id);
  const bool short_enough = limit == 0 || id.size() <= limit;
  if (!id.empty() && short_enough && all_name_chars(id)) return std::string(id);
  return "call_" + sha256_hex(id).substr(0, 32);
}

}  // namespace clasp::translate
