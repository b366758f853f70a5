// The parser behind parse_messages_request(), split over two source files: the fields of the
// request, and messages with their blocks. Nothing else includes this.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/wire/anthropic_request.h"
#include "core/wire/json_reader.h"

namespace clasp::wire {

// A member's name that is compared with many: whether it has escapes is looked at once.
class MemberName {
 public:
  explicit MemberName(std::string_view raw)
      : raw_(raw), plain_(raw.find('\\') == std::string_view::npos) {}
  bool is(std::string_view name) const { return plain_ ? raw_ == name : raw_equals(raw_, name); }

 private:
  std::string_view raw_;
  bool plain_;
};

// The names of an enumeration's values.
template <class Choice>
struct ChoiceName {
  std::string_view text;
  Choice value;
};

template <class Choice, std::size_t N>
bool choose(const ChoiceName<Choice> (&names)[N], std::string_view raw, Choice& value) {
  for (const auto& name : names) {
    if (!raw_equals(raw, name.text)) continue;
    value = name.value;
    return true;
  }
  return false;
}

class RequestParser {
 public:
  RequestParser(std::string_view body, MessagesRequest& out, ToolMemory* memory = nullptr)
      : body_(body), reader_(body), out_(out), memory_(memory) {}

  // False: error() says why.
  bool parse(bool counting);
  bool parse_envelope();
  ApiError error() const;
  // A `content` value: string or list of blocks, appended to `blocks`.
  bool parse_content(std::vector<Block>& blocks);
  // A tool definition; empty when it is none.
  Tool parse_one_tool();

 private:
  using Kind = JsonReader::Kind;
  struct Field {
    std::string_view name;
    bool (RequestParser::*read)();
  };
  static const Field kFields[];

  // All return false after a failure, of the grammar or of the shape.
  bool begin();
  bool refuse(std::string path, std::string_view problem);
  bool parse_member(std::string_view key);
  bool check(bool counting);
  bool is_null();  // skips a null and says so
  bool read_string(std::string_view& raw, std::string_view path);
  bool read_json(std::string_view& json, Kind expected, std::string_view path);
  bool read_bool(bool& value, std::string_view path);
  bool read_integer(std::int64_t& value, std::string_view path);
  // A string if it is one; anything else is passed over.
  bool read_loose(std::string_view& raw);
  bool read_loose_bool(bool& value);
  bool read_unknown(std::string_view prefix, std::string_view key_raw);

  bool read_model();
  bool read_max_tokens();
  bool read_messages();
  bool read_system();
  bool read_tools();
  bool read_tool_choice();
  bool read_thinking();
  bool read_output_config();
  bool read_output_format();
  bool read_stop_sequences();
  bool read_temperature();
  bool read_top_p();
  bool read_top_k();
  bool read_stream();
  bool read_metadata();
  bool read_service_tier();
  bool read_speed();
  bool read_inference_geo();
  bool read_cache_control();
  bool read_container();
  bool read_mcp_servers();
  bool read_context_management();
  bool read_compaction();
  bool read_thread();
  bool read_fallbacks();
  bool read_and_ignore();

  bool read_known_tools();
  bool read_new_tools();
  bool read_tool();
  bool read_message();
  bool read_role(Message& message, bool& seen);
  bool read_turn_config(Message& message);
  bool read_block(std::vector<Block>& blocks);
  bool read_block_member(Block& block, std::string_view key);
  bool read_block_content(Block& block);
  bool read_children(Block& block);
  bool read_source(Block& block);
  bool read_citations(Block& block);
  bool finish_block(Block& block);
  std::string block_path(std::string_view member) const;

  std::string_view body_;
  JsonReader reader_;
  MessagesRequest& out_;
  ToolMemory* memory_;
  std::optional<ApiError> error_;
  bool has_output_config_format_ = false;
  // Where blocks are read, for paths: "messages.3.content.1.content.0".
  std::string_view list_;
  std::size_t message_ = 0, block_ = 0, child_ = 0;
  bool in_child_ = false;
};

}  // namespace clasp::wire
