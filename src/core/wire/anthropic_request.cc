// The request's own fields: one reader each, found by name in a table. Messages and their blocks
// are read in anthropic_request_blocks.cc.
#include "core/wire/anthropic_request.h"

#include <simdjson.h>

#include <algorithm>

#include "base/text.h"
#include "core/wire/anthropic_request_parser.h"
#include "core/wire/json_depth.h"

namespace clasp::wire {

namespace {

constexpr std::size_t kMaxUnknownFields = 32;
constexpr std::string_view kContextSuffix = "[1m]";

// An integer as JSON may write it: digits, a sign, and a fraction of zeros.
std::optional<std::int64_t> integer_of(std::string_view json) {
  const bool negative = !json.empty() && json.front() == '-';
  if (negative) json.remove_prefix(1);
  if (const std::size_t dot = json.find('.'); dot != std::string_view::npos) {
    if (json.find_first_not_of('0', dot + 1) != std::string_view::npos) return std::nullopt;
    json = json.substr(0, dot);
  }
  const auto value = parse_unsigned(json);
  if (!value || *value > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return negative ? -static_cast<std::int64_t>(*value) : static_cast<std::int64_t>(*value);
}

constexpr ChoiceName<ThinkingKind> kThinkingKinds[] = {
    {"enabled", ThinkingKind::enabled},
    {"adaptive", ThinkingKind::adaptive},
    {"between_tools", ThinkingKind::between_tools},
    {"disabled", ThinkingKind::disabled},
};

}  // namespace

const RequestParser::Field RequestParser::kFields[] = {
    {"model", &RequestParser::read_model},
    {"max_tokens", &RequestParser::read_max_tokens},
    {"messages", &RequestParser::read_messages},
    {"system", &RequestParser::read_system},
    {"tools", &RequestParser::read_tools},
    {"tool_choice", &RequestParser::read_tool_choice},
    {"thinking", &RequestParser::read_thinking},
    {"output_config", &RequestParser::read_output_config},
    {"output_format", &RequestParser::read_output_format},
    {"stop_sequences", &RequestParser::read_stop_sequences},
    {"temperature", &RequestParser::read_temperature},
    {"top_p", &RequestParser::read_top_p},
    {"top_k", &RequestParser::read_top_k},
    {"stream", &RequestParser::read_stream},
    {"metadata", &RequestParser::read_metadata},
    {"service_tier", &RequestParser::read_service_tier},
    {"speed", &RequestParser::read_speed},
    {"inference_geo", &RequestParser::read_inference_geo},
    {"cache_control", &RequestParser::read_cache_control},
    {"container", &RequestParser::read_container},
    {"mcp_servers", &RequestParser::read_mcp_servers},
    {"context_management", &RequestParser::read_context_management},
    {"compaction", &RequestParser::read_compaction},
    {"thread", &RequestParser::read_thread},
    {"fallbacks", &RequestParser::read_fallbacks},
    {"diagnostics", &RequestParser::read_and_ignore},
    {"user_profile_id", &RequestParser::read_and_ignore},
    {"workspace_id", &RequestParser::read_and_ignore},
    {"betas", &RequestParser::read_and_ignore},
    {"anthropic_beta", &RequestParser::read_and_ignore},
    {"fallback_credit_token", &RequestParser::read_and_ignore},
    {"billing_policy", &RequestParser::read_and_ignore},
};

bool RequestParser::refuse(std::string path, std::string_view problem) {
  if (!error_) error_ = refuse_request(path.append(": ").append(problem));
  return false;
}

ApiError RequestParser::error() const {
  if (error_) return *error_;
  if (const auto place = too_deep_at(body_, reader_.offset()))
    return refuse_request(*place + ": nested deeper than " + std::to_string(kMaxJsonDepth) +
                          " levels, which is not accepted");
  return refuse_request("The request body is not valid JSON: unexpected input at byte " +
                        std::to_string(reader_.offset()));
}

bool RequestParser::is_null() {
  return reader_.kind() == Kind::null && reader_.skip();
}

bool RequestParser::read_string(std::string_view& raw, std::string_view path) {
  if (reader_.kind() == Kind::string) return reader_.string(raw);
  if (is_null()) return true;
  return reader_.skip() && refuse(std::string(path), "Input should be a valid string");
}

bool RequestParser::read_json(std::string_view& json, Kind expected, std::string_view path) {
  json = {};
  if (is_null()) return true;
  const Kind found = reader_.kind();
  if (!reader_.skip(json)) return false;
  if (found == expected) return true;
  return refuse(std::string(path), expected == Kind::object  ? "Input should be an object"
                                   : expected == Kind::array ? "Input should be a valid list"
                                                             : "Input should be a valid number");
}

bool RequestParser::read_bool(bool& value, std::string_view path) {
  const Kind found = reader_.kind();
  if (!reader_.skip()) return false;
  if (found == Kind::null) return true;
  value = found == Kind::yes;
  return value || found == Kind::no || refuse(std::string(path), "Input should be a valid boolean");
}

bool RequestParser::read_integer(std::int64_t& value, std::string_view path) {
  std::string_view json;
  const Kind found = reader_.kind();
  if (!reader_.skip(json)) return false;
  const auto number = found == Kind::number ? integer_of(json) : std::nullopt;
  if (!number) return refuse(std::string(path), "Input should be a valid integer");
  value = *number;
  return true;
}

bool RequestParser::read_loose(std::string_view& raw) {
  raw = {};
  return reader_.kind() == Kind::string ? reader_.string(raw) : reader_.skip();
}

bool RequestParser::read_loose_bool(bool& value) {
  value = reader_.kind() == Kind::yes;
  return reader_.skip();
}

// A field that nobody knows, unless it says nothing: null and an empty list mean absent.
bool RequestParser::read_unknown(std::string_view prefix, std::string_view key_raw) {
  std::string_view json;
  if (!reader_.skip(json)) return false;
  const bool empty_list = json.front() == '[' && trim(json.substr(1, json.size() - 2)).empty();
  if (json != "null" && !empty_list && out_.unknown_fields.size() < kMaxUnknownFields)
    out_.unknown_fields.push_back(std::string(prefix) + decode_json_string(key_raw));
  return true;
}

bool RequestParser::read_model() {
  std::string_view raw;
  if (!read_string(raw, "model")) return false;
  out_.model = decode_json_string(raw);
  if (out_.model.size() > kContextSuffix.size() && out_.model.ends_with(kContextSuffix))
    out_.model.resize(out_.model.size() - kContextSuffix.size());
  return true;
}

bool RequestParser::read_max_tokens() {
  out_.max_tokens.reset();
  if (is_null()) return true;
  std::int64_t value = 0;
  if (!read_integer(value, "max_tokens")) return false;
  if (value < 0) return refuse("max_tokens", "Input should be greater than or equal to 0");
  out_.max_tokens = value;
  return true;
}

bool RequestParser::read_thinking() {
  out_.thinking = ThinkingKind::absent;
  if (is_null()) return true;
  if (reader_.kind() != Kind::object)
    return reader_.skip() && refuse("thinking", "Input should be an object");
  std::string_view key, type;
  JsonReader::Members members(reader_);
  while (members.next(key)) {
    bool good = true;
    if (raw_equals(key, "type")) {
      good = read_string(type, "thinking.type");
    } else if (raw_equals(key, "budget_tokens")) {
      good = is_null() || read_integer(out_.thinking_budget, "thinking.budget_tokens");
    } else if (raw_equals(key, "display")) {
      good = read_string(out_.thinking_display_raw, "thinking.display");
    } else {
      good = reader_.skip();
    }
    if (!good) return false;
  }
  if (!reader_.ok()) return false;
  return choose(kThinkingKinds, type, out_.thinking) ||
         refuse("thinking.type",
                "Input should be 'enabled', 'adaptive', 'between_tools' or 'disabled'");
}

bool RequestParser::read_output_config() {
  if (is_null()) return true;
  if (reader_.kind() != Kind::object)
    return reader_.skip() && refuse("output_config", "Input should be an object");
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key)) {
    bool good = true;
    if (raw_equals(key, "effort")) {
      good = read_string(out_.effort_raw, "output_config.effort");
    } else if (raw_equals(key, "format")) {
      std::string_view format;
      good = read_json(format, Kind::object, "output_config.format");
      if (!format.empty()) {
        out_.output_format_json = format;
        has_output_config_format_ = true;
      }
    } else if (raw_equals(key, "task_budget")) {
      good = reader_.skip();
    } else {
      good = read_unknown("output_config.", key);
    }
    if (!good) return false;
  }
  return reader_.ok();
}

bool RequestParser::read_output_format() {
  std::string_view format;
  if (!read_json(format, Kind::object, "output_format")) return false;
  if (!has_output_config_format_) out_.output_format_json = format;
  return true;
}

bool RequestParser::read_stop_sequences() {
  out_.stop_sequences.clear();
  if (is_null()) return true;
  if (reader_.kind() != Kind::array)
    return reader_.skip() && refuse("stop_sequences", "Input should be a valid list");
  JsonReader::Items items(reader_);
  while (items.next()) {
    const std::string path = "stop_sequences." + std::to_string(out_.stop_sequences.size());
    std::string_view raw;
    if (out_.stop_sequences.size() >= kMaxStopSequences)
      return refuse("stop_sequences", "too many stop sequences");
    if (!read_string(raw, path)) return false;
    out_.stop_sequences.push_back(decode_json_string(raw));
  }
  return reader_.ok();
}

bool RequestParser::read_temperature() {
  return read_json(out_.temperature_json, Kind::number, "temperature");
}
bool RequestParser::read_top_p() {
  return read_json(out_.top_p_json, Kind::number, "top_p");
}
bool RequestParser::read_top_k() {
  return read_json(out_.top_k_json, Kind::number, "top_k");
}
bool RequestParser::read_stream() {
  return read_bool(out_.stream, "stream");
}

bool RequestParser::read_metadata() {
  if (is_null()) return true;
  if (reader_.kind() != Kind::object)
    return reader_.skip() && refuse("metadata", "Input should be an object");
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key)) {
    if (raw_equals(key, "user_id")) {
      if (!read_string(out_.user_id_raw, "metadata.user_id")) return false;
    } else {
      if (!read_unknown("metadata.", key)) return false;
    }
  }
  return reader_.ok();
}

bool RequestParser::read_service_tier() {
  return read_string(out_.service_tier_raw, "service_tier");
}
bool RequestParser::read_speed() {
  return read_string(out_.speed_raw, "speed");
}
bool RequestParser::read_inference_geo() {
  return read_string(out_.inference_geo_raw, "inference_geo");
}
bool RequestParser::read_cache_control() {
  return read_json(out_.cache_control_json, Kind::object, "cache_control");
}
bool RequestParser::read_container() {
  if (is_null()) return true;
  return reader_.skip(out_.container_json);
}
bool RequestParser::read_mcp_servers() {
  return read_json(out_.mcp_servers_json, Kind::array, "mcp_servers");
}
bool RequestParser::read_context_management() {
  return read_json(out_.context_management_json, Kind::object, "context_management");
}
bool RequestParser::read_compaction() {
  return read_json(out_.compaction_json, Kind::object, "compaction");
}
bool RequestParser::read_thread() {
  return read_json(out_.thread_json, Kind::object, "thread");
}
bool RequestParser::read_fallbacks() {
  std::string_view json;
  out_.fallbacks = !is_null();
  if (!out_.fallbacks) return true;
  if (!reader_.skip(json)) return false;
  // An empty list means absent.
  out_.fallbacks = json.front() != '[' || trim(json.substr(1, json.size() - 2)) != "";
  return true;
}
bool RequestParser::read_and_ignore() {
  return reader_.skip();
}

bool RequestParser::parse_member(std::string_view key) {
  const MemberName member(key);
  for (const Field& field : kFields)
    if (member.is(field.name)) return (this->*field.read)();
  return read_unknown("", key);
}

bool RequestParser::check(bool counting) {
  if (out_.model.empty()) return refuse("model", "Field required");
  if (!counting && !out_.max_tokens) return refuse("max_tokens", "Field required");
  if (out_.messages.empty()) return refuse("messages", "at least one message is required");
  return true;
}

bool RequestParser::begin() {
  if (!simdjson::validate_utf8(body_.data(), body_.size())) {
    error_ = refuse_request("The request body is not valid UTF-8");
    return false;
  }
  if (reader_.kind() != Kind::object) {
    if (reader_.skip() && reader_.at_end())
      error_ = refuse_request("The request body is not a JSON object");
    return false;
  }
  return true;
}

bool RequestParser::parse(bool counting) {
  if (!begin()) return false;
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key))
    if (!parse_member(key)) return false;
  out_.needless_escapes = reader_.spelling().needless_escapes;
  out_.spaces = reader_.spelling().spaces;
  return reader_.at_end() && check(counting);
}

bool RequestParser::parse_envelope() {
  if (!begin()) return false;
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key)) {
    const bool good = raw_equals(key, "model")    ? read_model()
                      : raw_equals(key, "stream") ? read_stream()
                                                  : reader_.skip();
    if (!good) return false;
  }
  return reader_.at_end() && (!out_.model.empty() || refuse("model", "Field required"));
}

Result<MessagesRequest, ApiError> parse_messages_envelope(std::string_view body) {
  MessagesRequest request;
  RequestParser parser(body, request);
  if (!parser.parse_envelope()) return tl::unexpected<ApiError>(parser.error());
  return request;
}

Result<MessagesRequest, ApiError> parse_messages_request(std::string_view body, bool counting,
                                                         ToolMemory* memory) {
  MessagesRequest request;
  RequestParser parser(body, request, memory);
  if (!parser.parse(counting)) return tl::unexpected<ApiError>(parser.error());
  return request;
}

Tool parse_tool(std::string_view json) {
  MessagesRequest request;
  RequestParser parser(json, request);
  return parser.parse_one_tool();
}

std::vector<Block> parse_content_blocks(std::string_view json) {
  MessagesRequest unused;
  std::vector<Block> blocks;
  RequestParser parser(json, unused);
  parser.parse_content(blocks);
  return blocks;
}

}  // namespace clasp::wire
