// The edits that a client asks for in `context_management` (translation spec §1.9), read. Private
// to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/wire/api_error.h"

namespace clasp::translate {

// clear_tool_uses_20250919
struct ToolUseEdit {
  bool trigger_by_uses = false;  // else by input tokens
  std::int64_t trigger = 100'000;
  std::int64_t keep = 3;            // newest tool uses that stay
  std::int64_t clear_at_least = 0;  // tokens, else nothing is cleared
  bool clear_all_inputs = false;
  std::set<std::string> clear_inputs;  // of these tools
  std::set<std::string> exclude;       // tools whose uses stay
};

// clear_thinking_20251015
struct ThinkingEdit {
  bool keep_all = false;
  std::int64_t keep = 1;  // newest turns that keep their thinking
};

// compact_20260112, for backends that do it by themselves
struct CompactEdit {
  std::int64_t trigger = 150'000;  // input tokens
};

struct ContextOptions {
  std::optional<ToolUseEdit> tool_uses;
  std::optional<ThinkingEdit> thinking;
  std::optional<CompactEdit> compact;
  bool others = false;  // what nobody does: unknown edits, a summary in a form of the client's own
};

// `json`: the member's value, an object, or nothing. A refusal names the path.
Result<ContextOptions, wire::ApiError> parse_context_options(std::string_view json);

}  // namespace clasp::translate
