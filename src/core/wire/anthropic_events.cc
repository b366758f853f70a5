// Writes the frames of an Anthropic stream and the plain Message. Every member that clients read
// is always present; strings arrive escaped wherever the backend's own escaping can be kept.
#include "core/wire/anthropic_events.h"

#include <charconv>

#include "base/text.h"

namespace clasp::wire {

namespace {

void append_number(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void append_string_or_null(std::string& out, std::string_view text) {
  if (text.empty())
    out.append("null");
  else
    append_json_string(out, text);
}

// The counters that a message_delta carries, without the braces.
void append_counters(std::string& out, const MessageUsage& usage) {
  out.append("\"input_tokens\":");
  append_number(out, usage.input_tokens);
  out.append(",\"cache_creation_input_tokens\":");
  append_number(out, usage.cache_creation_input_tokens);
  out.append(",\"cache_read_input_tokens\":");
  append_number(out, usage.cache_read_input_tokens);
  out.append(",\"output_tokens\":");
  append_number(out, usage.output_tokens);
  out.append(",\"output_tokens_details\":");
  if (usage.thinking_tokens < 0) {
    out.append("null");
  } else {
    out.append("{\"thinking_tokens\":");
    append_number(out, usage.thinking_tokens);
    out.push_back('}');
  }
  out.append(",\"server_tool_use\":");
  if (usage.web_search_requests <= 0) {
    out.append("null");
  } else {
    out.append("{\"web_search_requests\":");
    append_number(out, usage.web_search_requests);
    out.append(",\"web_fetch_requests\":0}");
  }
}

// The usage object of a Message.
void append_usage(std::string& out, const MessageUsage& usage) {
  out.push_back('{');
  append_counters(out, usage);
  out.append(",\"cache_creation\":");
  if (usage.cache_write_known) {
    out.append("{\"ephemeral_5m_input_tokens\":");
    append_number(out, usage.cache_creation_input_tokens);
    out.append(",\"ephemeral_1h_input_tokens\":0}");
  } else {
    out.append("null");
  }
  out.append(",\"inference_geo\":null,\"service_tier\":");
  append_json_string(out, usage.service_tier);
  out.append(usage.fast ? ",\"speed\":\"fast\"}" : ",\"speed\":null}");
}

// "stop_reason":…,"stop_sequence":…,"stop_details":…
void append_stop(std::string& out, const MessageEnd& end) {
  out.append("\"stop_reason\":");
  append_json_string(out, end.stop_reason);
  out.append(",\"stop_sequence\":");
  if (end.has_stop_sequence)
    append_json_string(out, end.stop_sequence);
  else
    out.append("null");
  out.append(",\"stop_details\":");
  if (!end.refusal) {
    out.append("null");
    return;
  }
  out.append("{\"type\":\"refusal\",\"category\":");
  append_string_or_null(out, end.refusal_category);
  out.append(",\"explanation\":");
  append_string_or_null(out, end.refusal_explanation);
  out.push_back('}');
}

void append_context_management(std::string& out, const MessageEnd& end) {
  out.append(",\"context_management\":");
  out.append(end.context_management_json.empty() ? "null" : end.context_management_json);
}

// {"id":…,"type":"message","role":"assistant","model":…, — the members known at the start.
void append_message_head(std::string& out, const MessageStart& start) {
  out.append("{\"id\":");
  append_json_string(out, start.id);
  out.append(",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
  append_json_string(out, start.model);
  out.append(",\"content\":[");
}

void append_delta_head(std::string& out, int index, std::string_view opening) {
  out.append("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":");
  append_number(out, index);
  out.append(",\"delta\":{\"type\":");
  out.append(opening);
}

void append_start_head(std::string& out, int index) {
  out.append("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":");
  append_number(out, index);
  out.append(",\"content_block\":");
}

// ,"encrypted_content":null,"signature":… up to the closing brace.
void append_compaction_tail(std::string& out, std::string_view signature) {
  out.append(",\"encrypted_content\":null,\"signature\":");
  append_string_or_null(out, signature);
  out.push_back('}');
}

void append_raw_or_null(std::string& out, std::optional<std::string_view> raw) {
  if (raw)
    out.append("\"").append(*raw).append("\"");
  else
    out.append("null");
}

constexpr std::string_view kDeltaTail = "\"}}\n\n";

// {"type":"tool_use","id":…,"name":…,"input":
void append_tool_head(std::string& out, std::string_view id, std::string_view name) {
  out.append("{\"type\":\"tool_use\",\"id\":");
  append_json_string(out, id);
  out.append(",\"name\":");
  append_json_string(out, name);
  out.append(",\"input\":");
}

// ,"caller":… and the toolset, up to the closing brace.
void append_tool_tail(std::string& out, std::string_view toolset) {
  out.append(",\"caller\":{\"type\":\"direct\"}");
  if (!toolset.empty()) {
    out.append(",\"toolset_name\":");
    append_json_string(out, toolset);
  }
  out.push_back('}');
}

}  // namespace

// ---- SSE ---------------------------------------------------------------------------------------

void SseEventWriter::message_start(const MessageStart& start) {
  beta_ = start.beta;
  out_.append("event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
  append_message_head(out_, start);
  out_.append(
      "],\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,\"container\":null,"
      "\"diagnostics\":null,");
  if (start.beta) out_.append("\"context_management\":null,");
  out_.append("\"usage\":");
  append_usage(out_, start.usage);
  out_.append("}}\n\n");
  // As the real API does; the first sign of life for clients that wait for one.
  append_ping_event(out_);
}

void SseEventWriter::text_start(int index) {
  append_start_head(out_, index);
  out_.append("{\"type\":\"text\",\"text\":\"\",\"citations\":null}}\n\n");
}

void SseEventWriter::text_delta(int index, std::string_view raw) {
  append_delta_head(out_, index, "\"text_delta\",\"text\":\"");
  out_.append(raw);
  out_.append(kDeltaTail);
}

void SseEventWriter::thinking_start(int index) {
  append_start_head(out_, index);
  out_.append("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
}

void SseEventWriter::thinking_delta(int index, std::string_view raw) {
  append_delta_head(out_, index, "\"thinking_delta\",\"thinking\":\"");
  out_.append(raw);
  out_.append(beta_ ? "\",\"estimated_tokens\":null}}\n\n" : kDeltaTail);
}

void SseEventWriter::signature_delta(int index, std::string_view signature) {
  append_delta_head(out_, index, "\"signature_delta\",\"signature\":\"");
  append_json_escaped(out_, signature);
  out_.append(kDeltaTail);
}

void SseEventWriter::tool_start(int index, std::string_view id, std::string_view name,
                                std::string_view toolset) {
  append_start_head(out_, index);
  append_tool_head(out_, id, name);
  out_.append("{}");
  append_tool_tail(out_, toolset);
  out_.append("}\n\n");
}

void SseEventWriter::input_delta(int index, std::string_view json_piece) {
  append_delta_head(out_, index, "\"input_json_delta\",\"partial_json\":\"");
  append_json_escaped(out_, json_piece);
  out_.append(kDeltaTail);
}

void SseEventWriter::citation_delta(int index, std::string_view json) {
  append_delta_head(out_, index, "\"citations_delta\",\"citation\":");
  out_.append(json);
  out_.append("}}\n\n");
}

void SseEventWriter::block_stop(int index) {
  out_.append("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":");
  append_number(out_, index);
  out_.append("}\n\n");
}

void SseEventWriter::compaction(int index, std::optional<std::string_view> summary_raw,
                                std::string_view signature) {
  // The start is a shell, but for the signature: no delta of this kind of block carries one.
  append_start_head(out_, index);
  out_.append("{\"type\":\"compaction\",\"content\":null");
  append_compaction_tail(out_, signature);
  out_.append("}\n\n");
  append_delta_head(out_, index, "\"compaction_delta\",\"content\":");
  append_raw_or_null(out_, summary_raw);
  out_.append(",\"encrypted_content\":null}}\n\n");
  block_stop(index);
}

void SseEventWriter::whole_block(int index, std::string_view json) {
  append_start_head(out_, index);
  out_.append(json).append("}\n\n");
  block_stop(index);
}

void SseEventWriter::message_end(const MessageEnd& end) {
  out_.append("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{");
  append_stop(out_, end);
  out_.append(",\"container\":null},\"usage\":{");
  append_counters(out_, end.usage);
  out_.push_back('}');
  if (end.beta) append_context_management(out_, end);
  out_.append("}\n\n");
  out_.append("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

void append_ping_event(std::string& out) {
  out.append("event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

// ---- plain Message -----------------------------------------------------------------------------

namespace {
constexpr std::size_t kUsualMessage = 2048;  // grows where that is too little
}  // namespace

void MessageCollector::message_start(const MessageStart& start) {
  body_.reserve(kUsualMessage);
  append_message_head(body_, start);
}

void MessageCollector::start_block(int index, Kind kind) {
  if (index > 0) body_.push_back(',');
  kind_ = kind;
  citations_.clear();
  signature_.clear();
}

void MessageCollector::text_start(int index) {
  start_block(index, Kind::text);
  body_.append("{\"type\":\"text\",\"text\":\"");
}

void MessageCollector::text_delta(int, std::string_view raw) {
  body_.append(raw);
}

void MessageCollector::thinking_start(int index) {
  start_block(index, Kind::thinking);
  body_.append("{\"type\":\"thinking\",\"thinking\":\"");
}

void MessageCollector::thinking_delta(int, std::string_view raw) {
  body_.append(raw);
}

void MessageCollector::signature_delta(int, std::string_view signature) {
  signature_.assign(signature);
}

void MessageCollector::tool_start(int index, std::string_view id, std::string_view name,
                                  std::string_view toolset) {
  start_block(index, Kind::tool);
  append_tool_head(body_, id, name);
  tool_tail_.clear();
  append_tool_tail(tool_tail_, toolset);
  has_input_ = false;
}

void MessageCollector::input_delta(int, std::string_view json_piece) {
  body_.append(json_piece);
  has_input_ = has_input_ || !json_piece.empty();
}

void MessageCollector::citation_delta(int, std::string_view json) {
  if (!citations_.empty()) citations_.push_back(',');
  citations_.append(json);
}

void MessageCollector::block_stop(int) {
  switch (kind_) {
    case Kind::text:
      body_.append("\",\"citations\":");
      if (citations_.empty())
        body_.append("null}");
      else
        body_.append("[").append(citations_).append("]}");
      break;
    case Kind::thinking:
      body_.append("\",\"signature\":");
      append_json_string(body_, signature_);
      body_.push_back('}');
      break;
    case Kind::tool:
      if (!has_input_) body_.append("{}");
      body_.append(tool_tail_);
      break;
  }
}

void MessageCollector::compaction(int index, std::optional<std::string_view> summary_raw,
                                  std::string_view signature) {
  if (index > 0) body_.push_back(',');
  body_.append("{\"type\":\"compaction\",\"content\":");
  append_raw_or_null(body_, summary_raw);
  append_compaction_tail(body_, signature);
}

void MessageCollector::whole_block(int index, std::string_view json) {
  if (index > 0) body_.push_back(',');
  body_.append(json);
}

void MessageCollector::message_end(const MessageEnd& end) {
  body_.append("],");
  append_stop(body_, end);
  body_.append(",\"container\":null,\"diagnostics\":null");
  if (end.beta) append_context_management(body_, end);
  body_.append(",\"usage\":");
  append_usage(body_, end.usage);
  body_.push_back('}');
}

}  // namespace clasp::wire
