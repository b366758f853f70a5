// One pass over the text before the place.
#include "core/wire/json_depth.h"

#include <vector>

#include "base/text.h"
#include "core/wire/json_reader.h"

namespace clasp::wire {

namespace {

constexpr std::size_t kShownLevels = 6;
constexpr std::size_t kShownKey = 64;

struct Level {
  bool object = false;
  std::size_t index = 0;     // arrays
  std::string_view key_raw;  // objects: of the member that was read last
};

// Behind the string whose opening quote stands at `at`.
std::size_t behind_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return at + 1;
}

std::string path_of(const std::vector<Level>& levels) {
  std::string path;
  for (const Level& level : levels) {
    const bool shown = level.key_raw.size() <= kShownKey;
    if (!path.empty()) path.push_back('.');
    path += !level.object ? std::to_string(level.index)
            : shown       ? decode_json_string(level.key_raw)
                          : "…";
  }
  return path;
}

}  // namespace

std::optional<std::string> too_deep_at(std::string_view text, std::size_t offset) {
  if (offset >= text.size() || (text[offset] != '{' && text[offset] != '[')) return std::nullopt;
  std::vector<Level> levels;  // the outermost ones
  int depth = 0;
  std::string_view last_string;
  for (std::size_t at = 0; at < offset; ++at) {
    const bool shown = depth <= static_cast<int>(levels.size()) && !levels.empty();
    switch (text[at]) {
      case '"': {
        const std::size_t end = behind_string(text, at);
        last_string = text.substr(at + 1, end - at - 2);
        at = end - 1;
        break;
      }
      case ':':
        if (shown) levels.back().key_raw = last_string;
        break;
      case ',':
        if (shown) ++levels.back().index;
        break;
      case '{':
      case '[':
        if (++depth <= static_cast<int>(kShownLevels)) levels.push_back({text[at] == '{', 0, {}});
        break;
      case '}':
      case ']':
        if (depth-- <= static_cast<int>(levels.size())) levels.pop_back();
        break;
      default:
        break;
    }
  }
  if (depth < kMaxJsonDepth) return std::nullopt;
  return path_of(levels);
}

}  // namespace clasp::wire
