// Messages and content blocks: which members of a block are kept, and which a block of its type
// must have. Only the top level of a message is held to that; what stands inside a tool result was
// made by a tool, and is taken as it comes.
#include <array>

#include "base/text.h"
#include "core/wire/anthropic_request_parser.h"

namespace clasp::wire {

namespace {

struct TypeName {
  std::string_view name;
  BlockType type;
};

constexpr TypeName kBlockTypes[] = {
    {"text", BlockType::text},
    {"tool_use", BlockType::tool_use},
    {"tool_result", BlockType::tool_result},
    {"thinking", BlockType::thinking},
    {"redacted_thinking", BlockType::redacted_thinking},
    {"image", BlockType::image},
    {"document", BlockType::document},
    {"search_result", BlockType::search_result},
    {"server_tool_use", BlockType::server_tool_use},
    {"mcp_tool_use", BlockType::mcp_tool_use},
    {"mcp_tool_result", BlockType::mcp_tool_result},
    {"mcp_tool_listing", BlockType::mcp_tool_result},
    {"tool_reference", BlockType::tool_reference},
    {"compaction", BlockType::compaction},
    {"container_upload", BlockType::container_upload},
    {"tool_addition", BlockType::tool_addition},
    {"tool_removal", BlockType::tool_removal},
    {"fallback", BlockType::ignored},
};

BlockType type_of(std::string_view raw) {
  for (const TypeName& name : kBlockTypes)
    if (raw_equals(raw, name.name)) return name.type;
  // web_search_tool_result, code_execution_tool_result, advisor_tool_result, …
  if (raw.ends_with("_tool_result")) return BlockType::server_tool_result;
  if (raw.ends_with("_tool_use")) return BlockType::server_tool_use;
  return BlockType::unknown;
}

struct StringMember {
  std::string_view name;
  std::string_view Block::*member;
};

constexpr StringMember kStringMembers[] = {
    {"type", &Block::type_raw},
    {"thinking", &Block::text_raw},
    {"id", &Block::id_raw},
    {"tool_use_id", &Block::id_raw},
    {"name", &Block::name_raw},
    {"tool_name", &Block::name_raw},
    {"signature", &Block::signature_raw},
    {"data", &Block::signature_raw},
    {"title", &Block::title_raw},
    {"context", &Block::context_raw},
    {"toolset_name", &Block::toolset_raw},
};

constexpr StringMember kSourceMembers[] = {
    {"type", &Block::source_type_raw}, {"media_type", &Block::media_type_raw},
    {"data", &Block::data_raw},        {"url", &Block::data_raw},
    {"file_id", &Block::data_raw},
};

struct Requirement {
  BlockType type;
  std::string_view member;
  std::string_view Block::*value;
};

constexpr Requirement kRequirements[] = {
    {BlockType::tool_use, "id", &Block::id_raw},
    {BlockType::tool_use, "name", &Block::name_raw},
    {BlockType::tool_result, "tool_use_id", &Block::id_raw},
    {BlockType::image, "source", &Block::source_type_raw},
    {BlockType::document, "source", &Block::source_type_raw},
};

}  // namespace

std::string RequestParser::block_path(std::string_view member) const {
  std::string path(list_);
  if (list_ == "messages") path += "." + std::to_string(message_) + ".content";
  path += "." + std::to_string(block_);
  if (in_child_) path += ".content." + std::to_string(child_);
  return member.empty() ? path : path.append(".").append(member);
}

bool RequestParser::read_messages() {
  out_.messages.clear();
  out_.blocks.clear();
  out_.children.clear();
  list_ = "messages";
  if (is_null()) return true;
  if (reader_.kind() != Kind::array)
    return reader_.skip() && refuse("messages", "Input should be a valid list");
  JsonReader::Items items(reader_);
  while (items.next()) {
    message_ = out_.messages.size();
    if (message_ >= kMaxMessages)
      return refuse("messages", "too many messages: at most 100000 are accepted");
    if (!read_message()) return false;
  }
  return reader_.ok();
}

bool RequestParser::read_message() {
  const auto path = [this](std::string_view member) {
    return "messages." + std::to_string(message_) + std::string(member);
  };
  if (reader_.kind() != Kind::object)
    return reader_.skip() && refuse(path(""), "Input should be an object");
  Message message;
  bool has_role = false;
  message.first_block = message.end_block = static_cast<std::uint32_t>(out_.blocks.size());
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key)) {
    bool good = true;
    const MemberName name(key);
    if (name.is("role")) {
      good = read_role(message, has_role);
    } else if (name.is("content")) {
      message.first_block = static_cast<std::uint32_t>(out_.blocks.size());
      good = parse_content(out_.blocks);
      message.end_block = static_cast<std::uint32_t>(out_.blocks.size());
    } else if (name.is("clear_at")) {
      good = read_loose(message.clear_at_raw);
    } else if (name.is("output_config")) {
      good = read_turn_config(message);
    } else {
      good = reader_.skip();
    }
    if (!good) return false;
  }
  if (!reader_.ok()) return false;
  if (!has_role) return refuse(path(".role"), "Field required");
  out_.messages.push_back(message);
  return true;
}

bool RequestParser::read_role(Message& message, bool& seen) {
  constexpr std::array<std::pair<std::string_view, Role>, 3> kRoles{
      {{"user", Role::user}, {"assistant", Role::assistant}, {"system", Role::system}}};
  std::string_view raw;
  if (!read_loose(raw)) return false;
  for (const auto& [name, role] : kRoles) {
    if (!raw_equals(raw, name)) continue;
    message.role = role;
    seen = true;
    return true;
  }
  return refuse("messages." + std::to_string(message_) + ".role",
                "Input should be 'user', 'assistant' or 'system'");
}

bool RequestParser::read_turn_config(Message& message) {
  if (reader_.kind() != Kind::object) return reader_.skip();
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key))
    if (!(raw_equals(key, "effort") ? read_loose(message.effort_raw) : reader_.skip()))
      return false;
  return reader_.ok();
}

bool RequestParser::read_system() {
  out_.system.clear();
  list_ = "system";
  if (is_null()) return true;
  if (reader_.kind() == Kind::string || reader_.kind() == Kind::array)
    return parse_content(out_.system);
  return reader_.skip() && refuse("system", "Input should be a valid string or list");
}

bool RequestParser::parse_content(std::vector<Block>& blocks) {
  block_ = 0;
  if (is_null()) return true;
  if (reader_.kind() == Kind::string) {
    Block& block = blocks.emplace_back();
    block.type = BlockType::text;
    block.has_text = true;
    const std::size_t start = reader_.offset();
    if (!reader_.string(block.text_raw)) return false;
    block.json = body_.substr(start, reader_.offset() - start);
    return true;
  }
  if (reader_.kind() != Kind::array) {
    return reader_.skip() &&
           refuse(list_ == "messages" ? "messages." + std::to_string(message_) + ".content"
                                      : std::string(list_),
                  "Input should be a valid string or list");
  }
  JsonReader::Items items(reader_);
  for (; items.next(); ++block_)
    if (!read_block(blocks)) return false;
  return reader_.ok();
}

bool RequestParser::read_block(std::vector<Block>& blocks) {
  if (out_.blocks.size() + out_.children.size() >= kMaxBlocks)
    return refuse("messages", "too many content blocks");
  Block block;
  if (reader_.kind() != Kind::object) {
    if (!reader_.skip()) return false;
    return in_child_ || list_.empty() || refuse(block_path(""), "Input should be an object");
  }
  const std::size_t start = reader_.offset();
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key))
    if (!read_block_member(block, key)) return false;
  if (!reader_.ok()) return false;
  block.json = body_.substr(start, reader_.offset() - start);
  if (!finish_block(block)) return false;
  blocks.push_back(block);
  return true;
}

bool RequestParser::read_block_member(Block& block, std::string_view key) {
  const MemberName member_name(key);
  const auto is = [&](std::string_view name) { return member_name.is(name); };
  if (is("text")) {
    block.has_text = reader_.kind() == Kind::string;
    return read_loose(block.text_raw);
  }
  for (const StringMember& member : kStringMembers)
    if (is(member.name)) return read_loose(block.*member.member);
  if (is("content")) return read_block_content(block);
  if (is("input")) return is_null() || reader_.skip(block.input_json);
  if (is("source")) return read_source(block);
  if (is("cache_control")) {
    if (reader_.kind() == Kind::object) return reader_.skip(block.cache_control_json);
    return reader_.skip();
  }
  if (is("is_error")) return read_loose_bool(block.is_error);
  if (is("citations")) return read_citations(block);
  if (is("caller")) {
    std::string_view caller;
    if (!reader_.skip(caller)) return false;
    const std::string_view type = json_string_member(caller, "type");
    block.by_program = !type.empty() && type != "direct";
    return true;
  }
  return reader_.skip();
}

bool RequestParser::read_block_content(Block& block) {
  block.has_content = reader_.kind() != Kind::null;
  if (reader_.kind() == Kind::string) {
    block.has_text = true;
    return reader_.string(block.text_raw);
  }
  // Children are indexed at once when the type is known to be tool_result; otherwise the slice is
  // kept, and read again if the type turns out to be that.
  if (reader_.kind() == Kind::array && !in_child_ && !list_.empty() &&
      block.type_raw == "tool_result")
    return read_children(block);
  return reader_.skip(block.content_json);
}

bool RequestParser::read_children(Block& block) {
  block.first_child = static_cast<std::uint32_t>(out_.children.size());
  in_child_ = true;
  child_ = 0;
  JsonReader::Items items(reader_);
  for (; items.next(); ++child_) {
    // A bare string in the list is not the API's form, but what it says is plain.
    if (reader_.kind() == Kind::string) {
      Block& text = out_.children.emplace_back();
      text.type = BlockType::text;
      text.has_text = true;
      if (!reader_.string(text.text_raw)) return false;
    } else if (!read_block(out_.children)) {
      return false;
    }
  }
  in_child_ = false;
  block.end_child = static_cast<std::uint32_t>(out_.children.size());
  return reader_.ok();
}

bool RequestParser::read_source(Block& block) {
  if (reader_.kind() == Kind::string) return reader_.string(block.data_raw);
  if (reader_.kind() != Kind::object) return reader_.skip();
  std::string_view key;
  JsonReader::Members members(reader_);
  while (members.next(key)) {
    bool read = false;
    for (const StringMember& member : kSourceMembers) {
      if (!raw_equals(key, member.name)) continue;
      if (!read_loose(block.*member.member)) return false;
      read = true;
      break;
    }
    if (!read && raw_equals(key, "content")) {
      if (!reader_.skip(block.content_json)) return false;
    } else if (!read && !reader_.skip()) {
      return false;
    }
  }
  return reader_.ok();
}

// {"enabled":true} on documents, a list of citations on text.
bool RequestParser::read_citations(Block& block) {
  std::string_view json;
  if (!reader_.skip(json)) return false;
  if (json.front() == '{') {
    block.citations = json_member(json, "enabled").value_or("") == "true";
  } else if (json.front() == '[') {
    block.has_citations = !trim(json.substr(1, json.size() - 2)).empty();
  }
  return true;
}

bool RequestParser::finish_block(Block& block) {
  const bool lenient = in_child_ || list_.empty();
  if (block.type_raw.empty()) return lenient || refuse(block_path("type"), "Field required");
  block.type = type_of(block.type_raw);
  // Claude's own marks between texts; one may have words of its own.
  if (block.type == BlockType::unknown && block.type_raw == "connector_text" &&
      block.text_raw.empty())
    block.type = BlockType::ignored;
  if (!lenient) {
    if (block.type == BlockType::text && !block.has_text)
      return refuse(block_path("text"), "Input should be a valid string");
    for (const Requirement& need : kRequirements)
      if (block.type == need.type && (block.*need.value).empty())
        return refuse(block_path(need.member), "Field required");
  }
  if (block.type != BlockType::tool_result || block.content_json.empty() || lenient) return true;
  // The content came before the type.
  const std::vector<Block> nested = parse_content_blocks(block.content_json);
  if (nested.size() + out_.blocks.size() + out_.children.size() > kMaxBlocks)
    return refuse("messages", "too many content blocks");
  block.first_child = static_cast<std::uint32_t>(out_.children.size());
  out_.children.insert(out_.children.end(), nested.begin(), nested.end());
  block.end_child = static_cast<std::uint32_t>(out_.children.size());
  return true;
}

}  // namespace clasp::wire
