// The Anthropic Messages request as a flat index over the client's bytes: nothing is copied or
// decoded that translation can pass on as it stands (spec §1, §2). One pass of the strict reader
// fills it and proves that the whole body is valid JSON; simdjson proves that it is UTF-8.
//
// Naming: `raw` is the inside of a JSON string as it stood, escapes included; `json` is a whole
// JSON value as it stood. All views point into the body given to parse_messages_request(), which
// must outlive this. A member that is null counts as absent everywhere. When an object repeats a
// name the last one counts, as in JavaScript and Python; slices keep both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/wire/api_error.h"

namespace clasp::wire {

enum class Role { user, assistant, system };

enum class BlockType {
  text,
  image,
  document,
  search_result,
  tool_use,
  tool_result,
  thinking,
  redacted_thinking,
  server_tool_use,
  server_tool_result,
  tool_reference,
  compaction,
  container_upload,
  mcp_tool_use,
  mcp_tool_result,
  tool_addition,
  tool_removal,
  ignored,
  unknown,
};

// One content block. Which members are set depends on the type; unset ones are empty.
struct Block {
  BlockType type = BlockType::unknown;
  std::string_view type_raw;       // as sent
  std::string_view text_raw;       // text, thinking; content that is a string
  std::string_view id_raw;         // tool_use id; tool_result tool_use_id
  std::string_view name_raw;       // tool_use name; tool_reference tool_name
  std::string_view toolset_raw;    // tool_use toolset_name
  std::string_view input_json;     // tool_use input, empty when missing
  std::string_view signature_raw;  // thinking signature, redacted_thinking data
  std::string_view cache_control_json;
  std::string_view json;          // the whole block, for the long tail
  std::string_view content_json;  // content that is no string, not indexed as children
  // Image and document sources.
  std::string_view source_type_raw;  // base64, url, file, text, content
  std::string_view media_type_raw;
  std::string_view data_raw;  // base64 data, text document, url, file id; search_result source
  std::string_view title_raw, context_raw;
  bool citations = false;  // document.citations.enabled
  bool is_error = false;
  bool has_text = false;       // text_raw was there, maybe empty
  bool has_content = false;    // content was present and not null
  bool has_citations = false;  // citations: a list with elements
  bool by_program = false;     // tool_use caller other than direct
  // Content of a tool_result that is a list: [first_child, end_child) in
  // MessagesRequest::children.
  std::uint32_t first_child = 0, end_child = 0;
};

struct Message {
  Role role = Role::user;
  std::uint32_t first_block = 0, end_block = 0;  // in MessagesRequest::blocks
  std::string_view clear_at_raw;                 // system turns: "next_user_message"
  std::string_view effort_raw;                   // system turns: output_config.effort
};

struct Tool {
  std::string_view type_raw;  // empty or "custom": client tool
  std::string_view name_raw;
  std::string_view description_raw;
  bool has_description = false;
  std::string_view schema_json;  // input_schema, empty when missing
  std::string_view cache_control_json;
  std::string_view examples_json;  // input_examples
  std::string_view json;           // the whole tool, for built-in kinds
  std::optional<bool> strict;
  bool defer_loading = false;
};

// What others have found out about a list of tools that was met before; see tool_memory.h.
struct ToolNotes {
  std::int64_t weight = -1;  // the list's part of the token estimate, -1: not counted yet
};

enum class ToolChoiceKind { absent, automatic, any, tool, none };
enum class ThinkingKind { absent, enabled, adaptive, between_tools, disabled };

struct MessagesRequest {
  std::string model;  // decoded, a trailing `[1m]` taken off
  std::optional<std::int64_t> max_tokens;
  std::vector<Message> messages;
  std::vector<Block> blocks;    // of all messages, in order
  std::vector<Block> children;  // blocks inside blocks
  std::vector<Block> system;    // text blocks of the top-level system prompt
  std::vector<Tool> tools;
  std::shared_ptr<ToolNotes> tool_notes;  // about exactly these tools; may be missing
  ToolChoiceKind tool_choice = ToolChoiceKind::absent;
  std::string_view tool_choice_name_raw;
  bool disable_parallel_tool_use = false;
  ThinkingKind thinking = ThinkingKind::absent;
  std::int64_t thinking_budget = 0;
  std::string_view thinking_display_raw;
  std::string_view effort_raw;              // output_config.effort
  std::string_view output_format_json;      // output_config.format, else output_format
  std::vector<std::string> stop_sequences;  // decoded
  std::string_view temperature_json, top_p_json, top_k_json;  // numbers as sent
  bool stream = false;
  std::string_view user_id_raw;  // metadata.user_id
  std::string_view service_tier_raw, speed_raw, inference_geo_raw;
  std::string_view cache_control_json;
  std::string_view container_json, mcp_servers_json, context_management_json, compaction_json,
      thread_json;
  bool fallbacks = false;
  std::vector<std::string> unknown_fields;  // names, decoded; also other metadata keys
  bool needless_escapes = false;            // there may be some: see plain_spelling.h
  bool spaces = false;                      // between tokens, somewhere in the body
};

// A 400 invalid_request_error.
inline ApiError refuse_request(std::string message) {
  ApiError error;
  error.status = 400;
  error.type = ErrorType::invalid_request;
  error.message = std::move(message);
  return error;
}

inline constexpr std::size_t kMaxMessages = 100'000;
inline constexpr std::size_t kMaxBlocks = 300'000;  // of all messages, nested ones included
inline constexpr std::size_t kMaxTools = 10'000;
inline constexpr std::size_t kMaxStopSequences = 1'000;

// Parses and checks the body. It must be valid JSON with the shapes of spec §1.1; errors are 400
// invalid_request_error naming the JSON path ("messages.0.content.1.text: …").
// `body` is not modified and needs no padding. `counting`: count_tokens, where max_tokens is not
// required. `memory`: what is known of the tools of earlier requests, may be missing.
class ToolMemory;
Result<MessagesRequest, ApiError> parse_messages_request(std::string_view body, bool counting,
                                                         ToolMemory* memory = nullptr);

// The least that must be known of a body whose shapes somebody else judges: valid JSON in UTF-8, an
// object, `model` and whether it asks for a stream. Nothing else is filled in.
Result<MessagesRequest, ApiError> parse_messages_envelope(std::string_view body);

// A tool definition that was only sliced while parsing; wrongly typed members are left empty.
Tool parse_tool(std::string_view json);

// The blocks of a `content` value that was only sliced while parsing: a string or a list. Elements
// that are no block objects are left out. `json` must come from an accepted body.
std::vector<Block> parse_content_blocks(std::string_view json);

}  // namespace clasp::wire
