// What the reply's translation must remember of the request. Owns its strings: the request body
// may be gone by then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/translate/dialect.h"
#include "core/translate/input_estimate.h"

namespace clasp::translate {

struct ReplyContext {
  const Dialect* dialect = nullptr;  // not owned, static or part of the configuration snapshot
  Api api = Api::chat;               // of which the reply is
  std::string message_id;            // "msg_…"
  std::string request_id;            // "req_…", for error events
  std::string requested_model;  // what the client asked for, `[1m]` stripped: the reply's model
  std::string backend_model;    // for signatures
  std::string backend_hash;     // short hash of the base URL, for signatures
  std::optional<ReasoningReplay> replay;  // the model's own way; nothing: the dialect's
  bool beta = false;                      // B1 call: context_management members are present
  bool already_open = false;              // message_start was emitted by an earlier attempt
  bool plain = false;              // the client wants one Message: tool input is emitted whole
  bool keep_states = false;        // collect Reply::call_states()
  bool policy_as_error = false;    // a blocked prompt is an error, not a refusal (spec §6.4)
  bool fast = false;               // priority was asked for through `speed`
  bool thinking_disabled = false;  // reasoning in the reply is not shown
  bool thinking_omitted = false;   // thinking blocks come with empty text
  bool single_tool_call = false;   // keep the first call only (disable_parallel_tool_use)
  bool strip_fence = false;  // JSON was asked for in words: take one Markdown fence off (plain)
  bool web_search = false;   // url citations are wanted; Responses: and the searches themselves
  bool mcp = false;          // Responses: calls of remote MCP servers are wanted
  bool cap_raised = false;   // Responses: the cap sent is above max_tokens, which was below 16
  bool compaction = false;   // the text is a summary and becomes a compaction block
  std::string context_management_json;  // edits that were applied; empty: null
  std::int64_t max_tokens = 0;          // as asked
  std::int64_t context_window = 0;      // 0: unknown
  InputEstimate input_estimate;         // for message_start and when no usage comes
  // Stop sequences of the client; those the backend does not watch for are enforced here.
  std::vector<std::string> stop_sequences;
  std::vector<std::string> local_stops;
  std::string prefill;  // emulated prefill text to cut from the reply's start
  // Function name on the wire -> what the client declared.
  struct ToolName {
    std::string name;
    std::string toolset;   // empty: none
    std::string schema{};  // JSON, only where calls are read out of text (parse_text_tools)
  };
  std::unordered_map<std::string, ToolName> tools;
  std::unordered_set<std::string> used_tool_ids;  // ids that occur in the request's history

  ReasoningReplay replay_kind() const { return replay ? *replay : dialect->replay; }
};

}  // namespace clasp::translate
