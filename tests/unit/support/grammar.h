// Oracle for Anthropic event streams: its own SSE reader and a checker of every hard rule of the
// stream grammar (translation spec §5.1), which also puts the Message together as the SDK does.
// Independent of the writer that it judges.
#pragma once

#include <jansson.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace clasp::test {

struct JsonDeleter {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, JsonDeleter>;

inline Json parse_json(std::string_view text) {
  return Json(json_loadb(text.data(), text.size(), JSON_ALLOW_NUL | JSON_DECODE_ANY, nullptr));
}
inline std::string dump_json(const json_t* json, std::size_t flags = JSON_SORT_KEYS) {
  if (json == nullptr) return "(nothing)";
  char* text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | flags);
  std::string out = text != nullptr ? text : "(unprintable)";
  free(text);
  return out;
}
inline std::string json_text(const json_t* json) {
  return json_is_string(json) ? std::string(json_string_value(json), json_string_length(json))
                              : std::string();
}

class Grammar {
 public:
  // Reads the whole text of a stream. Empty result: every rule holds so far; else the first
  // broken rule.
  std::string check(std::string_view sse) {
    while (!sse.empty()) {
      const std::size_t end = sse.find("\n\n");
      if (end == std::string_view::npos) return "unfinished frame";
      const std::string problem = frame(sse.substr(0, end));
      if (!problem.empty()) return problem + " in: " + std::string(sse.substr(0, end));
      sse.remove_prefix(end + 2);
    }
    return {};
  }
  // The stream is over: it must have ended properly.
  std::string check_complete(std::string_view sse) {
    std::string problem = check(sse);
    if (problem.empty() && !stopped_) problem = "no message_stop";
    return problem;
  }

  bool started() const { return started_; }
  bool stopped() const { return stopped_; }
  bool failed() const { return failed_; }
  const std::vector<std::string>& events() const { return events_; }  // types in order
  // "text:Hi", "tool_use:name:{...}", "thinking:…" per block, deltas joined.
  const std::vector<std::string>& blocks() const { return blocks_; }
  const std::vector<std::string>& tool_ids() const { return tool_ids_; }
  const std::vector<std::string>& signatures() const { return signatures_; }
  // The Message as the SDK puts it together; input parsed, truncated input as null.
  const json_t* message() const { return message_.get(); }
  const json_t* error() const { return error_.get(); }

 private:
  static bool is_null(const json_t* o, const char* key) {
    return json_is_null(json_object_get(o, key));
  }
  static std::string text_at(const json_t* o, const char* key) {
    return json_text(json_object_get(o, key));
  }
  static bool is_count(const json_t* v) { return json_is_integer(v) && json_integer_value(v) >= 0; }

  std::string frame(std::string_view text) {
    constexpr std::string_view kEvent = "event: ", kData = "\ndata: ";
    if (text.substr(0, kEvent.size()) != kEvent) return "frame without event line";
    const std::size_t line = text.find(kData);
    if (line == std::string_view::npos) return "frame without data line";
    const std::string name(text.substr(kEvent.size(), line - kEvent.size()));
    const std::string_view body = text.substr(line + kData.size());
    if (body.find('\n') != std::string_view::npos || body.find('\r') != std::string_view::npos)
      return "more than one data line";
    const Json data = parse_json(body);
    if (!data || !json_is_object(data.get())) return "data is not a JSON object";
    if (text_at(data.get(), "type") != name) return "event name and type differ";
    if (failed_) return "something after error";
    if (stopped_) return "something after message_stop";
    events_.push_back(name);
    return dispatch(name, data.get());
  }

  std::string dispatch(const std::string& name, json_t* data) {
    if (name == "ping") return started_ ? "" : "ping before message_start";
    if (name == "error") return on_error(data);
    if (name == "message_start") return on_start(data);
    if (!started_) return "before message_start";
    if (name == "content_block_start") return on_block_start(data);
    if (name == "content_block_delta") return on_delta(data);
    if (name == "content_block_stop") return on_block_stop(data);
    if (name == "message_delta") return on_message_delta(data);
    if (name == "message_stop") {
      if (!ended_) return "message_stop before message_delta";
      stopped_ = true;
      return {};
    }
    return "unknown event";
  }

  std::string on_error(json_t* data) {
    const json_t* error = json_object_get(data, "error");
    if (text_at(error, "type").empty() || text_at(error, "message").empty()) return "bad error";
    if (text_at(data, "request_id").empty()) return "error without request_id";
    failed_ = true;
    error_.reset(json_incref(json_object_get(data, "error")));
    return {};
  }

  static std::string check_usage(const json_t* usage) {
    for (const char* key : {"input_tokens", "output_tokens", "cache_creation_input_tokens",
                            "cache_read_input_tokens"})
      if (!is_count(json_object_get(usage, key))) return std::string("usage.") + key;
    const json_t* details = json_object_get(usage, "output_tokens_details");
    if (!json_is_null(details) && !is_count(json_object_get(details, "thinking_tokens")))
      return "usage.output_tokens_details";
    if (json_object_get(usage, "server_tool_use") == nullptr) return "usage.server_tool_use";
    return {};
  }

  std::string on_start(json_t* data) {
    if (started_) return "second message_start";
    started_ = true;
    json_t* message = json_object_get(data, "message");
    if (text_at(message, "id").substr(0, 4) != "msg_") return "message.id";
    if (text_at(message, "type") != "message" || text_at(message, "role") != "assistant")
      return "message.type or role";
    if (text_at(message, "model").empty()) return "message.model";
    const json_t* content = json_object_get(message, "content");
    if (!json_is_array(content) || json_array_size(content) != 0) return "message.content";
    for (const char* key :
         {"stop_reason", "stop_sequence", "stop_details", "container", "diagnostics"})
      if (!is_null(message, key)) return std::string("message.") + key;
    const json_t* usage = json_object_get(message, "usage");
    if (text_at(usage, "service_tier").empty()) return "usage.service_tier";
    message_.reset(json_deep_copy(message));
    return check_usage(usage);
  }

  std::string on_block_start(json_t* data) {
    if (ended_) return "block after message_delta";
    if (open_) return "second open block";
    if (!is_count(json_object_get(data, "index")) ||
        json_integer_value(json_object_get(data, "index")) != static_cast<json_int_t>(index_))
      return "index is not the next one";
    json_t* block = json_object_get(data, "content_block");
    kind_ = text_at(block, "type");
    open_ = true;
    signed_ = cited_ = deltas_ = false;
    text_.clear();
    if (kind_ == "text") {
      if (!text_at(block, "text").empty() || !is_null(block, "citations")) return "text start";
    } else if (kind_ == "thinking") {
      if (!json_is_string(json_object_get(block, "thinking")) ||
          !json_is_string(json_object_get(block, "signature")) ||
          !text_at(block, "thinking").empty() || !text_at(block, "signature").empty())
        return "thinking start";
    } else if (kind_ == "tool_use") {
      const std::string problem = check_tool(block);
      if (!problem.empty()) return problem;
    } else if (kind_ == "compaction") {
      if (index_ != 0) return "compaction block beside others";
      if (!is_null(block, "content") || !is_null(block, "encrypted_content"))
        return "compaction start";
    } else if (kind_ == "server_tool_use" || kind_ == "web_search_tool_result") {
      const std::string problem = check_search(block);
      if (!problem.empty()) return problem;
    } else if (kind_ == "mcp_tool_use" || kind_ == "mcp_tool_result") {
      const std::string problem = check_mcp(block);
      if (!problem.empty()) return problem;
    } else {
      return "unknown block type";
    }
    json_array_append_new(json_object_get(message_.get(), "content"), json_deep_copy(block));
    return {};
  }

  // Whole blocks without deltas, the result directly behind its call.
  std::string check_search(const json_t* block) {
    if (kind_ == "server_tool_use") {
      search_id_ = text_at(block, "id");
      const bool fine = search_id_.substr(0, 9) == "srvtoolu_" && !text_at(block, "name").empty() &&
                        json_is_object(json_object_get(block, "input"));
      return fine ? "" : "server_tool_use start";
    }
    if (search_id_.empty() || text_at(block, "tool_use_id") != search_id_) return "search id";
    search_id_.clear();
    const json_t* content = json_object_get(block, "content");
    if (text_at(content, "type") == "web_search_tool_result_error")
      return text_at(content, "error_code").empty() ? "search error" : "";
    if (!json_is_array(content)) return "search result";
    std::size_t i = 0;
    json_t* entry = nullptr;
    json_array_foreach(content, i, entry) {
      if (text_at(entry, "type") != "web_search_result" || text_at(entry, "title").empty() ||
          text_at(entry, "url").empty() || text_at(entry, "encrypted_content").empty())
        return "search result";
    }
    return {};
  }

  // The same of a remote server's tools.
  std::string check_mcp(const json_t* block) {
    if (kind_ == "mcp_tool_use") {
      mcp_id_ = text_at(block, "id");
      const bool fine = mcp_id_.substr(0, 9) == "mcptoolu_" &&
                        json_is_string(json_object_get(block, "name")) &&
                        json_is_string(json_object_get(block, "server_name")) &&
                        json_is_object(json_object_get(block, "input"));
      return fine ? "" : "mcp_tool_use start";
    }
    if (mcp_id_.empty() || text_at(block, "tool_use_id") != mcp_id_) return "mcp id";
    mcp_id_.clear();
    const bool fine = json_is_boolean(json_object_get(block, "is_error")) &&
                      json_is_array(json_object_get(block, "content"));
    return fine ? "" : "mcp_tool_result start";
  }

  std::string check_tool(const json_t* block) {
    const std::string id = text_at(block, "id"), name = text_at(block, "name");
    constexpr std::string_view kIdChars =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    if (id.empty() || id.size() > 64 || id.find_first_not_of(kIdChars) != std::string::npos)
      return "tool id";
    for (const std::string& other : tool_ids_)
      if (other == id) return "tool id twice";
    if (name.empty()) return "tool name";
    const json_t* input = json_object_get(block, "input");
    if (!json_is_object(input) || json_object_size(input) != 0) return "tool input";
    if (text_at(json_object_get(block, "caller"), "type") != "direct") return "tool caller";
    tool_ids_.push_back(id);
    return {};
  }

  json_t* block() {
    json_t* content = json_object_get(message_.get(), "content");
    return json_array_get(content, json_array_size(content) - 1);
  }

  std::string on_delta(json_t* data) {
    if (!open_) return "delta without open block";
    if (json_integer_value(json_object_get(data, "index")) != static_cast<json_int_t>(index_))
      return "delta for another index";
    const json_t* delta = json_object_get(data, "delta");
    const std::string type = text_at(delta, "type");
    if (signed_) return "delta after signature_delta";
    deltas_ = true;
    if (kind_ == "text" && type == "text_delta") {
      if (!json_is_string(json_object_get(delta, "text"))) return "text_delta";
      text_ += text_at(delta, "text");
    } else if (kind_ == "text" && type == "citations_delta") {
      if (!json_is_object(json_object_get(delta, "citation"))) return "citations_delta";
      if (!json_is_array(json_object_get(block(), "citations")))
        json_object_set_new(block(), "citations", json_array());
      json_array_append(json_object_get(block(), "citations"), json_object_get(delta, "citation"));
    } else if (kind_ == "thinking" && type == "thinking_delta") {
      if (!json_is_string(json_object_get(delta, "thinking"))) return "thinking_delta";
      text_ += text_at(delta, "thinking");
    } else if (kind_ == "thinking" && type == "signature_delta") {
      if (text_at(delta, "signature").empty()) return "empty signature";
      signed_ = true;
      signatures_.push_back(text_at(delta, "signature"));
      json_object_set(block(), "signature", json_object_get(delta, "signature"));
    } else if (kind_ == "tool_use" && type == "input_json_delta") {
      if (!json_is_string(json_object_get(delta, "partial_json"))) return "input_json_delta";
      text_ += text_at(delta, "partial_json");
    } else if (kind_ == "compaction" && type == "compaction_delta") {
      const json_t* content = json_object_get(delta, "content");
      if (compacted_) return "second compaction_delta";
      compacted_ = true;
      if (!json_is_null(content) && text_at(delta, "content").empty()) return "compaction content";
      if (!is_null(delta, "encrypted_content")) return "compaction encrypted_content";
      // A summary is signed, its absence is not.
      if (json_is_null(content) != text_at(block(), "signature").empty())
        return "compaction signature";
      json_object_set(block(), "content", json_object_get(delta, "content"));
      text_ = text_at(delta, "content");
    } else {
      return "delta of another kind than the block";
    }
    return {};
  }

  std::string on_block_stop(json_t* data) {
    if (!open_) return "stop without open block";
    if (json_integer_value(json_object_get(data, "index")) != static_cast<json_int_t>(index_))
      return "stop for another index";
    open_ = false;
    ++index_;
    if (kind_ == "thinking") {
      if (!signed_) return "thinking block without signature";
      json_object_set_new(block(), "thinking", json_stringn(text_.data(), text_.size()));
      blocks_.push_back("thinking:" + text_);
    } else if (kind_ == "text") {
      if (text_.find_first_not_of(" \t\r\n") == std::string::npos) return "blank text block";
      json_object_set_new(block(), "text", json_stringn(text_.data(), text_.size()));
      blocks_.push_back("text:" + text_);
    } else if (kind_ == "compaction") {
      if (!compacted_) return "compaction block without its delta";
      blocks_.push_back("compaction:" + text_);
    } else if (kind_ != "tool_use") {
      blocks_.push_back(kind_);
    } else {
      const Json input = parse_json(text_.empty() ? "{}" : text_);
      // Only the cap may leave input unfinished; that is judged when the reason is known.
      if (!input || !json_is_object(input.get())) truncated_ = true;
      json_object_set_new(block(), "input", input ? json_incref(input.get()) : json_null());
      blocks_.push_back("tool_use:" + text_at(block(), "name") + ":" + text_);
    }
    return {};
  }

  // context_management: on beta calls, and then in both places.
  std::string check_edits(json_t* data) {
    json_t* edits = json_object_get(data, "context_management");
    const bool beta = json_object_get(message_.get(), "context_management") != nullptr;
    if ((edits != nullptr) != beta) return "context_management";
    if (edits == nullptr) return {};
    json_object_set(message_.get(), "context_management", edits);
    if (json_is_null(edits)) return {};
    const json_t* list = json_object_get(edits, "applied_edits");
    if (json_array_size(list) == 0) return "applied_edits";
    for (std::size_t i = 0; i < json_array_size(list); ++i) {
      const json_t* edit = json_array_get(list, i);
      const bool tools = text_at(edit, "type") == "clear_tool_uses_20250919";
      if (!tools && text_at(edit, "type") != "clear_thinking_20251015") return "type of an edit";
      if (!is_count(json_object_get(edit, "cleared_input_tokens")) ||
          !is_count(json_object_get(edit, tools ? "cleared_tool_uses" : "cleared_thinking_turns")))
        return "counts of an edit";
    }
    return {};
  }

  std::string on_message_delta(json_t* data) {
    if (ended_) return "second message_delta";
    if (open_) return "message_delta with an open block";
    ended_ = true;
    const json_t* delta = json_object_get(data, "delta");
    const std::string reason = text_at(delta, "stop_reason");
    bool known = false;
    for (const char* name : {"end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal",
                             "model_context_window_exceeded", "compaction"})
      known = known || reason == name;
    if (!known) return "stop_reason";
    if (compacted_ != (reason == "compaction")) return "compaction block and stop_reason";
    if (compacted_ && index_ != 1) return "compaction block beside others";
    if (const std::string problem = check_edits(data); !problem.empty()) return problem;
    const json_t* sequence = json_object_get(delta, "stop_sequence");
    if (!json_is_null(sequence) && !json_is_string(sequence)) return "stop_sequence";
    const json_t* details = json_object_get(delta, "stop_details");
    if ((reason == "refusal") != json_is_object(details)) return "stop_details";
    if (!is_null(delta, "container")) return "container";
    if (reason == "tool_use" && tool_ids_.empty()) return "tool_use without a tool";
    if (truncated_ && reason != "max_tokens" && reason != "refusal" && reason != "stop_sequence" &&
        reason != "model_context_window_exceeded")
      return "invalid tool input";
    for (const char* key : {"stop_reason", "stop_sequence", "stop_details", "container"})
      json_object_set(message_.get(), key, json_object_get(delta, key));
    const json_t* usage = json_object_get(data, "usage");
    json_object_update(json_object_get(message_.get(), "usage"), const_cast<json_t*>(usage));
    return check_usage(usage);
  }

  bool started_ = false, ended_ = false, stopped_ = false, failed_ = false;
  bool open_ = false, signed_ = false, cited_ = false, deltas_ = false, truncated_ = false,
       compacted_ = false;
  std::size_t index_ = 0;
  std::string kind_, text_, search_id_, mcp_id_;
  std::vector<std::string> events_, blocks_, tool_ids_, signatures_;
  Json message_, error_;
};

}  // namespace clasp::test
