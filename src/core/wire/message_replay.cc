// See message_replay.h.
#include "core/wire/message_replay.h"

#include <algorithm>

#include "base/text.h"
#include "core/wire/json_reader.h"

namespace clasp::wire {

namespace {

// Of one delta.
constexpr std::size_t kLongestPiece = 4096;
// What a delta costs besides its text.
constexpr std::size_t kFrame = 100;

std::string text_member(std::string_view object, std::string_view name) {
  return decode_json_string(json_string_member(object, name));
}

std::int64_t count_member(std::string_view object, std::string_view name) {
  const auto value = json_member(object, name);
  const auto number = value ? parse_unsigned(*value) : std::nullopt;
  return number && *number <= INT64_MAX ? static_cast<std::int64_t>(*number) : 0;
}

bool is_object(std::optional<std::string_view> json) {
  return json && json->starts_with('{');
}

MessageUsage read_usage(std::string_view json) {
  MessageUsage usage;
  usage.input_tokens = count_member(json, "input_tokens");
  usage.output_tokens = count_member(json, "output_tokens");
  usage.cache_creation_input_tokens = count_member(json, "cache_creation_input_tokens");
  usage.cache_read_input_tokens = count_member(json, "cache_read_input_tokens");
  usage.cache_write_known = is_object(json_member(json, "cache_creation"));
  if (const auto details = json_member(json, "output_tokens_details"); is_object(details))
    usage.thinking_tokens = count_member(*details, "thinking_tokens");
  if (const auto tools = json_member(json, "server_tool_use"); is_object(tools))
    usage.web_search_requests = count_member(*tools, "web_search_requests");
  // What the writer knows: two names, and what they stand for.
  if (json_string_member(json, "service_tier") == "priority") usage.service_tier = "priority";
  usage.fast = json_string_member(json, "speed") == "fast";
  return usage;
}

std::vector<std::string_view> elements_of(std::string_view json) {
  std::vector<std::string_view> out;
  JsonReader reader(json);
  if (reader.kind() != JsonReader::Kind::array) return out;
  std::string_view element;
  JsonReader::Items items(reader);
  while (items.next() && reader.skip(element)) out.push_back(element);
  return out;
}

// The length of the escape at the beginning of `raw`; both halves of a surrogate pair are one.
std::size_t escape_length(std::string_view raw) {
  if (raw.size() < 2 || raw[1] != 'u') return 2;
  const bool high = raw.size() >= 12 && (raw[2] == 'd' || raw[2] == 'D') &&
                    std::string_view("89abAB").find(raw[3]) != std::string_view::npos;
  return high && raw[6] == '\\' && raw[7] == 'u' ? 12 : 6;
}

// Where to cut, at `limit` or a little before: never inside of a character.
std::size_t whole_characters(std::string_view text, std::size_t limit) {
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return limit;
}

// The same for the inside of a JSON string: never inside of an escape.
std::size_t whole_escapes(std::string_view raw, std::size_t limit) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t escape = raw.substr(0, limit).find('\\', at);
    if (escape == std::string_view::npos) return std::max(at, whole_characters(raw, limit));
    at = escape + escape_length(raw.substr(escape));
    if (at > limit) return escape;
    if (at == limit) return at;
  }
}

}  // namespace

MessageReplay::MessageReplay(std::string_view message, std::string id, bool started)
    : id_(std::move(id)), started_(started) {
  read(message);
}

void MessageReplay::read(std::string_view message) {
  JsonReader reader(message);
  if (reader.kind() != JsonReader::Kind::object) return;
  JsonReader::Members members(reader);
  std::string_view name, value;
  while (members.next(name) && reader.skip(value)) {
    if (name == "content") blocks_ = elements_of(value);
    if (name == "model") model_ = value;
    if (name == "stop_reason") stop_reason_ = value;
    if (name == "stop_sequence") stop_sequence_ = value;
    if (name == "stop_details") stop_details_ = value;
    if (name == "usage") usage_ = value;
    if (name == "context_management") edits_ = value;
  }
}

void MessageReplay::start(EventSink& sink) {
  started_ = true;
  const std::string model = decode_json_string(json_string(model_).value_or(""));
  MessageStart start;
  start.id = id_;
  start.model = model;
  start.beta = !edits_.empty();
  // As it is at a beginning: all of the prompt, and hardly anything of the answer.
  start.usage = read_usage(usage_);
  start.usage.output_tokens = 1;
  start.usage.thinking_tokens = -1;
  start.usage.web_search_requests = 0;
  sink.message_start(start);
}

void MessageReplay::open_block(EventSink& sink) {
  const std::string_view block = blocks_[static_cast<std::size_t>(block_)];
  const std::string_view type = json_string_member(block, "type");
  if (type == "text") {
    open_ = Kind::text;
    rest_ = json_string_member(block, "text");
    sink.text_start(block_);
  } else if (type == "thinking") {
    open_ = Kind::thinking;
    rest_ = json_string_member(block, "thinking");
    sink.thinking_start(block_);
  } else if (type == "tool_use") {
    open_ = Kind::tool;
    rest_ = json_member(block, "input").value_or("{}");
    sink.tool_start(block_, text_member(block, "id"), text_member(block, "name"),
                    text_member(block, "toolset_name"));
  } else {
    sink.whole_block(block_++, block);
  }
}

void MessageReplay::close_block(EventSink& sink) {
  const std::string_view block = blocks_[static_cast<std::size_t>(block_)];
  if (open_ == Kind::text) {
    for (const std::string_view one : elements_of(json_member(block, "citations").value_or("")))
      sink.citation_delta(block_, one);
  } else if (open_ == Kind::thinking) {
    if (const std::string signature = text_member(block, "signature"); !signature.empty())
      sink.signature_delta(block_, signature);
  }
  sink.block_stop(block_++);
  open_ = Kind::none;
}

std::string_view MessageReplay::take_piece() {
  std::size_t size = rest_.size();
  if (size > kLongestPiece)
    size = open_ == Kind::tool ? whole_characters(rest_, kLongestPiece)
                               : whole_escapes(rest_, kLongestPiece);
  const std::string_view piece = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return piece;
}

void MessageReplay::end(EventSink& sink) {
  const auto decoded = [](std::string_view json) {
    return decode_json_string(json_string(json).value_or(""));
  };
  const std::string reason = decoded(stop_reason_), sequence = decoded(stop_sequence_);
  const std::string category = text_member(stop_details_, "category");
  const std::string explanation = text_member(stop_details_, "explanation");
  MessageEnd end;
  end.stop_reason = reason;
  end.stop_sequence = sequence;
  end.has_stop_sequence = json_string(stop_sequence_).has_value();
  end.beta = !edits_.empty();
  if (is_object(edits_)) end.context_management_json = edits_;
  end.refusal = is_object(stop_details_);
  end.refusal_category = category;
  end.refusal_explanation = explanation;
  end.usage = read_usage(usage_);
  sink.message_end(end);
}

bool MessageReplay::next(EventSink& sink, std::size_t most) {
  if (!started_) start(sink);
  for (std::size_t sent = 0; sent < most; sent += kFrame) {
    if (open_ == Kind::none) {
      if (static_cast<std::size_t>(block_) == blocks_.size()) {
        end(sink);
        return false;
      }
      open_block(sink);
    } else if (rest_.empty()) {
      close_block(sink);
    } else {
      const std::string_view piece = take_piece();
      sent += piece.size();
      if (open_ == Kind::text)
        sink.text_delta(block_, piece);
      else if (open_ == Kind::thinking)
        sink.thinking_delta(block_, piece);
      else
        sink.input_delta(block_, piece);
    }
  }
  return true;
}

}  // namespace clasp::wire
